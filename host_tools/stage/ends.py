"""The host's end of a serial line: a port, or a pseudo terminal that somebody else opens.

`fd` is what a select waits on. any(), readinto() and write() are what the firmware's stages ask of
a UART; read() gives what is there, as bytes. None of them waits.
"""

import os
import select
import tty


class EndError(Exception):
    """The line cannot be had, or is gone; str() says why and what can be done."""


class Pty:
    """`name` is the port for the other side."""

    def __init__(self):
        self.fd, self._slave = os.openpty()  # the slave stays open, so that the other side may come and go
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)

    def read(self):
        return os.read(self.fd, 4096) if select.select([self.fd], [], [], 0)[0] else b""

    def write(self, data):
        # Nobody reads it: what does not fit is lost, as on a wire.
        if select.select([], [self.fd], [], 0)[1]:
            return os.write(self.fd, data)
        return 0

    def close(self):
        os.close(self.fd)
        os.close(self._slave)


class Port:
    """A serial port, by name or pyserial URL. parity: N, E or O."""

    def __init__(self, name, baud, parity="N", stop=1):
        import serial

        self.name = name
        self._bare = name.startswith("/dev/pts/")  # a pseudo terminal knows no parity
        parity = "N" if self._bare else parity
        try:
            self._port = serial.serial_for_url(name, baud, parity=parity, stopbits=stop, timeout=0, write_timeout=1)
        except (OSError, ValueError, serial.SerialException) as error:
            raise EndError(f"{name}: {error}; which ports are there: python -m serial.tools.list_ports") from None
        self._waiting = bytearray()

    @property
    def fd(self):
        return self._port.fileno()

    def set(self, baud, parity, stop=1):
        """Another speed and parity; what was under way is dropped."""
        self._port.baudrate, self._port.stopbits = baud, stop
        self._port.parity = "N" if self._bare else parity
        self._port.reset_input_buffer()
        self._waiting.clear()

    def read(self):
        try:
            return self._port.read(4096)
        except (OSError, TypeError) as error:  # pyserial's own errors are OSErrors
            raise EndError(f"{self.name}: gone ({error})") from None

    def write(self, buf):
        try:
            return self._port.write(bytes(buf))
        except OSError as error:
            raise EndError(f"{self.name}: gone ({error})") from None

    def any(self):
        self._waiting += self.read()
        return len(self._waiting)

    def readinto(self, buf, n=None):
        n = min(len(self._waiting), len(buf) if n is None else n)
        buf[:n] = self._waiting[:n]
        del self._waiting[:n]
        return n or None

    def close(self):
        self._port.close()
