"""Infypower REG, CEG and LRG, protocol V1.13: charging only, 125 kbit/s.

Source: EVerest's InfyPower. The command says what the data is. Every read carries eight bytes of
0. The module ends by itself 10 s after the last message. Its limits are asked for until it has
told them; nothing is delivered before.
"""

from drivers.infypower import BROADCAST, CONTROLLER, Module, put_u32
from micropython import const

_OUTPUT = const(0x03)  # V and A, two floats
_STATE = const(0x04)
_LIMITS = const(0x0A)
_AVAILABLE = const(0x0C)
_POWER = const(0x1A)  # 0 on, 1 off
_SET = const(0x1C)  # mV, mA
_NO_WRITE = const(0)

_ROUND = (_OUTPUT, _STATE, _OUTPUT, _NO_WRITE, _OUTPUT, _AVAILABLE, _OUTPUT, _LIMITS)


def accept(cfg):
    """(mask, identifiers) that the CAN chip has to let in: what is for us."""
    module = cfg["can_module"]
    if module == BROADCAST:
        return 0xFF00, (CONTROLLER << 8,)
    return 0xFFFF, (CONTROLLER << 8 | module,)


class Reg(Module):
    def _forget(self):
        Module._forget(self)
        self._was_write = False
        self._repeat = 0
        self._can_ma = -1  # what it says that it has

    def _fresh(self, now):
        return self.max_mv > 0 and Module._fresh(self, now)

    def _now_w(self, rated_w):
        if self._can_ma < 0:
            return rated_w
        return min(rated_w, max(self.mv, self.min_mv) // 1000 * self._can_ma // 1000)

    def _take(self, command, now):
        data = self._can.data
        if command == _OUTPUT:
            self._measured_mv(milli(data, 0), now)
            self._measured_ma(milli(data, 4), now)
        elif command == _STATE:
            self._status(data, now)
        elif command == _AVAILABLE:
            self._can_ma = (data[2] << 8 | data[3]) * 100
        elif command == _LIMITS:
            max_mv = (data[0] << 8 | data[1]) * 1000
            min_mv = (data[2] << 8 | data[3]) * 1000
            if 0 < min_mv < max_mv <= 1500000:
                self.min_mv = min_mv
                self.max_mv = max_mv
                self.max_charge_ma = (data[4] << 8 | data[5]) * 100
                self.max_charge_w = (data[6] << 8 | data[7]) * 10
            else:
                self.bad += 1

    def _choose(self, now):
        """Make the next frame; True: it is a question."""
        if not self._want and self._told_on is not False:
            self._put_power(False)
            return False
        if not self._was_write and self._news(now):
            self._was_write = True
            return False
        self._was_write = False
        what = _ROUND[self._turn]
        self._turn = (self._turn + 1) % len(_ROUND)
        if what == _NO_WRITE:
            self._repeat = not self._repeat
            if self._repeat and self._told_ma is not None:
                self._put_set(self._told_mv, self._told_ma)
            else:
                self._put_power(bool(self._want and self._told_on))
            return False
        self._address(what)
        put_u32(self._buf, 0, 0)
        put_u32(self._buf, 4, 0)
        return True

    def _news(self, now):
        """What the module has to be told, one frame; False: nothing now. 0 A before it goes on."""
        if not self.max_mv:
            return False  # it has not told its limits yet
        mv = self._set_mv if self._want else self.min_mv
        ma = self._set_ma if self._want and self.on else 0
        if self._told_ma != ma or self._told_mv != mv:
            self._tell_ma(ma, now)
            self._told_mv = mv
            self._put_set(mv, ma)
        elif self._want and not self._told_on:
            self._put_power(True)
        else:
            return False
        return True

    def _put_power(self, on):
        self._told_on = on
        self._address(_POWER)
        put_u32(self._buf, 0, 0 if on else 1 << 24)
        put_u32(self._buf, 4, 0)

    def _put_set(self, mv, ma):
        self._address(_SET)
        put_u32(self._buf, 0, mv)
        put_u32(self._buf, 4, ma)


def milli(buf, at):
    """An IEEE float, big-endian, times 1000, without a float; -1 << 29 for what is none. 20 bits of
    its fraction are enough for 1 mV in 1000 V."""
    exponent = ((buf[at] & 0x7F) << 1 | buf[at + 1] >> 7) - 127
    if exponent > 18:
        return -1 << 29
    fraction = (buf[at + 1] | 0x80) << 12 | buf[at + 2] << 4 | buf[at + 3] >> 4
    value = fraction * 1000 >> min(19 - exponent, 30)
    return -value if buf[at] & 0x80 else value
