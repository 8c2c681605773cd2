"""What is measured of an emulated board while it works: messages, latencies, phases. All times are
emulated."""

from host_tools.recordings.oneline import summary

_TCP, _IPV6 = 6, b"\x86\xdd"


def tcp_payload(frame):
    """Bytes of TCP payload in an Ethernet frame; 0 for any other."""
    if len(frame) < 74 or frame[12:14] != _IPV6 or frame[20] != _TCP:
        return 0
    return (frame[18] << 8 | frame[19]) - (frame[66] >> 4) * 4


def frames(burst):
    """The frames in what was read from the chip: length[4] AA AA AA AA length[2] 00 00 frame 55
    55."""
    at = 0
    while at + 14 <= len(burst):
        n = burst[at + 8] | burst[at + 9] << 8
        yield burst[at + 12 : at + 12 + n]
        at += n + 14


class Observer:
    """sink(record) gets records like those of a trace (host_tools/recordings/oneline.py), with t_ms
    of the emulator.

    messages: [(name of the answer, ms, ms of the car)]: from the release of CS behind the read of
    the request to the release behind the write of the answer, and from the car's sending to its
    having the answer. causes: ms from each rising edge of INT to the read of its cause. duties,
    coils, loads: [(ms, value)].
    """

    def __init__(self, sink=None):
        self.sink = sink or (lambda record: None)
        self.messages = []
        self.causes = []
        self.duties = []
        self.coils = []
        self.loads = []
        self.texts = []
        self.reads = self.writes = 0
        self.now_ns = 0.0
        self._rose = None
        self._request = self._answer = None
        self._sent = 0.0

    # -- of the world

    def interrupt(self, ns):
        if self._rose is None:
            self._rose = ns

    def cause_read(self, ns):
        if self._rose is not None:
            self.causes.append((ns - self._rose) / 1e6)
            self._rose = None

    def burst_read(self, ns, burst):
        self.reads += 1
        if any(tcp_payload(frame) > 0 for frame in frames(burst)):
            self._request, self._answer = ns, None

    def frame_written(self, ns, data):
        self.writes += 1
        if tcp_payload(data[8:]) > 0:
            self._answer = ns

    def text(self, ns, data):
        self.texts.append((ns / 1e6, data))

    def duty(self, ns, permille):
        self.duties.append((ns / 1e6, permille))
        self.sink({"t_ms": ns / 1e6, "note": "pilot %g %%" % (permille / 10)})

    def coil(self, ns, on):
        self.coils.append((ns / 1e6, on))
        self.sink({"t_ms": ns / 1e6, "note": "contactor drive %s" % ("on" if on else "off")})

    def reset(self, ns, why):
        self.sink({"t_ms": ns / 1e6, "error": "the chip has been reset: " + why})

    def load(self, ns, ohms):
        self.loads.append((ns / 1e6, ohms))

    # -- of the car (trace of ev/car.py)

    def message(self, now, direction, payload_type, buf, at, n, state):
        from codec import exi, exi_json

        t_ms = self.now_ns / 1e6
        try:
            kind, value = exi.decode(exi.schema_of(payload_type), buf, at, n)
        except exi.ExiError as error:
            self.sink({"t_ms": t_ms, "error": "message that cannot be decoded: %s" % error})
            return
        name = exi_json.name_of(kind)
        record = {"t_ms": t_ms, "dir": "SECC->EVCC" if direction else "EVCC->SECC", "name": name,
                  "text": summary(exi_json.to_json_obj(kind, value)), "bytes": n}  # fmt: skip
        if not direction:
            self._sent = self.now_ns
        elif self._request is not None and self._answer is not None:
            record["ms"] = (self._answer - self._request) / 1e6
            self.messages.append((name, record["ms"], (self.now_ns - self._sent) / 1e6))
            self._request = None
        self.sink(record)

    def note(self, now, text, value=None):
        self.sink({"t_ms": self.now_ns / 1e6, "note": text if value is None else "%s %s" % (text, value)})

    error = note
