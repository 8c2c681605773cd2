"""The station on a real interface: two network namespaces with a virtual cable. Host only, needs
root.

R-SDP-01: multicast and unicast on the vehicle interface, and on no other; R-SDP-05: the answer's
link-local address.
"""

import json
import os
import subprocess
import sys

from host_tools.root import ROOT
from host_tools.station.process import SeccProcess
from tests.lib.mtest import skip
from tests.lib.patience import LIMIT_S, until

RUNTIMES = ("cpython",)  # starts processes
STATION = [sys.executable, str(ROOT / "tests" / "lib" / "fake_station.py")]

# The car, run inside its namespace: asks by multicast, by unicast, and over the second cable; then
# connects.
CAR = """
import json, socket, sys
request = bytes.fromhex("01fe9000000000021000")
def ask(address, iface, wait=100):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.settimeout(wait)
    s.sendto(request, (address, 15118, 0, socket.if_nametoindex(iface)))
    try:
        return s.recv(100).hex()
    except OSError:
        return None
got = {"multicast": ask("ff02::1", "mv2car")}
answer = bytes.fromhex(got["multicast"])
address = socket.inet_ntop(socket.AF_INET6, answer[8:24])
got["unicast"] = ask(address, "mv2car")
got["other"] = ask("ff02::1", "mv2car2", 0.4)
got["again"] = ask("ff02::1", "mv2car")
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
s.settimeout(100)
s.connect((address, int.from_bytes(answer[24:26], "big"), 0, socket.if_nametoindex("mv2car")))
s.sendall(b"hello")
got["echo"] = s.recv(100).decode()
print(json.dumps(got))
"""


def _ip(*words):
    subprocess.run(["ip", *words], check=True, stderr=subprocess.PIPE)


def _no_detection(ns, iface):
    # No duplicate address detection: the link-local address is usable at once.
    word = f"echo 0 > /proc/sys/net/ipv6/conf/{iface}/accept_dad"
    subprocess.run(["ip", "netns", "exec", ns, "sh", "-c", word], check=True)


def _wait_for_address(ns, iface):
    """The kernel gives the link-local address some time after the link is up."""

    def there():
        shown = subprocess.run(["ip", "-n", ns, "-6", "addr", "show", iface], stdout=subprocess.PIPE, check=True).stdout
        return b"fe80" in shown and b"tentative" not in shown

    until(there, "a link-local address on " + iface)


def test_discovery_by_multicast_on_the_vehicle_interface_only_r_sdp_01():
    if os.geteuid() != 0:
        skip("needs root")
    evse, car = f"mv2evse{os.getpid()}", f"mv2car{os.getpid()}"
    try:
        _ip("netns", "add", evse)
        _ip("netns", "add", car)
    except (OSError, subprocess.CalledProcessError):
        skip("no network namespaces here")
    try:
        for end in ("", "2"):
            _ip("link", "add", f"mv2evse{end}", "netns", evse, "type", "veth", "peer", f"mv2car{end}", "netns", car)
            for ns, iface in ((evse, f"mv2evse{end}"), (car, f"mv2car{end}")):
                _no_detection(ns, iface)
                _ip("-n", ns, "link", "set", iface, "up")
        for ns, iface in ((evse, "mv2evse"), (evse, "mv2evse2"), (car, "mv2car"), (car, "mv2car2")):
            _wait_for_address(ns, iface)
        records = []
        prefix = ["ip", "netns", "exec", evse]
        secc = SeccProcess("mv2evse", on_record=records.append, prefix=prefix, command=STATION)
        with secc:
            port, address = secc.wait_ready(LIMIT_S)
            assert address.startswith("fe80:")
            command = ["ip", "netns", "exec", car, sys.executable, "-c", CAR]
            run = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=3 * LIMIT_S)
            got = json.loads(run.stdout)
            assert len(got["multicast"]) == 56 and int(got["multicast"][48:52], 16) == port
            assert got["multicast"] == got["unicast"] == got["again"]
            assert got["other"] is None
            assert got["echo"] == "hello"
    finally:
        _ip("netns", "del", evse)
        _ip("netns", "del", car)
