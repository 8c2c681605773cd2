"""Infypower BEG1K075G: a converter for both directions, 22 kW, 200 to 1000 V, 73.3 A.

Source: EVerest's InfyPower_BEG1K075G. Command 23 reads, 24 writes; the data is an object (2
bytes), 0, 0 and a value of 32 bits. Voltage and current are unsigned; the working mode has the
sign. In inverter mode the voltage that is set is the lowest one, the current the most that is taken
out of the car.

Of our own making: 0 A, mode and voltage are set before the module is switched on, and the mode
changes only while 0 A are commanded and less than 1 A is measured. What a module does at a change
under current is not published.

Not published either: bit rate and the time after which it ends by itself without messages; both
are keys of the configuration. Below 200 V it can neither test nor pre-charge (min_mv).
"""

from drivers.infypower import BROADCAST, CONTROLLER, Module, get_u32, put_u32
from firmware.clock import ticks_diff
from micropython import const

_READ = const(0x23)
_WRITE = const(0x24)

_VOLTAGE = const(0x1001)
_CURRENT = const(0x1002)
_POWER = const(0x1110)  # read: status; written: on or off
_MODE_NOW = const(0x1111)
_MODE = const(0x2110)

_ON = const(0xA0)
_OFF = const(0xA1)
_RECTIFIER = const(0)  # of the mode that is read; written: A0 + it
_MODE_BASE = const(0xA0)

_AGAIN_MS = const(400)  # a mode that is not confirmed is written again
_MODE_MS = const(3000)
_NO_WRITE = const(0)

# What goes out while nothing is new. 0: what was written last, once more, one of three in turn.
_ROUND = (_MODE_NOW, _VOLTAGE, _CURRENT, _NO_WRITE, _POWER, _VOLTAGE, _CURRENT, _NO_WRITE)


def accept(cfg):
    """(mask, identifiers) that the CAN chip has to let in: answers to us, to reads and writes."""
    module = cfg["can_module"]
    mask = 0x3FFFFF if module != BROADCAST else 0x3FFF00
    base = CONTROLLER << 8 | (module if module != BROADCAST else 0)
    return mask, (base | _READ << 16, base | _WRITE << 16)


class Beg1k075g(Module):
    min_mv = 200000
    max_mv = 1000000
    max_charge_ma = max_discharge_ma = 73300
    max_charge_w = max_discharge_w = 22000

    def _forget(self):
        Module._forget(self)
        self._mode = self._mode_at = self._mode_sent = self._changing_since = None
        self._was_write = False
        self._repeat = 0

    def _fresh(self, now):
        at = self._mode_at
        return Module._fresh(self, now) and at is not None and ticks_diff(now, at) <= 2 * self.limit_ms

    def _now_w(self, rated_w):
        """The module says that it limits, not to how much: at least what flows, at least a tenth."""
        if not self._limited:
            return rated_w
        ma = self.ma if self.ma >= 0 else -self.ma
        return min(rated_w, max(rated_w // 10, self.mv // 1000 * ma // 1000))

    def _take(self, command, now):
        data = self._can.data
        if command != _READ:
            return
        what = data[0] << 8 | data[1]
        if what == _VOLTAGE:
            self._measured_mv(get_u32(data, 4), now)
        elif what == _CURRENT:
            ma = get_u32(data, 4)
            if ma < 0:
                self.bad += 1
            elif self._mode is not None:  # without it the sign is not known
                self._measured_ma(-ma if self._mode else ma, now)
        elif what == _POWER:
            self._status(data, now)
        elif what == _MODE_NOW:
            self._mode = data[7] & 1
            self._mode_at = now

    def _choose(self, now):
        """Make the next frame; True: it is a question."""
        if not self._want and self._told_on is not False:
            self._write(_POWER, _OFF)
            self._told_on = False
            return False
        if not self._was_write and (self._news_on(now) if self._want else self._news_off(now)):
            self._was_write = True
            return False
        self._was_write = False
        what = _ROUND[self._turn]
        self._turn = (self._turn + 1) % len(_ROUND)
        if what == _NO_WRITE:
            return self._once_more(now)
        self._put(_READ, what, 0)
        return True

    def _news_off(self, now):
        if self._told_ma != 0:
            self._write_ma(0, now)
            return True
        return False

    def _news_on(self, now):
        """What the module has to be told, one frame; False: nothing now. A smaller current comes
        first and a bigger one last."""
        ma = self._set_ma if self._set_ma >= 0 else -self._set_ma
        mode = self._mode
        if self._set_ma:
            mode = 1 if self._set_ma < 0 else _RECTIFIER
        if not self.on or mode != self._mode:
            ma = 0
        if self._told_ma is None or self._told_ma > ma:
            self._write_ma(ma, now)
        elif mode != self._mode or self._mode is None:
            return self._change(mode, now)
        elif self._told_mv != self._set_mv:
            self._told_mv = self._set_mv
            self._write(_VOLTAGE, self._set_mv)
        elif not self._told_on:
            self._told_on = True
            self._write(_POWER, _ON)
        elif self._told_ma != ma:
            self._write_ma(ma, now)
        else:
            return False
        if mode == self._mode:
            self._changing_since = self._mode_sent = None
        return True

    def _change(self, mode, now):
        if self._changing_since is None:
            self._changing_since = now
        if ticks_diff(now, self._changing_since) >= _MODE_MS:
            self._changing_since = None
            self._accuse("does not change its mode", now)
            return False
        if not self._zero(now) or (self._mode_sent is not None and ticks_diff(now, self._mode_sent) < _AGAIN_MS):
            return False
        self._mode_sent = now
        # What voltage and current mean is another thing now.
        self._told_mv = self._told_ma = None
        self._write(_MODE, _MODE_BASE + mode)
        return True

    def _once_more(self, now):
        """Write again what was written: a frame that was lost, a module that forgot. Never the
        mode."""
        self._repeat = (self._repeat + 1) % 3
        if self._repeat == 0 and self._told_mv is not None:
            self._write(_VOLTAGE, self._told_mv)
        elif self._repeat == 1 and self._told_ma is not None:
            self._write(_CURRENT, self._told_ma)
        else:
            self._write(_POWER, _ON if self._want and self._told_on else _OFF)
        return False

    def _write_ma(self, ma, now):
        self._tell_ma(ma, now)
        self._write(_CURRENT, ma)

    def _write(self, what, value):
        self._put(_WRITE, what, value)

    def _put(self, command, what, value):
        buf = self._buf
        self._address(command)
        buf[0] = what >> 8
        buf[1] = what & 0xFF
        buf[2] = buf[3] = 0
        put_u32(buf, 4, value)
