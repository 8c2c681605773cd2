"""P-521 of the RP2040 image (boards/rpi_pico/p521), on the emulated chip: its functions are called
by their address and compared with Python's integers, with point arithmetic of a few lines, and with
signatures that OpenSSL makes and checks.
"""

RUNTIMES = ("cpython",)
TIMEOUT_S = 900

import random
import shutil
import ssl
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.ev import options
from host_tools.ev import tls as car_tls
from host_tools.lab import LAB
from host_tools.pki import issue, profile
from tests.lib import c_call
from tests.lib.emulator import need_image
from tests.lib.mtest import eq

IMAGE = need_image()
ELF = IMAGE.with_suffix(".elf")

P = 2**521 - 1
N = 2**521 - 2**260 + 0xA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409
G = (
    0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
    0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
)
# Values at which carries, halves and the ninth bit of the highest word begin and end.
EDGES = sorted(
    {0, 1, 2, 3, P - 1, P - 2, P // 2, P // 2 + 1, int("5" * 130, 16), P - (1 << 512)}
    | {1 << n for n in (31, 32, 127, 128, 255, 256, 257, 383, 384, 511, 512, 520)}
    | {(1 << n) - 1 for n in (32, 128, 256, 384, 512, 520)}
    | {P ^ ((1 << n) - 1) for n in (128, 256, 512)}
)
BAD_KEY, BAD_SIGNATURE = -0x4C80, -0x4E00  # error codes of mbedTLS


class Bench:
    """A board at its prompt, with functions of the image as Python functions there."""

    def __init__(self, *names, setup=""):
        self.board = EmulatedBoard(IMAGE)
        self.board.until(">>> ", 3000)
        self.run(c_call.script(ELF, *names))
        self.run(setup)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.board.close()

    def run(self, source):
        """Lines that the script has printed."""
        out, error = self.board.exec(source, 600000)
        eq(error, "")
        return out.split("\r\n")[:-1]


FIELD = ("p521_mul", "p521_sqr", "p521_add", "p521_sub", "p521_inverse")
FIELD_SETUP = """
P = (1 << 521) - 1
def element(v): return bytearray(v.to_bytes(68, 'little'))
def value(x): return int.from_bytes(x, 'little')
r = element(0)
"""


def test_field_at_its_edges():
    """Every pair of edges, each of the four operations."""
    with Bench(*FIELD, setup=FIELD_SETUP) as b:
        out = b.run(
            "E = %r\nbad = done = 0\n" % EDGES + "for v in E:\n a = element(v)\n for w in E:\n  b = element(w)\n"
            "  for f, want in ((p521_mul, v * w), (p521_sqr, v * v), (p521_add, v + w), (p521_sub, v - w)):\n"
            "   call(f, r, a, b)\n   done += 1\n"
            "   if value(r) != want % P or value(a) != v or value(b) != w:\n    bad += 1\n    print(f, v, w, value(r))\n"
            "print(done, bad)"
        )
        eq(out[-1:], ["%d 0" % (4 * len(EDGES) ** 2)])


def test_field_over_thousands_of_operations():
    """A chain of 6000 products and squares in place, each result an operand of the next, all ways
    in which operands may be the result: one wrong bit in one of them changes the end."""
    turns = 1500
    x, y = random.Random(1).randrange(P), random.Random(2).randrange(P)
    with Bench(*FIELD, setup=FIELD_SETUP) as b:
        out = b.run(
            "x, y = element(%d), element(%d)\nfor i in range(%d):\n"
            % (x, y, turns)
            + " call(p521_mul, x, x, y)\n call(p521_sub, r, x, y)\n call(p521_mul, y, r, y)\n call(p521_sqr, r, y)\n"
            " call(p521_add, x, x, r)\n call(p521_mul, r, r, r)\n call(p521_sub, y, y, r)\n call(p521_sqr, x, x)\n"
            " call(p521_add, x, x, x)\n call(p521_sub, r, r, r)\n"
            "print(value(x), value(y), value(r))"
        )
    for _ in range(turns):
        x = x * y % P
        y = (x - y) * y % P
        r = y * y % P
        x = (x + r) % P
        r = r * r % P
        y = (y - r) % P
        x = 2 * x * x % P
    eq(out, ["%d %d 0" % (x, y)])


def test_inverse():
    """Modulo p and modulo the order, edges and 100 at random; none of 0."""
    some = random.Random(3)
    values = [v for v in EDGES if v] + [some.randrange(1, N) for _ in range(100)]
    with Bench(*FIELD, setup=FIELD_SETUP) as b:
        out = b.run(
            "bad = 0\nfor m in (P, %d):\n n = element(m)\n" % N
            + " for v in %r:\n  v %%= m\n" % values
            + "  got = call(p521_inverse, r, element(v), n) & 255\n"
            "  if got != 1 or value(r) >= m or value(r) * v % m != 1:\n   bad += 1\n   print(v, got, value(r))\n"
            " print(call(p521_inverse, r, element(0), n) & 255)\nprint(bad)"
        )
        eq(out, ["0", "0", "0"])


# -- points

NAMES = (
    "mbedtls_mpi_read_binary_le", "mbedtls_mpi_write_binary_le", "mbedtls_ecp_group_load", "mbedtls_ecp_mul_restartable",
    "mbedtls_ecdsa_verify_restartable", "mbedtls_ecdsa_sign_restartable", "__wrap_mbedtls_ecp_muladd_restartable",
    "mbedtls_ecp_muladd_restartable", "mbedtls_mpi_free", "mbedtls_ecp_point_free", "tls13_random",
)  # fmt: skip
# Layouts of mbedTLS 3.6: an integer has 8 bytes, with its sign at 4; a point three of them; a group
# G at 28.
SETUP = """
import tls13
tls13.init(44000)
def new(n):
    x = bytearray(8 * n)
    for i in range(n): x[8 * i + 4] = 1
    return x
def put(x, v):
    b = v.to_bytes(66, 'little')
    if call(mbedtls_mpi_read_binary_le, x, b, 66): raise MemoryError
    return x
def get(x):
    b = bytearray(66)
    if call(mbedtls_mpi_write_binary_le, x, b, 66): raise ValueError
    return int.from_bytes(b, 'little')
group = bytearray(100)
if call(mbedtls_ecp_group_load, group, 5): raise ValueError
G = memoryview(group)[28:52]
m, n, r, s, Q, R = new(1), new(1), new(1), new(1), new(3), new(3)
def point(x, y):
    for i, v in enumerate((x, y, 1)): put(memoryview(Q)[8 * i:8 * i + 8], v)
def show(error):
    if error: print(error)
    else: print(*[get(memoryview(R)[i:i + 8]) for i in (0, 8, 16)])
def times(k): show(call(mbedtls_ecp_mul_restartable, group, R, put(m, k), Q, tls13_random, 0, 0))
def both(j, k): show(call(__wrap_mbedtls_ecp_muladd_restartable, group, R, put(m, j), G, put(n, k), Q, 0))
def sign(d, h):
    call(mbedtls_ecdsa_sign_restartable, group, r, s, put(m, d), h, len(h), tls13_random, 0, tls13_random, 0, 0)
    print(get(r), get(s))
def check(h, i, j): print(call(mbedtls_ecdsa_verify_restartable, group, h, len(h), Q, put(r, i), put(s, j), 0))
"""


def bench():
    return Bench(*NAMES, setup=SETUP)


def plus(p, q):
    """Affine points; None is infinity."""
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, P)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def times(k, p):
    out = None
    for bit in bin(k)[2:]:
        out = plus(out, out)
        if bit == "1":
            out = plus(out, p)
    return out


def line(p):
    return "1 1 0" if p is None else "%d %d 1" % p


def test_multiplication():
    """k G by the table and k Q without one: small k, k close to the order, at random. Infinity, and
    a point that is none."""
    some = random.Random(4)
    q = times(some.randrange(1, N), G)
    with bench() as b:
        for p in (G, q):
            ks = [1, 2, 3, N - 1, N - 2, 1 << 520, some.randrange(1, N), some.randrange(1, N)]
            out = b.run("point(%d, %d)\nfor k in %r: times(k)" % (*p, ks))
            eq(out, [line(times(k, p)) for k in ks])
        eq(b.run("times(0)\ntimes(%d)" % N), ["%d" % BAD_KEY] * 2)
        eq(b.run("point(%d, %d)\ntimes(5)\nboth(5, 6)" % (q[0], q[1] ^ 1)), ["%d" % BAD_KEY] * 2)


def test_sum_of_a_verification():
    """j G + k Q. With Q = G, -G, 2 G and 3 G additions meet equal and opposite points and infinity
    on their way."""
    some = random.Random(5)
    minus = G[0], P - G[1]
    cases = [(q, j, k) for q in (G, minus) for j, k in ((1, 1), (2, 1), (3, 5), (N - 1, 1), (N - 1, N - 1), (15, 15))]
    cases += [(times(2, G), 2, N - 1), (times(2, G), N - 2, 1), (times(3, G), 3, 31)]
    q = times(some.randrange(1, N), G)
    cases += [(q, j, k) for j, k in ((1, 1), (1, N - 1), (N // 2, 16), (0, 7), (7, 0), (1 << 520, (1 << 520) - 1))]
    cases += [(q, some.randrange(1, N), some.randrange(1, N)) for _ in range(6)]
    with bench() as b:
        for q, j, k in cases:
            out = b.run("point(%d, %d)\nboth(%d, %d)" % (*q, j, k))
            eq(out, [line(plus(times(j, G), times(k, q)))])


def test_signatures():
    """Of OpenSSL checked by the board, of the board by OpenSSL; and none that was changed in any
    part."""
    with bench() as b:
        for i in range(3):
            key = ec.derive_private_key(random.Random(6 + i).randrange(1, N), ec.SECP521R1())
            public = key.public_key().public_numbers()
            digest = random.Random(9 + i).randbytes(64)
            other = bytes([digest[0] ^ 1]) + digest[1:]
            algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA512()))
            r, s = utils.decode_dss_signature(key.sign(digest, algorithm))
            wrong = [(other, r, s), (digest, r ^ 1, s), (digest, r, s ^ 1 << 300), (digest, s, r)]
            wrong += [(digest, 0, s), (digest, r, 0), (digest, N, s), (digest, r, N), (digest, r, N - 1)]
            b.run("point(%d, %d)" % (public.x, public.y))
            source = "check(%r, %d, %d)\ncheck(%r, %d, %d)\n" % (digest, r, s, digest, r, N - s)
            out = b.run(source + "".join("check(%r, %d, %d)\n" % case for case in wrong))
            eq(out, ["0", "0"] + ["%d" % BAD_SIGNATURE] * len(wrong))
            (out,) = b.run("sign(%d, %r)" % (key.private_numbers().private_value, digest))
            made = utils.encode_dss_signature(*map(int, out.split()))
            key.public_key().verify(made, digest, algorithm)
            try:
                key.public_key().verify(made, other, algorithm)
            except InvalidSignature:
                continue
            raise AssertionError("a signature over another digest")


def test_other_curves_stay_with_mbedtls():
    """secp256r1: k G, and j G + k G = (j + k) G."""
    j, k = 3 << 240, 5 << 230 | 7
    key = ec.derive_private_key(j + k, ec.SECP256R1()).public_key().public_numbers()
    with bench() as b:
        out = b.run(
            "group = bytearray(100)\nprint(call(mbedtls_ecp_group_load, group, 3))\nG = Q = memoryview(group)[28:52]\n"
            "times(%d)\nboth(%d, %d)" % (j + k, j, k)
        )
        eq(out, ["0"] + ["%d %d 1" % (key.x, key.y)] * 2)


# -- handshakes


def spoilt(source, target):
    """A car's folder whose leaf certificate has one wrong bit in its signature, which is its
    end."""
    shutil.copytree(source, target)
    path = target / car_tls.CHAIN
    leaf, end, rest = path.read_text().partition("-----END CERTIFICATE-----\n")
    der = bytearray(ssl.PEM_cert_to_DER_cert(leaf + end))
    der[-1] ^= 1
    path.write_text(ssl.DER_cert_to_PEM_cert(bytes(der)) + rest)
    return target


def plugged(board, folder):
    cfg = dict(options.DEFAULTS, tls_dir=str(folder), tls_key_log="")
    stage = car_tls.stage(cfg, board.world.observer)
    car = board.world.plug(tls=stage, service="DC_BPT", duration_ms=200, tls_dir=str(folder), capacity_wh=400)
    board.until(lambda: car.done, 60000)
    board.run_ms(3000)
    return car


def test_the_first_session_of_a_car_is_in_time():
    """Three signatures of its chain and its proof are checked behind its first message, whose
    answer it waits 2 s for. A car with a broken signature in its chain is refused, before and
    after."""
    from host_tools.emu.observer import Observer

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        issue.write_all(folder / "pki", issue.make("strict", 2, dict(profile.NAMES)))
        config = {**LAB, "services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, "tls": "strict"}
        flash = files.station(config, folder / "pki" / "device")
        with EmulatedBoard(IMAGE, flash, observer=Observer(lambda record: None)) as board:
            board.until("Ctrl-C stops it.", 10000)
            board.run_ms(500)
            bad = spoilt(folder / "pki" / "car", folder / "spoilt")
            for where, good in ((bad, False), (folder / "pki" / "car", True), (bad, False)):
                car = plugged(board, where)
                eq((where.name, car.ok), (where.name, good))
