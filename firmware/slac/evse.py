"""The station's side of the data link: key of the own modem, matching of cars, link supervision
(ISO 15118-3, annex A).

A machine (docs/design.md). It owns the own modem (modem.py), five matching runs (matches.py,
match.py), the data link (data_link.py) and the pilot validation (validate.py), and decides between
them: which frame counts for which run, and who gets the key. Matching proves nothing about who a
car is: its MAC is a name, not an authorisation (R-SECURITY-03).
"""

from codec import mme
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.slac import data_link as links
from firmware.slac import match as step
from firmware.slac import modem as own
from firmware.slac.data_link import DataLink
from firmware.slac.matches import FULL, Matches
from firmware.slac.modem import Modem
from firmware.slac.validate import Validation
from micropython import const

# Events
KEY_READY = const(1)  # the modem uses a fresh key: a car can be matched
STARTED = const(2)  # a car has asked for parameters
MATCHED = const(3)  # a car gets the key now
LINK_UP = const(4)  # car and station are in one network
LINK_LOST = const(5)
FAILED = const(6)  # end of the matching attempts
MODEM_FAULT = const(7)  # the modem takes no key; tried on slowly

# States
OFF = const(0)
UNPLUGGED = const(1)
WAITING = const(2)  # plugged, no run
MATCHING = const(3)
ENDED = const(4)  # attempts used up
JOINING = const(5)  # a car has the key; from here on somebody is in the network
LINKED = const(6)
PAUSED = const(7)  # the car sleeps, the network is kept
STATE_NAMES = ("off", "unplugged", "waiting", "matching", "failed", "joining", "linked", "paused")

# drops[reason]
DROP_LENGTH = const(0)
DROP_TYPE = const(1)  # no message for a station
DROP_VERSION = const(2)
DROP_ADDRESS = const(3)
DROP_FIELD = const(4)  # a field has not the value it must have
DROP_RUN = const(5)  # no such MAC and run id
DROP_STATE = const(6)  # not expected now
DROP_FULL = const(7)  # all runs are taken
DROP_RATE = const(8)  # sooner after a failure than the matching rate
DROP_SOURCE = const(9)  # speaks for the own modem and is not
DROP_NAMES = ("length", "type", "version", "address", "field", "run", "state", "full", "rate", "source")

_JOIN_MS = const(12000)  # TT_match_join
_RESUME_MS = const(6000)  # T_conn_resume
_REPETITION_MS = const(10000)  # TT_matching_repetition
_ODD_LOW_DB = const(3)  # a car on this cable is not that near: somebody may pretend
_ODD_HIGH_DB = const(60)
_EVENTS = const(8)
_COUNT = const(0x3FFFFFFF)


class Slac:
    """cfg: keys slac_…, set_key_… and evse_id. mac: 6 bytes of this host. rand(n): hardware random
    bytes. trace: note(now, text, value) and attenuation(now, mac, sounds, groups); the key is never
    in it (R-SECURITY-07).

    start() once at boot; restarts of the modem come by modem_down() and modem_up(), also those that SET_KEY causes.
    `ev_mac` is valid from MATCHED on. `started_at`: tick of the first parameter request since plug-in, or None.
    """

    def __init__(self, cfg, mac, rand, trace):
        self.mac = bytes(mac)
        self.ev_mac = bytearray(6)
        self.started_at = None
        self.state = OFF
        self.drops = [0] * len(DROP_NAMES)
        self.modem = Modem(cfg, self.mac, rand)
        self._trace = trace
        named = cfg["slac_station_ids"] == "own"
        station_id = (cfg["evse_id"].encode() if named else b"")[:17]
        station_id = station_id + bytes(17 - len(station_id))
        self.runs = Matches(self.mac, station_id, cfg["slac_offset_db"])
        self._validation = Validation(self.mac, cfg["slac_validate"] == "count")
        self._max_match = cfg["slac_max_match"]
        self._rate_ms = cfg["slac_matching_rate_ms"]
        self._reset = cfg["slac_reset_instead_of_fail"]
        can_ask = cfg["slac_link_detect"] == "status"
        self._link = DataLink(self.modem, can_ask, cfg["slac_link_ready_ms"])
        self._any_source = cfg["slac_profile_any_source"]
        self._plugged = False
        self._given = False  # a car has this key
        self._matched = None  # the run that it got it by
        self._resumed = False
        self._until = None  # end of the time for new attempts
        self._age = 0
        self._due = None
        self._events = bytearray(_EVENTS)
        self._waiting = 0  # events
        self._asked_mac = bytearray(6)
        self._amp_mac = bytearray(6)
        self._amp = False

    # -- calls of the supervisor

    def start(self, now):
        """Boot: a fresh key for the modem."""
        self._waiting = 0
        self._unmatch()
        self._renew(now)
        self._go(WAITING if self._plugged else UNPLUGGED)

    def plugged(self, yes, now):
        """The pilot has left state A, or is in A again: then the network is left, and a key that a
        car had is replaced."""
        yes = bool(yes)
        if yes == self._plugged:
            return
        self._plugged = yes
        if self.state == OFF:
            return
        self._unmatch()
        if self._given:
            self._renew(now)
        self._go(WAITING if yes else UNPLUGGED)

    def leave(self, now):
        """The session is over while the car stays plugged: leave the network, take a new key, be
        ready for a match."""
        if self.state >= JOINING:
            self._unmatch()
            self._renew(now)
            self._go(WAITING)

    def pause(self, now):
        """The session pauses: the car may vanish from the line without being lost, the key stays
        (R-LINK-23)."""
        if self.state == LINKED:
            self._link.off()
            self._go(PAUSED)

    def resume(self, now):
        """Wake-up: the same network has to come up within T_conn_resume, then LINK_UP is told
        again."""
        if self.state == PAUSED:
            self._resumed = True
            self._link.join(now, _RESUME_MS)
            self._go(JOINING)

    def modem_down(self, now):
        """The modem restarts."""
        expected = self.modem.down(now)
        if self.state >= JOINING:
            self._lost(now)
        elif not expected and self.state != OFF:
            self._given = False
            self._unmatch()
            self._go(WAITING if self._plugged else UNPLUGGED)

    def modem_up(self, now):
        self.modem.up(now)

    def peer_frame(self, now):
        """An IPv6 frame came in from the line: the sign of a link for modems that cannot be
        asked."""
        if not self._link.can_ask:
            self._link.said(True, now)

    def toggles(self, n, now):
        """The pilot has counted n toggles, asked for by wants_toggles."""
        self._validation.toggles(n, now)

    @property
    def wants_toggles(self):
        return self._validation.wanted

    @property
    def ready(self):
        """The modem has the key."""
        return self.modem.ready

    @property
    def modem_fault(self):
        """The modem has not taken its key in as many tries as are allowed; MODEM_FAULT was told
        then."""
        return self.modem.gives_up

    @property
    def due(self):
        at = sooner(sooner(self._due, self.modem.due), sooner(self._link.due, self._validation.due))
        return sooner(at, self.runs.due)

    def event(self):
        if not self._waiting:
            return 0
        code = self._events[0]
        self._waiting -= 1
        for i in range(self._waiting):
            self._events[i] = self._events[i + 1]
        return code

    def _tell(self, code):
        if self._waiting == _EVENTS:  # nobody listens: the newest count
            self.event()
        self._events[self._waiting] = code
        self._waiting += 1

    def _go(self, state, due=None):
        self.state = state
        self._due = due

    # -- frames

    def rx(self, buf, n, now):
        kind = mme.check(buf, n, self.mac)
        if kind < 0:
            self._drop(-1 - kind)
        elif kind == mme.ATTEN_PROFILE_IND:
            self._profile(buf, now)
        elif kind == mme.SLAC_PARM_REQ:
            self._parm(buf, now)
        elif kind == mme.START_ATTEN_IND:
            run = self._find(buf, mme.START_RUN, False)
            if run is not None:
                self._judged(run, run.start_atten(buf, now), now)
        elif kind == mme.MNBC_SOUND_IND:
            run = self._find(buf, mme.SOUND_RUN, False)
            if run is not None:
                self._judged(run, run.sound(buf), now)
        elif kind == mme.ATTEN_CHAR_RSP:
            run = self._find(buf, mme.CHAR_RUN, True)
            if run is not None:
                self._judged(run, run.response(buf, now), now)
        elif kind == mme.MATCH_REQ:
            run = self._find(buf, mme.MATCH_RUN, True)
            if run is not None:
                self._match(run, buf, now)
        elif kind == mme.VALIDATE_REQ:
            if not self._known(buf):
                self._drop(DROP_RUN)
            elif not self._validation.request(buf, now):
                self._drop(DROP_FIELD)
        elif kind == mme.AMP_MAP_REQ:
            self._amp_map(buf)
        elif kind == mme.SET_KEY_CNF or kind == mme.GET_KEY_CNF or kind == mme.LINK_STATUS_CNF:
            self._own(self.modem.frame(kind, buf, now), now)
        else:
            self._drop(DROP_TYPE)

    def _drop(self, reason):
        self.drops[reason] = (self.drops[reason] + 1) & _COUNT

    def _judged(self, run, result, now):
        """Count what a run did not take; True if it did. The first wrong field of a run is told."""
        if result == step.FIELD:
            self._drop(DROP_FIELD)
            if not run.told:
                run.told = True
                self._trace.note(now, run.wrong)
        elif result == step.WRONG_TIME:
            self._drop(DROP_STATE)
        return result == step.OK

    def _find(self, buf, run_at, unicast):
        """The run of a frame; None and counted if there is none, or if a broadcast came where the
        car must mean us."""
        if unicast and not mme.same(buf, 0, self.mac, 0, 6):
            self._drop(DROP_ADDRESS)
            return None
        run = self.runs.find(buf, run_at)
        if run is None:
            self._drop(DROP_RUN)
        return run

    def _known(self, buf):
        """True if the frame comes from a car that is in a run or in the network."""
        if self.state >= JOINING and mme.same(buf, mme.SOURCE, self.ev_mac, 0, 6):
            return True
        return self.runs.newest(buf, mme.SOURCE) is not None

    def _profile(self, buf, now):
        if not self._any_source and not self.modem.is_own(buf):
            self._drop(DROP_SOURCE)
            return
        run = self.runs.newest(buf, mme.PROFILE_MAC)
        if run is None:
            self._drop(DROP_RUN)
        else:
            self._judged(run, run.profile(buf, now), now)

    def _parm(self, buf, now):
        """SLAC_PARM.REQ: silence unless a car is plugged (R-LINK-01) and the modem has its key.
        While a car joins, only that car may try again; a link that is up is not disturbed by
        anybody (R-LINK-07)."""
        if not mme.zero(buf, mme.BODY, 2):
            self._drop(DROP_FIELD)
            return
        if (
            self.state < WAITING
            or self.state >= LINKED
            or not self.modem.ready
            or (self.state == ENDED and not self._reset)
            or (self.state == JOINING and not mme.same(buf, mme.SOURCE, self.ev_mac, 0, 6))
        ):
            self._drop(DROP_STATE)
            return
        self._age = (self._age + 1) & _COUNT
        run = self.runs.find(buf, mme.PARM_REQ_RUN)
        if run is not None:
            if not run.open(buf, self._age, now):
                self._drop(DROP_STATE)
            return
        run = self.runs.slot(buf, now)
        if run is None:
            self._drop(DROP_FULL if self.runs.refused == FULL else DROP_RATE)
            return
        if self.state == ENDED:
            self._forget()
        run.open(buf, self._age, now)
        if self.started_at is None:
            self.started_at = now
            mme.copy(self._asked_mac, 0, run.mac, 0, 6)
        elif not mme.same(run.mac, 0, self._asked_mac, 0, 6):
            self._trace.note(now, "slac: another MAC asks")  # crosstalk, or somebody pretends (R-SECURITY-03)
        if self.state != JOINING and self.state != MATCHING:
            self._tell(STARTED)
            self._go(MATCHING)

    def _amp_map(self, buf):
        """The map of carriers is not exchanged: every request is declined."""
        if not self._known(buf):
            self._drop(DROP_RUN)
        elif not self._amp:
            mme.copy(self._amp_mac, 0, buf, mme.SOURCE, 6)
            self._amp = True

    def _match(self, run, buf, now):
        """A run has got to its match request: the first one wins, the others end without blame."""
        repeated = run.state == step.MATCHED
        if not self._judged(run, run.match(buf, now), now) or repeated:
            return
        self.runs.close(run)
        self._matched = run
        self._given = True
        mme.copy(self.ev_mac, 0, run.mac, 0, 6)
        self._tell(MATCHED)
        self._trace.note(now, "slac: matched")
        self._resumed = False
        self._link.join(now, _JOIN_MS)
        self._go(JOINING)

    def _own(self, told, now):
        if told == own.KEY:
            self._tell(KEY_READY)
            if self._until is not None and self.state == WAITING:  # no attempt was possible until now
                self._until = ticks_add(now, _REPETITION_MS)
                self._go(WAITING, self._until)
        elif told == own.FAULT:
            self._tell(MODEM_FAULT)
            self._trace.note(now, "slac: the modem does not take the key; tries", self.modem.failures)
        elif told:
            self._linked(self._link.said(told == own.LINK_YES, now), now)

    def _linked(self, told, now):
        if told == links.UP:
            for run in self.runs.items:
                if run.state != step.MATCHED:  # a second attempt of this car; it came in by the first
                    run.close()
            self._tell(LINK_UP)
            self._trace.note(now, "slac: link is up")
            self._go(LINKED)
        elif told == links.NOT_JOINED and not self._resumed:
            self._not_joined(now)
        elif told:
            self._lost(now)

    def _lost(self, now):
        """One line, no more questions, a new key (R-LINK-24)."""
        self._trace.note(now, "slac: link lost")
        self._tell(LINK_LOST)
        self._unmatch()
        if self.modem.state == own.AWAY:
            self._given = False  # it gets a fresh key when it is back
        else:
            self._renew(now)
        self._go(WAITING if self._plugged else UNPLUGGED)

    def _renew(self, now):
        self._given = False
        self.modem.new_key(now)

    def _unmatch(self):
        self.runs.close()
        self._forget()
        self._matched = None
        self._validation.reset()
        self._amp = False
        self.started_at = None
        self._link.off()

    def _forget(self):
        self.runs.forget()
        self._until = None

    def poll(self, now):
        for run in self.runs.items:
            told = run.poll(now)
            if told == step.FAILED:
                self._failed(run, run.why(), now)
            elif told == step.MEASURED:
                self._measured(run, now)
        self._validation.poll(now)
        self._own(self.modem.poll(now), now)
        self._linked(self._link.poll(now), now)
        if self._due is not None and ticks_diff(now, self._due) >= 0:
            self._end(now)

    def _measured(self, run, now):
        self._trace.attenuation(now, run.mac, run.sounds, run.groups)
        mean_db = run.mean_db()
        if mean_db < _ODD_LOW_DB or mean_db > _ODD_HIGH_DB:
            self._trace.note(now, "slac: odd attenuation, dB", mean_db)

    def _failed(self, run, why, now):
        """A run has failed. The car may try again, at the matching rate, for the time of repetition
        (R-LINK-22)."""
        self._trace.note(now, why, run.heard if run.state == step.SETTLING else None)
        run.close()
        run.failures += 1
        run.again = ticks_add(now, self._rate_ms)
        if self.state == JOINING:
            return  # a second attempt of the car that joins; its time runs on
        if self._until is None:
            self._until = ticks_add(now, _REPETITION_MS)
        if not self.runs.idle():
            return
        if run.failures >= self._max_match or ticks_diff(now, self._until) >= 0:
            self._end(now)
        else:
            self._go(WAITING, self._until if self.modem.ready else None)

    def _not_joined(self, now):
        run = self._matched
        self.runs.close(run)
        self._matched = None
        self._go(MATCHING)
        self._renew(now)
        self._failed(run, step.WHY[step.MATCHED], now)

    def _end(self, now):
        self._trace.note(now, "slac: matching failed")
        self._tell(FAILED)
        self._go(ENDED)

    def tx(self, out):
        """Next frame into out (1518 bytes), 0 = none. Answers to the car go first: it waits 100 ms
        for them."""
        nid = self.modem.nid
        nmk = self.modem.nmk
        for run in self.runs.items:
            n = run.tx(out, nid, nmk)
            if n:
                return n
        n = self._validation.tx(out)
        if n:
            return n
        if self._amp:
            self._amp = False
            return mme.amp_map_cnf(out, self._amp_mac, self.mac, 1)
        return self.modem.tx(out)
