"""RS-485 transceiver at a UART of the chip: the UART, and a pin that makes the transceiver drive."""

from machine import UART, Timer

_PARITY = {"none": None, "even": 0, "odd": 1}


def uart(number, baud, parity, **pins):
    """A UART of 8 data bits, one stop bit. Its buffer takes an answer and the echo of a request."""
    return UART(number, baudrate=baud, bits=8, parity=_PARITY[parity], stop=1, rxbuf=256, **pins)


class Rs485Line:
    """uart and direction as drivers/modbus.py takes them.

    A one-shot timer ends the driving: a slave answers 2 ms after the request, when the loop may
    still be busy with the car. pin: of DE and /RE; timer: machine.Timer.
    """

    def __init__(self, uart, pin, timer):
        self.uart = uart
        self._pin = pin
        self._timer = timer
        self._over = self._let_go  # a bound method is made once: an interrupt must not take memory
        pin.value(0)

    def direction(self, ms):
        if ms:
            self._pin.value(1)
            self._timer.init(mode=Timer.ONE_SHOT, period=ms, callback=self._over)
        else:
            self._timer.deinit()
            self._pin.value(0)

    def _let_go(self, timer):
        self._pin.value(0)
