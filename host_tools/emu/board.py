"""An emulated board: image, flash, world, and the calls that a test or a tool makes.

with EmulatedBoard("build/rpi_pico/firmware.uf2") as board:
    board.until(">>> ", limit_ms=3000)
    out, error = board.exec("print(1 + 1)")
"""

import bisect
import codecs

from host_tools.emu import files, wire
from host_tools.emu.process import EmulatorError, Process
from host_tools.emu.world import World

_NS_PER_MS = 1e6
FLASH_BYTES = 2 * 1024 * 1024


class BoardError(Exception):
    """The board did not do what was waited for; str() has the end of what it said."""


class EmulatedBoard:
    """image: UF2 or binary. flash: a file system image (bytes or path; also one of the whole
    flash), which goes to `storage` = (offset, size); None = erased. seed: of everything random; two
    boards with the same calls have the same cycle counts.

    usb: a computer is at the USB connector, and the console is that of USB and not the UART.

    `ns`, `cycles`: emulated time since power-on of the bench, and the processor's cycles. `console`: text of the UART so far,
    or of USB.
    """

    def __init__(
        self, image, flash=None, storage=(files.STORAGE_AT, files.STORAGE_BYTES), faults=None, seed=1, observer=None,
        usb=False,
    ):  # fmt: skip
        self.world = World(seed, faults, observer)
        self.world.state.usb_plugged = self._usb = usb
        self.observer = observer
        self.head = wire.Head(0.0, 0.0, 0.0, 0.0)
        self.console = ""
        self.fault = ""
        self.on_turn = None  # called with the board after every message
        self.tap = None  # takes the bytes of the console instead of `console`
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._process = Process()
        try:
            self._process.command(do="boot", image=str(image), seed=seed)
            if flash is not None:
                data = flash if isinstance(flash, bytes) else open(flash, "rb").read()
                at, n = storage
                self.load(at, data[at : at + n] if len(data) >= at + n else data)
        except BaseException:
            self._process.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._process.close()

    # -- time

    @property
    def ns(self):
        return self.head.ns

    @property
    def ms(self):
        return self.head.ns / _NS_PER_MS

    @property
    def cycles(self):
        return int(self.head.cycles)

    def run_ms(self, ms):
        """Let so many emulated milliseconds pass."""
        self._run(self.ns + ms * _NS_PER_MS)

    def until(self, what, limit_ms):
        """Run until a text has been printed (since the last until() that found one), or what() is
        true. BoardError after limit_ms. For a text: returns what was printed up to its end."""
        if isinstance(what, str):
            found = self._run(self.ns + limit_ms * _NS_PER_MS, lambda: what in self.console)
            if not found:
                raise BoardError(
                    "no %r within %g ms; the end of the console: %r" % (what, limit_ms, self.console[-400:])
                )
            end = self.console.index(what) + len(what)
            text, self.console = self.console[:end], self.console[end:]
            return text
        if not self._run(self.ns + limit_ms * _NS_PER_MS, what):
            raise BoardError("not within %g ms; the end of the console: %r" % (limit_ms, self.console[-400:]))
        return None

    def _run(self, until_ns, done=None):
        """True when done() was, False at the time. EmulatorError when the chip has stopped."""
        if done is not None and done():
            return True
        world, process = self.world, self._process
        world.state.stop = False
        world.work()
        process.send(wire.run(until_ns, world.state))
        found = False
        while True:
            self.head, records = process.receive()
            world.handle(records)
            said = bytes(world.usb_out if self._usb else world.uart_out)
            world.uart_out.clear()
            world.usb_out.clear()
            if said and self.tap is not None:
                self.tap(said)
            elif said:
                self.console += self._decoder.decode(said)
            world.ns = self.head.ns
            if self.observer is not None:
                self.observer.now_ns = self.head.ns
            world.work()
            if records and records[-1][0] == 0x73:  # s: stopped
                return self._stopped(records[-1][2].decode(), found or (done is not None and done()))
            if self.on_turn is not None:
                self.on_turn(self)
            if not found and done is not None and done():
                found = world.state.stop = True
            process.send(wire.answer(world.state))

    def _stopped(self, why, found):
        if why and not why.startswith("power"):
            self.fault = why
            raise EmulatorError("the chip has stopped at %.3f ms: %s" % (self.ms, why))
        if why:
            self.world.power_on()
            self.fault = why
        return found

    # -- the console

    def type(self, text):
        """Type into the console; \\n is sent as it is."""
        self.world.type(text.encode() if isinstance(text, str) else text, self._usb)

    def exec(self, source, limit_ms=20000):
        """Run a script by the raw REPL; returns (output, error). The board must be at its prompt,
        or be stopped by Ctrl-C."""
        self.type("\r\x03\x03\x01")
        self.until("raw REPL; CTRL-B to exit\r\n>", limit_ms)
        # In pieces that the ring buffer of the REPL holds, as mpremote sends them.
        data = source.encode() + b"\x04"
        for at in range(0, len(data), 128):
            self.type(data[at : at + 128])
            self.run_ms(20)
        self.until("OK", limit_ms)
        out = self.until("\x04", limit_ms)[:-1]
        error = self.until("\x04", limit_ms)[:-1]
        self.type("\x02")
        self.until(">>> ", limit_ms)
        return out, error

    # -- flash and power

    def load(self, at, data):
        """Write into the flash while the chip stands still."""
        for i in range(0, len(data), 1 << 16):
            self._process.write(at + i, data[i : i + (1 << 16)])

    def save(self, at=0, n=FLASH_BYTES):
        """Bytes of the flash."""
        return b"".join(self._process.read(at + i, min(1 << 16, n - i)) for i in range(0, n, 1 << 16))

    def power_cut(self, after_ms=0.0):
        """The power goes in after_ms, also in the middle of a write to the flash, whose cells are
        then half way. Returns the operation of the flash that it has hit: "erase", "program" or "".
        """
        self.fault = ""
        self._process.command(do="cut", at=self.ns + after_ms * _NS_PER_MS)
        self._run(self.ns + after_ms * _NS_PER_MS + 50 * _NS_PER_MS)
        if not self.fault.startswith("power"):
            raise EmulatorError("the power did not go")
        return self.fault[6:]

    def power_cut_in(self, operations, part, limit_ms=1000):
        """As power_cut(), in the erasure or programming behind the next so many, when `part` (0..1)
        of its time has passed. "" if there are not so many within limit_ms: the power goes then."""
        self.fault = ""
        self._process.command(do="cut in", operations=operations, part=part)
        self._run(self.ns + limit_ms * _NS_PER_MS)
        return self.fault[6:] if self.fault else self.power_cut()

    def power_on(self):
        """Power comes back: the image starts with the flash as it is."""
        self.fault = ""
        self.console = ""
        self.world.power_on()
        self._process.command(do="power")

    def watch(self, name, address, span=False):
        """Count how often the code at an address is reached, and the longest time between two of
        them; with `span`, how long the function that begins there takes instead. In
        metrics()["watch"][name]."""
        self._process.command(do="watch", name=name, at=address, span=span)

    def profile(self, functions, every_us=0):
        """[(function, share)] of where the processor was since the last call, the largest first;
        "(asleep)" is one of them. functions: symbols.functions() of the image. every_us: begin to
        look, so often."""
        counts = self._process.command(do="profile", every=every_us * 1000)["counts"]
        names = sorted((address, name) for name, address in functions.items())
        starts = [address for address, _ in names]
        shares, whole = {}, sum(n for _, n in counts) or 1
        for address, n in counts:
            at = bisect.bisect_right(starts, address) - 1
            name = "(asleep)" if not address else names[at][1] if at >= 0 else hex(address)
            shares[name] = shares.get(name, 0.0) + n / whole
        return sorted(shares.items(), key=lambda item: -item[1])

    def stack_free(self, bottom, top):
        """(bytes of the C stack between these addresses that were never written since power-on, its
        size): the emulator's RAM begins as zeros. What was written as zeros at the deepest place
        counts as free."""
        stack = self._process.ram(bottom, top - bottom)
        return len(stack) - len(stack.lstrip(b"\0")), len(stack)

    def metrics(self):
        """Counters of the emulator (js/bench.mjs, metrics()) since the last call."""
        return self._process.command(do="metrics")
