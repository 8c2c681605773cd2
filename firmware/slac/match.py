"""One matching run of one vehicle, from its parameter request to its match request (ISO 15118-3,
annex A.9).

A run is known by the vehicle's MAC and the run id, eight bytes without meaning. It judges the
frames that Slac found to be its own and keeps its timers. A bad frame is only counted; retries and
timers are not affected (R-LINK-14).
"""

from array import array

from codec import mme
from firmware.clock import ticks_add, ticks_diff
from micropython import const

# States
FREE = const(0)
REQUESTED = const(1)  # parameters confirmed, START_ATTEN_CHAR is to come
SOUNDING = const(2)
SETTLING = const(3)
REPORTED = const(4)  # attenuation sent, its response is to come
EXCHANGED = const(5)  # response is here: a match request gets the key
MATCHED = const(6)

# What the judges of frames say.
OK = const(0)
FIELD = const(1)  # a field differs
WRONG_TIME = const(2)  # not in this state

# What poll() tells.
FAILED = const(1)  # WHY[state] says how; Slac closes the run
MEASURED = const(2)  # `groups` is ready and goes out

SOUNDS = const(10)  # C_EV_match_MNBC
_SEQUENCE_MS = const(400)  # TT_match_sequence
_WINDOW_MS = const(600)  # TT_EVSE_match_MNBC
_SETTLE_MS = const(45)  # profiles of the last sounds come late
_RESPONSE_MS = const(200)  # TT_match_response (R-LINK-12)
_RESENDS = const(2)  # C_EV_match_retry
_SESSION_MS = const(10000)  # TT_EVSE_match_session (R-LINK-13)
_REPETITION_MS = const(10000)  # TT_matching_repetition
_NO_ID = bytes(17)

# What a run waited for when it failed, by state.
WHY = (
    "",
    "slac: no START_ATTEN_CHAR after the parameters",
    "slac: no attenuation profile from the own modem; sounds heard",
    "slac: no attenuation profile from the own modem; sounds heard",
    "slac: no response to the attenuation",
    "slac: no match request; the car may have chosen another station",
    "slac: the car did not join the network",
)
_REFUSED = "slac: what the car sent was refused, as said before"


class Match:
    """station: MAC of this host. station_id: 17 bytes for the attenuation report. offset_db:
    receive offset of the board, added to each group (saturates at 255)."""

    def __init__(self, station, station_id, offset_db):
        self.station = station
        self.station_id = station_id
        self.offset_db = offset_db
        self.state = FREE
        self.due = None
        self.mac = bytearray(6)
        self.run_id = bytearray(8)
        self.age = 0  # number of its opening: the highest of a MAC gets the sounds
        self.failures = 0  # of this MAC one after the other; stays when the run is free
        self.again = None  # tick before which the MAC does not get another run
        self.wrong = None  # what was wrong first in the frames of this run, in words
        self.told = False  # it is in the trace
        self.sounds = 0  # profiles measured
        self.heard = 0  # sounds that reached the host themselves
        self.groups = bytearray(mme.GROUPS)  # dB, mean
        self._sums = array("H", bytes(2 * mme.GROUPS))
        self._opened = 0
        self._sent = 0  # attenuation reports
        self._named = False  # the match request had our id in it, not zeros
        self._send = 0  # MMTYPE of the frame that tx() makes next

    def _go(self, state, now, wait_ms=0):
        self.state = state
        self.due = ticks_add(now, wait_ms) if wait_ms else None

    def is_of(self, buf, run_at):
        """True if the frame's source and the run id at run_at are this run's."""
        return (
            self.state != FREE
            and mme.same(buf, mme.SOURCE, self.mac, 0, 6)
            and mme.same(buf, run_at, self.run_id, 0, 8)
        )

    def open(self, buf, age, now):
        """Begin, or begin again with nothing counted (R-LINK-06), on a parameter request that was
        judged by Slac.

        False if the same request has gone on for TT_matching_repetition and nothing followed: the
        run fails at its due."""
        if self.state == REQUESTED:
            if ticks_diff(now, self._opened) >= _REPETITION_MS:
                return False
        else:
            self._opened = now
        mme.copy(self.mac, 0, buf, mme.SOURCE, 6)
        mme.copy(self.run_id, 0, buf, mme.PARM_REQ_RUN, 8)
        self.age = age
        self.wrong = None
        self.told = False
        self.sounds = 0
        self.heard = 0
        self._sent = 0
        for i in range(mme.GROUPS):
            self._sums[i] = 0
        self._send = mme.SLAC_PARM_CNF
        self._go(REQUESTED, now, _SEQUENCE_MS)
        return True

    def close(self):
        self._send = 0
        self._go(FREE, 0)

    def start_atten(self, buf, now):
        """START_ATTEN_CHAR.IND: the first opens the sounding window, later ones change nothing
        (R-LINK-08, -09)."""
        if not mme.zero(buf, mme.BODY, 2):
            return self._refuse("slac: START_ATTEN_CHAR with another application or security type")
        if buf[mme.START_RESP_TYPE] != 1:
            return self._refuse("slac: START_ATTEN_CHAR with another response type")
        if self.state != REQUESTED:
            return OK if self.state == SOUNDING else WRONG_TIME
        self._go(SOUNDING, now, _WINDOW_MS)
        return OK

    def sound(self, buf):
        """MNBC_SOUND.IND. It measures nothing; that it came and no profile did tells of a modem
        that cannot measure."""
        if not mme.zero(buf, mme.BODY, 2):
            return self._refuse("slac: MNBC_SOUND with another application or security type")
        if self.state not in (SOUNDING, SETTLING):
            return WRONG_TIME
        if self.heard < 255:
            self.heard += 1
        return OK

    def profile(self, buf, now):
        """ATTEN_PROFILE.IND of the own modem for this MAC (R-LINK-10)."""
        if buf[mme.PROFILE_GROUPS] != mme.GROUPS:
            return self._refuse("slac: attenuation profile of the own modem without 58 groups")
        if self.state not in (SOUNDING, SETTLING) or self.sounds >= SOUNDS:
            return WRONG_TIME
        sums = self._sums
        for i in range(mme.GROUPS):
            sums[i] += buf[mme.PROFILE_AAG + i]
        self.sounds += 1
        if self.sounds == SOUNDS and self.state == SOUNDING:
            self._go(SETTLING, now, _SETTLE_MS)
        return OK

    def response(self, buf, now):
        """ATTEN_CHAR.RSP (R-LINK-14)."""
        wrong = None
        if not mme.zero(buf, mme.BODY, 2):
            wrong = "slac: response to the attenuation with another application or security type"
        elif not mme.same(buf, mme.CHAR_MAC, self.mac, 0, 6):
            wrong = "slac: response to the attenuation with a source address that is not the car's"
        elif not mme.zero(buf, mme.CHAR_SOURCE_ID, 17):
            wrong = "slac: response to the attenuation with a source id that is not zero"
        elif not self._is_our_id(buf, mme.CHAR_RESP_ID):
            wrong = "slac: response to the attenuation with a response id that is not ours"
        elif buf[mme.CHAR_RESULT]:
            wrong = "slac: response to the attenuation with a result that is not success"
        if wrong:
            return self._refuse(wrong)
        if self.state != REPORTED:
            return WRONG_TIME
        self._send = 0  # a repetition that has not left yet would be answered again
        self._go(EXCHANGED, now, _SESSION_MS)
        return OK

    def match(self, buf, now):
        """MATCH.REQ. The key goes out only behind an exchange of attenuation (R-LINK-15), and again
        to the repeated request of a run that is matched already (R-LINK-16)."""
        wrong = None
        if not mme.zero(buf, mme.BODY, 2):
            wrong = "slac: match request with another application or security type"
        elif buf[mme.MATCH_LENGTH] != mme.MATCH_REQ_LENGTH or buf[mme.MATCH_LENGTH + 1]:
            wrong = "slac: match request with another length"
        elif not mme.zero(buf, mme.MATCH_PEV_ID, 17):
            wrong = "slac: match request with a PEV ID that is not zero"
        elif not mme.same(buf, mme.MATCH_PEV_MAC, self.mac, 0, 6):
            wrong = "slac: match request with a PEV MAC that is not its sender's"
        elif not self._is_our_id(buf, mme.MATCH_EVSE_ID):
            wrong = "slac: match request with an EVSE ID that is not ours"
        elif not mme.same(buf, mme.MATCH_EVSE_MAC, self.station, 0, 6):
            wrong = "slac: match request with an EVSE MAC that is not ours"
        if wrong:
            return self._refuse(wrong)
        if self.state not in (EXCHANGED, MATCHED):
            return WRONG_TIME
        self._named = not mme.zero(buf, mme.MATCH_EVSE_ID, 17)
        self._send = mme.MATCH_CNF
        self._go(MATCHED, now)
        return OK

    def _refuse(self, wrong):
        if self.wrong is None:
            self.wrong = wrong
        return FIELD

    def why(self):
        """Why the run fails now, in words."""
        return WHY[self.state] if self.wrong is None else _REFUSED

    def _is_our_id(self, buf, at):
        return mme.zero(buf, at, 17) or mme.same(buf, at, self.station_id, 0, 17)

    def poll(self, now):
        """Fire the timer; return FAILED, MEASURED or 0."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return 0
        if self.state == SOUNDING:
            self._go(SETTLING, now, _SETTLE_MS)
            return 0
        if self.state == SETTLING and self.sounds:
            self._average()
            self._report(now)
            return MEASURED
        if self.state == REPORTED and self._sent <= _RESENDS:
            self._report(now)
            return 0
        return FAILED  # without a profile nothing is reported: any number would be an invention (R-LINK-11)

    def _average(self):
        """The mean is rounded to the nearest dB, halves up: truncating would call the line better
        than it is."""
        half = self.sounds >> 1
        for i in range(mme.GROUPS):
            mean = (self._sums[i] + half) // self.sounds + self.offset_db
            self.groups[i] = mean if mean < 255 else 255

    def _report(self, now):
        self._sent += 1
        self._send = mme.ATTEN_CHAR_IND
        self._go(REPORTED, now, _RESPONSE_MS)

    def mean_db(self):
        """Mean over the groups, dB."""
        total = 0
        for i in range(mme.GROUPS):
            total += self.groups[i]
        return total // mme.GROUPS

    def tx(self, out, nid, nmk):
        """Next frame of this run into out, 0 = none."""
        kind = self._send
        self._send = 0
        if kind == mme.SLAC_PARM_CNF:
            return mme.parm_cnf(out, self.mac, self.station, self.run_id)
        if kind == mme.ATTEN_CHAR_IND:
            return mme.atten_char_ind(
                out, self.mac, self.station, self.run_id, self.station_id, self.sounds, self.groups
            )
        if kind == mme.MATCH_CNF:
            named = self.station_id if self._named else _NO_ID
            return mme.match_cnf(out, self.mac, self.station, self.run_id, named, nid, nmk)
        return 0
