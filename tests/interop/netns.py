"""Network namespaces with virtual cables: Cable has the station's end and the vehicle's, Plant a
powerline in the middle."""

import os
import shutil
import signal
import subprocess
import sys
import time

from host_tools.root import ROOT


class NetnsError(Exception):
    """str() says what is missing and what to do."""


def check():
    """Raise NetnsError where namespaces cannot be made."""
    if os.geteuid():
        raise NetnsError("network namespaces need root: run `sudo make interop`")
    if not shutil.which("ip"):
        raise NetnsError("`ip` is missing: apt-get install iproute2")


def end_on_signals():
    """SIGTERM and SIGHUP end us as Ctrl-C does: every `with Cable` still takes its namespaces away.
    Main thread only."""

    def interrupt(number, _):
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # a second one must not cut the cleaning short; it takes seconds
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise NetnsError("ip %s: %s" % (" ".join(words), done.stderr.strip()))


def prefix(namespace):
    """What to put before a command so that it runs in the namespace."""
    return ["ip", "netns", "exec", namespace]


def run(namespace, command):
    try:
        return subprocess.run([*prefix(namespace), *command], check=True, capture_output=True, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        raise NetnsError("%s: %s" % (" ".join(command), error.stderr.decode(errors="replace").strip())) from None


def wait_for_address(namespace, interface):
    """The kernel gives the link-local address a moment after the other end is up."""
    for _ in range(1200):
        shown = subprocess.run(
            ["ip", "-n", namespace, "-6", "addr", "show", "dev", interface, "scope", "link"],
            capture_output=True, text=True,
        )  # fmt: skip
        if "inet6 fe80" in shown.stdout and "tentative" not in shown.stdout:
            return
        time.sleep(0.05)
    raise NetnsError("%s got no link-local address within a minute: is IPv6 off on this machine?" % interface)


def sysctl(namespace, interface, name, value, part="conf"):
    """Set one of the kernel's IPv6 switches; "default" is for interfaces that come later."""
    run(namespace, ["sh", "-c", "echo %d > /proc/sys/net/ipv6/%s/%s/%s" % (value, part, interface, name)])


def bad_line(place):
    """Make the kernel's TCP at (namespace, interface) fit for a line that loses much.

    It counts the wait for a lost neighbour solicitation into the first round trip. At the usual 1 s
    it then waits 3 s before it sends anything again, and more than 2 s for a dozen messages after:
    seen in one session of 100 at 5 % loss. Kernels from 6.15 on can also limit the back-off, which
    is 120 s at most otherwise.
    """
    sysctl(*place, "retrans_time_ms", 100, part="neigh")
    run(place[0], ["sh", "-c", "f=/proc/sys/net/ipv4/tcp_rto_max_ms; test ! -e $f || echo 1000 > $f"])


def _namespace(name, ipv6):
    """`ipv6`: with the kernel's IPv6, and without duplicate address detection: the link-local address is usable at
    once."""
    _ip("netns", "add", name)
    for interface in ("all", "default"):
        sysctl(name, interface, "accept_dad", 0)
    sysctl(name, "default", "disable_ipv6", int(not ipv6))
    _ip("-n", name, "link", "set", "lo", "up")  # the vehicle talks to its own Java over 127.0.0.1


def _delete(names):
    for name in names:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _veth(one, other, offload=True):
    """A virtual cable between two (namespace, interface); both ends are up."""
    _ip("link", "add", one[1], "netns", one[0], "type", "veth", "peer", "name", other[1], "netns", other[0])
    for namespace, interface in (one, other):
        if not offload:
            run(namespace, [sys.executable, "-m", "tests.interop.offload", interface])
        _ip("-n", namespace, "link", "set", interface, "up")


class Cable:
    """with Cable(3) as cable: cable.secc and cable.evcc are (namespace, interface); both have their
    link-local address."""

    def __init__(self, number):
        tag = "%x-%d" % (os.getpid(), number)
        self.secc = ("mv2s-" + tag, "secc%d" % number)
        self.evcc = ("mv2e-" + tag, "evcc%d" % number)

    def __enter__(self):
        try:
            for name, _ in (self.secc, self.evcc):
                _namespace(name, True)
            _veth(self.secc, self.evcc)
            for place in (self.secc, self.evcc):
                wait_for_address(*place)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        _delete((self.secc[0], self.evcc[0]))

    prefix = staticmethod(prefix)
    run = staticmethod(run)


class Plant:
    """with Plant(3, "packet") as plant: namespaces of station, modems (tests/interop/plc.py) and
    vehicle, two cables.

    station, middle, evcc: (namespace, interface); `middle` has the interface towards the vehicle
    and `modem` the one towards the station. evcc_mac: of the vehicle. Kind "sim": the station lives
    in the middle, on UDP, and has no cable. The station's side has no kernel IPv6: there is only
    its own.
    """

    def __init__(self, number, kind):
        tag = "%x-%d" % (os.getpid(), number)
        self.kind = kind
        self.middle = ("mv2m-" + tag, "plce%d" % number)
        self.evcc = ("mv2e-" + tag, "evcc%d" % number)
        self.station = ("mv2s-" + tag, "secc%d" % number) if kind == "packet" else (self.middle[0], "")
        self.modem = "plcs%d" % number
        self.evcc_mac = ""
        self._names = sorted({self.middle[0], self.evcc[0], self.station[0]})

    def __enter__(self):
        try:
            for name in self._names:
                _namespace(name, name == self.evcc[0])
            _veth(self.middle, self.evcc, offload=False)
            if self.kind == "packet":
                _veth((self.middle[0], self.modem), self.station, offload=False)
            path = "/sys/class/net/%s/address" % self.evcc[1]
            self.evcc_mac = run(self.evcc[0], ["cat", path]).stdout.decode().strip()
            wait_for_address(*self.evcc)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        _delete(self._names)
