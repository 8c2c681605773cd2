"""Both ends of a TLS connection in one process, for tests: profiles, certificates made for the
tests, and the pump."""

import gc

from firmware.net.tls_profile import FIELD, STRICT
from tests.lib.mtest import skip

try:
    import tls13
except ImportError:
    skip("no module tls13 here")

NOW_S = 1800000000  # 2027-01-15; the certificates are valid from 2025 to 2045
ARENA = 160000  # both ends live in it, and those of a test before that nobody has collected yet


def data(name):
    """A file that tests/lib/certificates.sh has made."""
    root = __file__.rsplit("/", 3)[0]  # of the project; "tests" where this file is frozen: a file system in memory
    folder = ("" if root == "tests" else root) + "/build/test-certs/"
    with open(folder + name, "rb") as f:
        return f.read()


def _prefix(profile):
    return "field_" if profile is FIELD else "strict_"


def config(profile, who, roots, server, prefix=None):
    """Config with the chain and key `who` (None: no certificate) that trusts `roots`."""
    tls13.init(ARENA)
    if who is not None:
        who = (_prefix(profile) if prefix is None else prefix) + who
    chain, key = (data(who + ".pem"), data(who + ".key")) if who else (None, None)
    return tls13.Config(chain, key, roots, profile[0], profile[1], profile[2], server)


def station(profile=STRICT, root=None):
    return config(profile, "secc", (data(root or _prefix(profile) + "oem_root.pem"),), True)


def vehicle(profile=STRICT, who="vehicle", root=None, prefix=None):
    return config(profile, who, (data(root or _prefix(profile) + "v2g_root.pem"),), False, prefix)


_hop = bytearray(8192)


def move(source, target, piece=8192):
    """What source has for the peer goes to target, in pieces; return how many bytes moved."""
    moved = 0
    view = memoryview(_hop)
    while source.waiting and target.room:
        n = source.take(view[: min(piece, target.room)])
        target.feed(_hop, 0, n)
        moved += n
    return moved


def shake(s, c, piece=8192):
    """Pump station and car until neither goes on."""
    for _ in range(20000):
        a = s.step()
        b = c.step()
        if c.state == tls13.OPEN:
            c.pending()  # takes an alert of the station
        if not (a + b + move(s, c, piece) + move(c, s, piece)):
            return
    raise AssertionError("the handshake does not end")


class Pair:
    """A station and a car that have said what they have to say. unix_s and known: the clock of the
    station."""

    def __init__(self, own, other, unix_s=NOW_S, known=True, piece=8192):
        gc.collect()  # the arena has no room for the pairs of the tests before
        self.s = tls13.Conn(own)
        self.c = tls13.Conn(other)
        self.again(unix_s, known, piece)

    def again(self, unix_s=NOW_S, known=True, piece=8192):
        self.s.begin(unix_s, known)
        self.c.begin(NOW_S, True)
        shake(self.s, self.c, piece)
