"""Two network namespaces with a virtual cable between them: the station's end and the vehicle's end."""

import os
import shutil
import signal
import subprocess
import time


class NetnsError(Exception):
    """str() says what is missing and what to do."""


def check():
    """Raise NetnsError where namespaces cannot be made."""
    if os.geteuid():
        raise NetnsError("network namespaces need root: run `sudo make interop`")
    if not shutil.which("ip"):
        raise NetnsError("`ip` is missing: apt-get install iproute2")


def end_on_signals():
    """SIGTERM and SIGHUP end us as Ctrl-C does: every `with Cable` still takes its namespaces away. Main thread only."""

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


class Cable:
    """with Cable(3) as cable: cable.secc and cable.evcc are (namespace, interface); both have their link-local address."""

    def __init__(self, number):
        tag = "%x-%d" % (os.getpid(), number)
        self.secc = ("mv2s-" + tag, "secc%d" % number)
        self.evcc = ("mv2e-" + tag, "evcc%d" % number)

    def __enter__(self):
        try:
            for namespace, _ in (self.secc, self.evcc):
                _ip("netns", "add", namespace)
            _ip(
                "link", "add", self.secc[1], "netns", self.secc[0], "type", "veth",
                "peer", "name", self.evcc[1], "netns", self.evcc[0],
            )  # fmt: skip
            for namespace, interface in (self.secc, self.evcc):
                # No duplicate address detection: the link-local address is usable at once.
                for name in ("all", "default", interface):
                    self.run(namespace, ["sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/%s/accept_dad" % name])
                _ip("-n", namespace, "link", "set", "lo", "up")  # the vehicle talks to its own Java over 127.0.0.1
                _ip("-n", namespace, "link", "set", interface, "up")
            for namespace, interface in (self.secc, self.evcc):
                self._wait(namespace, interface)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace, _ in (self.secc, self.evcc):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)

    def _wait(self, namespace, interface):
        """The kernel gives the link-local address a moment after the other end is up."""
        for _ in range(100):
            shown = subprocess.run(
                ["ip", "-n", namespace, "-6", "addr", "show", "dev", interface, "scope", "link"],
                capture_output=True, text=True,
            )  # fmt: skip
            if "inet6 fe80" in shown.stdout and "tentative" not in shown.stdout:
                return
            time.sleep(0.05)
        raise NetnsError("%s got no link-local address within 5 s: is IPv6 off on this machine?" % interface)

    @staticmethod
    def prefix(namespace):
        """What to put before a command so that it runs in the namespace."""
        return ["ip", "netns", "exec", namespace]

    def run(self, namespace, command):
        subprocess.run([*self.prefix(namespace), *command], check=True, capture_output=True)
