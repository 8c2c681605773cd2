"""The vehicle's side of matching (ISO 15118-3, annex A), with the things that go wrong in the field
as switches.

A machine (docs/design.md) that runs on MicroPython too. It asks for parameters, sounds, takes the
station with the lowest mean attenuation, asks it for the key, gives the key to its own modem and
waits until the modems see each other.

cfg, all optional: `sounds` 0..10 (10), `attempts` (3), `run_id` 8 bytes (random), `link_status`
(True; False: the network counts as joined once the own modem has the key), `set_key_ok` (1),
`faults`, a tuple of names:

    wrong_run_id   another run id from START_ATTEN_CHAR on       wrong_mac      MATCH.REQ names another vehicle
    replay_match   the answered MATCH.REQ goes out again         slow          START after 250 ms, MATCH.REQ after 980 ms
    no_rsp         no ATTEN_CHAR.RSP                             skip_atten     MATCH.REQ right after the parameters
    one_start      one START_ATTEN_CHAR, as one tool does        validate       CM_VALIDATE before the match
"""

from codec import mme
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.slac.evse import FAILED, LINK_LOST, LINK_UP, MATCHED, MODEM_FAULT, STARTED
from micropython import const

# States
OFF = const(0)
REQUESTING = const(1)
SOUNDING = const(2)
RESULTS = const(3)
VALIDATING = const(4)
MATCHING = const(5)
KEYING = const(6)
JOINING = const(7)
LINKED = const(8)
PAUSE = const(9)  # before the next attempt
ENDED = const(10)
STATE_NAMES = (
    "off",
    "requesting",
    "sounding",
    "results",
    "validating",
    "matching",
    "keying",
    "joining",
    "linked",
    "pause",
    "failed",
)

_PARM_EVERY_MS = const(200)
_PARM_TRIES = const(50)  # stations may be busy with their own modem for 10 s
_GATHER_MS = const(60)  # for the answers of other stations; START has to follow within 100 ms
_GAP_MS = const(30)  # TP_EV_batch_msg_interval 20..50 ms
_RESULTS_MS = const(1200)  # TT_EV_atten_results
_MATCH_MS = const(200)  # TT_match_response
_RETRIES = const(2)  # C_EV_match_retry
_KEY_MS = const(1000)
_KEY_TRIES = const(5)
_RESUME_MS = const(6000)  # T_conn_resume
_RATE_MS = const(400)  # TT_matching_rate
_JOIN_MS = const(12000)  # TT_match_join
_STATUS_MS = const(200)
_TOGGLES_MS = const(2000)
_STATIONS = const(4)


class EvSlac:
    """mac: of the car's host; rand(n); trace: note(now, text, value). `evse_mac`, `nid`, `nmk`
    after MATCHED; `toggling` is true while the pilot shall toggle between B and C."""

    def __init__(self, cfg, mac, rand, trace):
        self.cfg = cfg
        self.mac = bytes(mac)
        self._rand = rand
        self._trace = trace
        self.faults = cfg.get("faults", ())
        self.state = OFF
        self.evse_mac = bytes(6)
        self.nid = bytes(7)
        self.nmk = bytes(16)
        self.run_id = bytes(8)
        self.stations = {}  # MAC of a station that answered -> its mean attenuation, or None until it has reported
        self.attempts = 0
        self.drops = 0
        self._events = []
        self._frames = []
        self._due = None
        self._sent_run = self.run_id
        self._asked = b""  # last MATCH.REQ
        self._step = 0  # within a state: messages or tries so far
        self._ask_at = None
        self.toggling = False

    @property
    def due(self):
        return sooner(self._due, self._ask_at)

    def start(self, now):
        self.attempts = 0
        self._begin(now)

    def event(self):
        return self._events.pop(0) if self._events else 0

    def sleep(self):
        """The session is paused: the modem is not asked any more, the key stays."""
        self._ask_at = None

    def wake(self, now):
        """Back into the same network; LINK_UP again, or a new matching."""
        self._go(JOINING, now, _RESUME_MS)
        self._ask_at = now

    def modem_down(self, now):
        """Its own modem restarts: expected after SET_KEY, else the end of the link."""
        if self.state == LINKED:
            self._lose(now)

    def modem_up(self, now):
        pass

    def tx(self, out):
        if not self._frames:
            return 0
        frame = self._frames.pop(0)
        out[: len(frame)] = frame
        return len(frame)

    def _go(self, state, now, wait_ms=None):
        self.state = state
        self._step = 0
        self._due = None if wait_ms is None else ticks_add(now, wait_ms)

    def _again(self, now, wait_ms):
        self._step += 1
        self._due = ticks_add(now, wait_ms)

    def _begin(self, now):
        self.attempts += 1
        self.run_id = self.cfg.get("run_id") or self._rand(8)
        self.stations = {}
        self._ask_at = None
        self._go(REQUESTING, now, 0)

    def _fail(self, now, text):
        self._trace.note(now, text)
        self._ask_at = None
        self.toggling = False
        if self.attempts < self.cfg.get("attempts", 3):
            self._go(PAUSE, now, _RATE_MS)
        else:
            self._events.append(FAILED)
            self._go(ENDED, now)

    def _lose(self, now):
        self._ask_at = None
        self._events.append(LINK_LOST)
        self._go(ENDED, now)

    # -- time

    def poll(self, now):
        if self._ask_at is not None and ticks_diff(now, self._ask_at) >= 0:
            self._ask_at = ticks_add(now, _STATUS_MS)
            self._send(mme.MIN_FRAME, mme.LOCAL_MODEM, mme.LINK_STATUS_REQ)
        if self._due is None or ticks_diff(now, self._due) < 0:
            return
        state = self.state
        if state == REQUESTING:
            self._ask(now)
        elif state == SOUNDING:
            self._sound(now)
        elif state == RESULTS:
            self._choose(now)
        elif state == VALIDATING:
            self._validate(now)
        elif state == MATCHING:
            self._match(now)
        elif state == KEYING:
            self._key(now)
        elif state == JOINING:
            self._fail(now, "ev slac: the station is not in the network")
        elif state == PAUSE:
            self._begin(now)

    def _ask(self, now):
        if self.stations:
            self._sent_run = self._rand(8) if "wrong_run_id" in self.faults else self.run_id
            if "skip_atten" in self.faults:
                self.evse_mac = sorted(self.stations)[0]
                self._go(MATCHING, now, 0)
            else:
                self._go(SOUNDING, now, 0)
        elif self._step >= _PARM_TRIES:
            self._fail(now, "ev slac: no station answers")
        else:
            if self._step == 0:
                self._events.append(STARTED)
            frame = self._frame(29, mme.BROADCAST, mme.SLAC_PARM_REQ)
            frame[mme.PARM_REQ_RUN : mme.PARM_REQ_RUN + 8] = self.run_id
            self._frames.append(frame)
            self._again(now, _PARM_EVERY_MS)

    def _sound(self, now):
        starts = 1 if "one_start" in self.faults else 3
        sounds = self.cfg.get("sounds", 10)
        number = self._step
        if number < starts:
            frame = self._frame(38, mme.BROADCAST, mme.START_ATTEN_IND)
            frame[21:24] = b"\x0a\x06\x01"  # sounds, time-out in 100 ms, response type
            frame[24:30] = self.mac
            frame[mme.START_RUN : mme.START_RUN + 8] = self._sent_run
        elif number < starts + sounds:
            frame = self._frame(71, mme.BROADCAST, mme.MNBC_SOUND_IND)
            frame[mme.SOUND_COUNT] = sounds - 1 - (number - starts)  # how many are to follow
            frame[mme.SOUND_RUN : mme.SOUND_RUN + 8] = self._sent_run
            frame[55:71] = self._rand(16)
        else:
            self._go(RESULTS, now, _RESULTS_MS - number * _GAP_MS)
            return
        self._frames.append(frame)
        self._again(now, _GAP_MS)

    def _choose(self, now):
        """The station that is heard best, of those that have reported (the others may not be able
        to)."""
        best = None
        for mac in sorted(self.stations):
            mean = self.stations[mac]
            if mean is not None and (best is None or mean < self.stations[best]):
                best = mac
        if best is None:
            self._fail(now, "ev slac: no attenuation reported")
            return
        self.evse_mac = best
        if "validate" in self.faults:
            self._go(VALIDATING, now, 0)
        else:
            self._go(MATCHING, now, 980 if "slow" in self.faults else 0)

    def _validate(self, now):
        if self._step > _RETRIES:
            self._fail(now, "ev slac: no answer to VALIDATE")
            return
        self._send_validate(0)
        self._again(now, _MATCH_MS)

    def _send_validate(self, timer):
        frame = self._frame(22, self.evse_mac, mme.VALIDATE_REQ)
        frame[mme.VALIDATE_TIMER] = timer
        frame[mme.VALIDATE_RESULT] = mme.READY
        self._frames.append(frame)

    def _match(self, now):
        if self._step > _RETRIES:
            self._fail(now, "ev slac: no answer to MATCH")
            return
        frame = self._frame(85, self.evse_mac, mme.MATCH_REQ)
        frame[mme.MATCH_LENGTH] = mme.MATCH_REQ_LENGTH
        frame[mme.MATCH_PEV_MAC : mme.MATCH_PEV_MAC + 6] = b"\x02\xee" * 3 if "wrong_mac" in self.faults else self.mac
        frame[mme.MATCH_EVSE_MAC : mme.MATCH_EVSE_MAC + 6] = self.evse_mac
        frame[mme.MATCH_RUN : mme.MATCH_RUN + 8] = self._sent_run
        self._frames.append(frame)
        self._asked = frame
        self._again(now, _MATCH_MS)

    def _key(self, now):
        if self._step >= _KEY_TRIES:
            self._events.append(MODEM_FAULT)
            self._fail(now, "ev slac: the own modem does not take the key")
            return
        frame = bytearray(mme.MIN_FRAME)
        mme.set_key_req(frame, self.mac, self.nid, self.nmk)
        self._frames.append(frame)
        self._again(now, _KEY_MS)

    # -- frames

    def _frame(self, n, to, kind):
        frame = bytearray(n if n > mme.MIN_FRAME else mme.MIN_FRAME)
        mme.begin(frame, n, to, self.mac, kind)
        return frame

    def _send(self, n, to, kind):
        self._frames.append(self._frame(n, to, kind))

    def rx(self, buf, n, now):
        kind = mme.check(buf, n, self.mac)
        src = bytes(buf[6:12]) if n >= 12 else b""
        took = False
        if kind == mme.SLAC_PARM_CNF:
            took = self._parm_cnf(buf, src, now)
        elif kind == mme.ATTEN_CHAR_IND:
            took = self._atten_char(buf, src, now)
        elif kind == mme.VALIDATE_CNF:
            took = self._validate_cnf(buf, src, now)
        elif kind == mme.MATCH_CNF:
            took = self._match_cnf(buf, src, now)
        elif kind == mme.SET_KEY_CNF:
            took = self._set_key_cnf(buf, now)
        elif kind == mme.LINK_STATUS_CNF:
            took = self._link_status(buf, now)
        if not took:
            self.drops += 1

    def _parm_cnf(self, buf, src, now):
        if (
            self.state != REQUESTING
            or bytes(buf[19:28]) != b"\xff\xff\xff\xff\xff\xff\x0a\x06\x01"
            or bytes(buf[28:34]) != self.mac
            or bytes(buf[34:44]) != b"\x00\x00" + self.run_id
            or (len(self.stations) >= _STATIONS and src not in self.stations)
        ):
            return False
        if not self.stations:
            self._due = ticks_add(now, 250 if "slow" in self.faults else _GATHER_MS)
        self.stations[src] = None
        return True

    def _atten_char(self, buf, src, now):
        if (
            self.state not in (SOUNDING, RESULTS, MATCHING)
            or src not in self.stations
            or not mme.zero(buf, mme.BODY, 2)
            or bytes(buf[mme.CHAR_MAC : mme.CHAR_MAC + 6]) != self.mac
            or bytes(buf[mme.CHAR_RUN : mme.CHAR_RUN + 8]) != self._sent_run
            or buf[70] != mme.GROUPS
            or not buf[mme.CHAR_RESULT]
        ):
            return False
        if "no_rsp" not in self.faults:
            frame = self._frame(70, src, mme.ATTEN_CHAR_RSP)
            frame[mme.CHAR_MAC : mme.CHAR_RESULT] = bytes(buf[mme.CHAR_MAC : mme.CHAR_RESULT])
            self._frames.append(frame)
        self.stations[src] = sum(buf[mme.CHAR_AAG : mme.CHAR_AAG + mme.GROUPS]) / mme.GROUPS
        if self.state == RESULTS and None not in self.stations.values():
            self._choose(now)
        return True

    def _validate_cnf(self, buf, src, now):
        if self.state != VALIDATING or src != self.evse_mac or buf[mme.VALIDATE_SIGNAL]:
            return False
        if buf[mme.VALIDATE_RESULT] == mme.READY and not self.toggling:
            self.toggling = True
            self._send_validate(_TOGGLES_MS // 100 - 1)
            self._due = ticks_add(now, _TOGGLES_MS + 1000)
        else:  # a count or a refusal: both let the match go on
            self.toggling = False
            self._go(MATCHING, now, 0)
        return True

    def _match_cnf(self, buf, src, now):
        if (
            self.state != MATCHING
            or src != self.evse_mac
            or not mme.zero(buf, mme.BODY, 2)
            or buf[mme.MATCH_LENGTH] != mme.MATCH_CNF_LENGTH
            or buf[mme.MATCH_LENGTH + 1]
            or bytes(buf[mme.MATCH_PEV_MAC : mme.MATCH_PEV_MAC + 6]) != self.mac
            or bytes(buf[mme.MATCH_EVSE_MAC : mme.MATCH_EVSE_MAC + 6]) != src
            or bytes(buf[mme.MATCH_RUN : mme.MATCH_RUN + 8]) != self._sent_run
        ):
            return False
        self.nid = bytes(buf[mme.MATCH_NID : mme.MATCH_NID + 7])
        self.nmk = bytes(buf[mme.MATCH_NMK : mme.MATCH_NMK + 16])
        if "replay_match" in self.faults:
            self._frames.append(self._asked)
        self._events.append(MATCHED)
        self._go(KEYING, now, 0)
        return True

    def _set_key_cnf(self, buf, now):
        if self.state != KEYING:
            return False
        if buf[mme.KEY_RESULT] != self.cfg.get("set_key_ok", 1):
            return True  # the timer sends it again
        if self.cfg.get("link_status", True):
            self._go(JOINING, now, _JOIN_MS)
            self._ask_at = now
        else:
            self._events.append(LINK_UP)
            self._go(LINKED, now)
        return True

    def _link_status(self, buf, now):
        if buf[mme.LINK_MSTATUS]:
            return False
        if self.state == JOINING and buf[mme.LINK_STATE]:
            self._events.append(LINK_UP)
            self._go(LINKED, now)
        elif self.state == LINKED and not buf[mme.LINK_STATE]:
            self._lose(now)
        return True
