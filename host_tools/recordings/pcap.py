"""Recordings of a station as pcapng, for Wireshark, and back.

A V2GTP message is a TCP segment (port 15118, IPv6, in right order, with sequence numbers and
checksums that hold) of a connection that is opened and closed as on the wire. What is not on the
wire (pilot, supervisor, matching, power, notes) is a syslog message to the address of the station:
Wireshark shows its text in the list. The comment of a packet has the name and the main fields of
the message; behind it stands the line of the trace, from which read() makes the records again.
"""

import io
import json
import struct

from codec import v2gtp
from host_tools.recordings import oneline
from host_tools.recordings.lines import CUT, RecordError, from_lines, to_line

PORT = 15118  # where V2G plug-ins for Wireshark look
_SYSLOG = 514
_CAR_PORT = 49152
_MSS = 1440
_CAR_MAC, _STATION_MAC = b"\x02MV2\x01\x01", b"\x02MV2\x00\x01"
_CAR = bytes.fromhex("fe80000000000000000000fffe000101")
_STATION = bytes.fromhex("fe80000000000000000000fffe000001")
_SYN, _FIN, _PSH, _ACK = 2, 1, 8, 16
_RAW = "trace: "  # begins the comment that has the line
_CONFIG = "config: "


def checksum(data):
    """The Internet checksum of bytes."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _frame(from_car, protocol, segment, at):
    """An Ethernet frame with IPv6; `at`: offset of the checksum in the segment."""
    ends = ((_CAR_MAC, _CAR), (_STATION_MAC, _STATION))
    (from_mac, source), (to_mac, target) = ends if from_car else ends[::-1]
    pseudo = source + target + struct.pack(">IHBB", len(segment), 0, 0, protocol)
    value = checksum(pseudo + segment) or 0xFFFF
    segment = segment[:at] + struct.pack(">H", value) + segment[at + 2 :]
    return (
        to_mac
        + from_mac
        + b"\x86\xdd"
        + struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64)
        + source
        + target
        + segment
    )


class _Flow:
    """One TCP connection as it would look on the wire."""

    def __init__(self, number):
        self.car_port = _CAR_PORT + number
        self.next = {True: 1000, False: 5000}  # sequence number by direction; True: from the car

    def segment(self, from_car, flags, data=b""):
        ports = (self.car_port, PORT) if from_car else (PORT, self.car_port)
        ack = self.next[not from_car] if flags & _ACK else 0
        head = struct.pack(">HHIIBBHHH", *ports, self.next[from_car], ack, 5 << 4, flags, 64240, 0, 0)
        self.next[from_car] += len(data) + (1 if flags & (_SYN | _FIN) else 0)
        return _frame(from_car, 6, head + data, 16)

    def open(self):
        return [self.segment(True, _SYN), self.segment(False, _SYN | _ACK), self.segment(True, _ACK)]

    def close(self):
        return [self.segment(True, _FIN | _ACK), self.segment(False, _FIN | _ACK), self.segment(True, _ACK)]


def _event(text, bad):
    """A syslog message of facility local0."""
    data = f"<{16 * 8 + (3 if bad else 6)}>microv2g: {text}".encode()
    return _frame(False, 17, struct.pack(">HHHH", _SYSLOG, _SYSLOG, 8 + len(data), 0) + data, 6)


def _words(record):
    """What a record says, in one line for the comment and the list."""
    if "dir" in record:
        what = oneline.summary(record["json"]) if record.get("json") else record.get("decode_error", "")
        return f"{record['name'] or record['payload_type']}  {what}".strip()
    if "power" in record:
        p = record["power"]
        return f"power {p['power_w']} W of {p['setpoint_w']} W, contactor {'closed' if p['contactor'] else 'open'}"
    if "error" in record:
        return "error: " + record["error"]
    if "status" in record:
        return "status " + " ".join(f"{key}={value}" for key, value in record["status"].items())
    return oneline.event(record)


def packets(found):
    """(t_ms, frame, comments) of every packet of records, in order."""
    flow, count = None, 0
    for record in found:
        t_ms = record["t_ms"]
        line = to_line(record)
        if line is None:
            continue
        raw = _RAW + line
        if "dir" not in record:
            text = _words(record)
            yield t_ms, _event(text, "error" in record), (text, raw)
            if flow and _ends(record):
                yield from ((t_ms, frame, ()) for frame in flow.close())
                flow = None
            continue
        from_car = record["dir"] == "EVCC->SECC"
        if flow and from_car and record["payload_type"] == "0x8001":
            yield from ((t_ms, frame, ()) for frame in flow.close())  # the end of the last one was not recorded
            flow = None
        if flow is None:
            flow = _Flow(count)
            count += 1
            yield from ((t_ms, frame, ()) for frame in flow.open())
        data = bytes.fromhex(record["exi_hex"])
        head = bytearray(v2gtp.HEADER)
        v2gtp.write_header(head, 0, int(record["payload_type"], 16), len(data))
        data = bytes(head) + data
        for at in range(0, len(data), _MSS):
            last = at + _MSS >= len(data)
            frame = flow.segment(from_car, _ACK | (_PSH if last else 0), data[at : at + _MSS])
            yield t_ms, frame, (_words(record), raw) if last else ()


def _ends(record):
    """True for the note that a connection has ended."""
    return record.get("note", "").startswith(("disconnected", "connection lost", "tcp closed"))


def write(path, found, base_s, config=None, hardware="microv2g"):
    """Write records as pcapng. base_s: Unix time of t_ms 0. config: of the station, kept for
    `microv2g replay`. Returns the number of packets."""
    from pcapng import FileWriter, blocks

    comment = [_CONFIG + json.dumps(config)] if config is not None else []
    section = blocks.SectionHeader(
        options={"shb_hardware": hardware, "shb_userappl": "microv2g trace", "opt_comment": comment}
    )
    link = section.new_member(
        blocks.InterfaceDescription,
        link_type=1,
        snaplen=0,
        options={
            "if_name": "v2g",
            "if_description": "V2GTP of a station, with its events as syslog",
            "if_tsresol": b"\x06",
        },
    )
    out, n = io.BytesIO(), 0
    writer = FileWriter(out, section)
    for t_ms, frame, comments in packets(found):
        stamp = int(base_s * 1000 + t_ms) * 1000
        packet = section.new_member(
            blocks.EnhancedPacket,
            interface_id=link.interface_id,
            options={"opt_comment": list(comments)} if comments else {},
        )
        packet.timestamp_high, packet.timestamp_low = stamp >> 32, stamp & 0xFFFFFFFF
        packet.packet_data = frame
        writer.write_block(packet)
        n += 1
    with open(path, "wb") as f:
        f.write(out.getvalue())
    return n


def read(path):
    """(records, config or None) of a file of ours. RecordError if it holds none."""
    from pcapng import FileScanner, blocks
    from pcapng.exceptions import PcapngException

    lines, config, damage = [], None, ""
    try:
        with open(path, "rb") as f:
            for block in FileScanner(f):
                comments = block.options.get_all("opt_comment") if hasattr(block, "options") else []
                for comment in comments:
                    if isinstance(block, blocks.SectionHeader) and comment.startswith(_CONFIG):
                        config = json.loads(comment[len(_CONFIG) :])
                    elif comment.startswith(_RAW):
                        lines.append(comment[len(_RAW) :])
    except (PcapngException, ValueError, EOFError) as error:
        if not lines:
            raise RecordError(f"{path}: damaged: {error or type(error).__name__}") from None
        damage = str(error) or type(error).__name__
    if not lines:
        raise RecordError(
            f"{path}: no record of a station in this capture (only files of `microv2g trace pull` have them)"
        )
    found = from_lines(lines)
    if damage:
        found.append({"t_ms": found[-1]["t_ms"], "note": f"{CUT}: {damage}"})
    return found, config
