"""The SPI between a controller board and its modem: machine.SPI in mode 3, and the same pins by
hand.

No port takes None for a clock, and ports differ in how they give the pins back to the block: here
is the one way that all of them understand.
"""

from machine import SPI, Pin, SoftSPI

from micropython import const

_USUAL_HZ = const(8000000)  # the modem allows 12 MHz; wires of 10 cm like less
_BY_HAND_HZ = const(100000)
_LOOK_CLOCKS = const(24)


class ModemSpi:
    """block: number of the machine.SPI. sck, mosi, miso, cs: GPIO numbers. spi: the machine.SPI,
    cs: the pin; both are the same objects for ever (drivers.qca7000 keeps them)."""

    def __init__(self, block, sck, mosi, miso, cs):
        self._block = block
        self._sck = sck
        self._mosi = mosi
        self._miso = miso
        self.cs = Pin(cs, Pin.OUT, value=1)
        self.spi = self._take(_USUAL_HZ)

    def _take(self, hz):
        wires = {"sck": Pin(self._sck), "mosi": Pin(self._mosi), "miso": Pin(self._miso)}
        return SPI(self._block, baudrate=hz, polarity=1, phase=1, bits=8, firstbit=SPI.MSB, **wires)

    def set_hz(self, hz=None):
        """Clock in Hz, None: the usual one. Returns what was asked for; the block makes at most
        that."""
        hz = hz or _USUAL_HZ
        self.spi.init(baudrate=hz)
        return hz

    def exchanged(self, command, n):
        """What answers a command of two bytes with MISO and MOSI exchanged: n bytes, or none when
        nothing drives the MOSI pin from outside while CS is low and SCK runs. Without that look our
        output could work against the modem's."""
        self.spi.deinit()  # or the ESP32 finds nothing changed afterwards and leaves the pins as they are
        mosi = Pin(self._mosi)
        sck = Pin(self._sck, Pin.OUT, value=1)
        driven = False
        for pull, level in ((Pin.PULL_UP, 1), (Pin.PULL_DOWN, 0)):
            mosi.init(Pin.IN, pull)
            self.cs(0)
            for _ in range(_LOOK_CLOCKS):
                sck(0)
                sck(1)
                driven = driven or mosi.value() != level
            self.cs(1)
        back = bytearray(n if driven else 0)
        if driven:
            soft = SoftSPI(
                baudrate=_BY_HAND_HZ, polarity=1, phase=1, sck=Pin(self._sck), mosi=Pin(self._miso), miso=mosi
            )
            self.cs(0)
            soft.write(command)
            soft.readinto(back)
            self.cs(1)
        self.spi = self._take(_USUAL_HZ)  # the same object as before: a port has one for each block
        return bytes(back)
