"""The own modem as a member of a logical network: give it a new key, see that it took it, ask
whether a link is up.

A modem that got a key restarts; the answer to SET_KEY says little (Qualcomm firmware has 1 for
"applied", where HomePlug has 0, and says it to requests that it does not apply). So the key counts
once the modem names the right network id (R-LINK-21). Key bytes leave this object in frames only.
"""

from codec import mme
from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

# States
OFF = const(0)
SETTING = const(1)  # SET_KEY is to go out, or its answer to come
PAUSE = const(2)  # before the next SET_KEY
RESTART = const(3)  # confirmed: the modem restarts
VERIFYING = const(4)  # GET_KEY is out
READY = const(5)
AWAY = const(6)  # restarted on its own: a new key as soon as it is back

# What frame() and poll() tell.
KEY = const(1)  # the key is in use
FAULT = const(2)  # as many tries as are allowed have failed; it goes on trying slowly
LINK_YES = const(3)
LINK_NO = const(4)

_ANSWER_MS = const(1000)
_FIRST_PAUSE_MS = const(500)
_LONGEST_PAUSE_MS = const(8000)
_SLOW_MS = const(30000)
_SETTLE_MS = const(500)  # confirmed to first question; some firmware answers on for a moment before it restarts
_UP_SETTLE_MS = const(200)
_ASK_MS = const(500)
_OLD_ID_MS = const(3000)  # that long the old network id may still be named
_RESTART_MS = const(10000)  # slowest restart that is known


class Modem:
    """cfg: set_key_ok, set_key_tries, set_key_verify (see Slac). mac: of this host. rand(n):
    hardware random bytes.

    `nmk`, `nid`: the key and its network id. `mac`: the modem's own address, learned from what confirms the key.
    """

    def __init__(self, cfg, mac, rand):
        self._host = mac
        self._rand = rand
        self._ok = cfg["set_key_ok"]
        self._tries = cfg["set_key_tries"]
        self._verify = cfg["set_key_verify"]
        self.state = OFF
        self.nmk = bytearray(16)
        self.nid = bytearray(7)
        self.mac = bytearray(6)
        self.failures = 0
        self._due = None
        self._send = 0
        self._confirmed = 0  # tick of the answer to SET_KEY
        self._restarted = False  # since then
        self._every_ms = 0
        self._ask_at = None  # next link status request
        self._ask_link = False

    @property
    def ready(self):
        return self.state == READY

    @property
    def gives_up(self):
        """True from FAULT until a key counts, or another one is tried."""
        return self.failures >= self._tries

    @property
    def due(self):
        return sooner(self._due, self._ask_at)

    def _go(self, state, now, wait_ms=0):
        self.state = state
        self._due = ticks_add(now, wait_ms) if wait_ms else None

    def new_key(self, now):
        """Another key from 16 random bytes, to the modem at once (R-LINK-20). The one place here
        that allocates."""
        self._fresh()
        self._set(now)

    def _fresh(self):
        nmk = self._rand(16)
        nid = mme.nid(nmk)
        mme.copy(self.nmk, 0, nmk, 0, 16)
        mme.copy(self.nid, 0, nid, 0, 7)
        self.failures = 0
        self.watch(0, 0)

    def _set(self, now):
        self._restarted = False
        self._send = mme.SET_KEY_REQ
        self._go(SETTING, now, _ANSWER_MS)

    def down(self, now):
        """The modem restarts. True if SET_KEY made it do so, or may have: the answer can get lost
        in the restart."""
        if self.state == AWAY or self.state == OFF:
            return False
        self._send = 0
        if self.state == READY:
            if self._restarted or ticks_diff(now, self._confirmed) >= _RESTART_MS:
                self._fresh()
                self._go(AWAY, now, _RESTART_MS)
                return False
            self._restarted = True
            if self._verify:
                self._confirmed = now
                self._go(RESTART, now, _RESTART_MS)
        elif self.state != PAUSE and self._verify:
            if self.state == SETTING:
                self._confirmed = now
            self._restarted = True
            self._go(RESTART, now, _RESTART_MS)
        return True

    def up(self, now):
        """The modem is back, or there for the first time."""
        if self.state == RESTART or self.state == VERIFYING:
            self._go(RESTART, now, _UP_SETTLE_MS)
        elif self.state in (SETTING, PAUSE, AWAY):
            self._set(now)

    def watch(self, now, every_ms):
        """Ask for the link each every_ms from now on; 0 = no more."""
        self._every_ms = every_ms
        self._ask_link = False
        self._ask_at = now if every_ms else None

    def is_own(self, buf):
        """True if the frame is from the modem that confirmed the key."""
        return mme.same(buf, mme.SOURCE, self.mac, 0, 6)

    def frame(self, kind, buf, now):
        """A checked frame of kind SET_KEY_CNF, GET_KEY_CNF or LINK_STATUS_CNF; return KEY, FAULT,
        LINK_YES, LINK_NO or 0."""
        if kind == mme.LINK_STATUS_CNF:
            if not self._every_ms or buf[mme.LINK_MSTATUS] or not self.is_own(buf):
                return 0
            return LINK_YES if buf[mme.LINK_STATE] else LINK_NO
        if kind == mme.SET_KEY_CNF and self.state == SETTING:
            if buf[mme.KEY_RESULT] != self._ok:
                return self._failed(now)
            self._confirmed = now
            if self._verify:
                self._go(RESTART, now, _SETTLE_MS)
                return 0
            return self._use(buf, now)
        if kind == mme.GET_KEY_CNF and self.state == VERIFYING:
            if mme.same(buf, mme.GET_KEY_NID, self.nid, 0, 7):
                return self._use(buf, now)
            if self._restarted or ticks_diff(now, self._confirmed) >= _OLD_ID_MS:
                return self._failed(now)
        return 0

    def _use(self, buf, now):
        mme.copy(self.mac, 0, buf, mme.SOURCE, 6)
        self.failures = 0
        self._send = 0
        self._go(READY, now)
        return KEY

    def _failed(self, now):
        """One try has failed. Return FAULT at the last of the allowed ones."""
        last = self.failures == self._tries - 1
        if self.failures < self._tries:
            self.failures += 1
        wait_ms = _FIRST_PAUSE_MS << (self.failures - 1)
        if self.failures == self._tries:
            wait_ms = _SLOW_MS
        elif wait_ms > _LONGEST_PAUSE_MS:
            wait_ms = _LONGEST_PAUSE_MS
        self._go(PAUSE, now, wait_ms)
        return FAULT if last else 0

    def poll(self, now):
        """Fire what is due; return FAULT or 0."""
        if self._ask_at is not None and ticks_diff(now, self._ask_at) >= 0:
            self._ask_link = True
            self._ask_at = ticks_add(now, self._every_ms)
        if self._due is None or ticks_diff(now, self._due) < 0:
            return 0
        if self.state == SETTING:
            return self._failed(now)
        if self.state == PAUSE or self.state == AWAY:
            self._set(now)
        elif ticks_diff(now, self._confirmed) >= _RESTART_MS:
            return self._failed(now)
        else:
            self._send = mme.GET_KEY_REQ
            self._go(VERIFYING, now, _ASK_MS)
        return 0

    def tx(self, out):
        """Next frame for the modem into out, 0 = none."""
        kind = self._send
        self._send = 0
        if kind == mme.SET_KEY_REQ:
            return mme.set_key_req(out, self._host, self.nid, self.nmk)
        if kind == mme.GET_KEY_REQ:
            return mme.get_key_req(out, self._host, self.nid)
        if self._ask_link:
            self._ask_link = False
            return mme.link_status_req(out, self._host)
        return 0
