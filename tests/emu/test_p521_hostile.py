"""P-521 of the RP2040 image against who chooses the numbers: signatures, keys and digests that no
honest signer makes, and operands at which carries and halves of the field meet. Everything is made
here by Python's integers from fixed seeds; test_p521.py has the ordinary cases and OpenSSL.
"""

RUNTIMES = ("cpython",)
TIMEOUT_S = 900

import random

from tests.emu.test_p521 import BAD_KEY, BAD_SIGNATURE, FIELD, FIELD_SETUP, Bench, G, N, P, bench, plus, times

CURVE_B = (G[1] ** 2 - G[0] ** 3 + 3 * G[0]) % P
MINUS_G = G[0], P - G[1]
WORDS = (0, 1, 2, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFF0000, 0xFFFFFFFE, 0xFFFFFFFF)


def lift(x):
    """The point with the next x from x up that has one."""
    while True:
        square = (x**3 - 3 * x + CURVE_B) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x, y
        x += 1


def digest_of(e):
    """A digest whose 521 bits are the number e."""
    return (e << 7).to_bytes(66, "big")


def number_of(digest):
    return int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - 521)


def verified(digest, q, r, s):
    """By the definition (SEC 1, 4.1.4): what mbedTLS has to return."""
    x, y = q
    if not (0 <= x < P and 0 <= y < P) or (y * y - x**3 + 3 * x - CURVE_B) % P:
        return BAD_KEY
    if not (0 < r < N and 0 < s < N):
        return BAD_SIGNATURE
    w = pow(s, -1, N)
    p = plus(times(number_of(digest) * w % N, G), times(r * w % N, q))
    return 0 if p is not None and p[0] % N == r else BAD_SIGNATURE


def with_factors(u1, u2, q):
    """(digest, r, s) of which the verification is u1 G + u2 Q. Right, unless that is infinity."""
    p = plus(times(u1, G), times(u2, q))
    r = p[0] % N if p is not None else 12345
    s = r * pow(u2, -1, N) % N
    return digest_of(u1 * s % N), r, s


def key_of(p, digest, r, s):
    """The key for which p is the point of this signature: nobody knows its secret, and it is right
    all the same."""
    back = pow(r, -1, N)
    return plus(times(s * back % N, p), times(-number_of(digest) * back % N, G))


def compare(cases, good):
    """cases: (digest, key, r, s). good: how many of them there are that must pass, so that not all
    are refused for another reason."""
    wants = [verified(*case) for case in cases]
    assert wants.count(0) == good, wants
    with bench() as b:
        for (digest, q, r, s), want in zip(cases, wants):
            out = b.run("point(%d, %d)\ncheck(%r, %d, %d)" % (*q, digest, r, s))
            assert out == ["%d" % want], (digest, q, r, s, out, want)


def test_chosen_factors():
    """u1 and u2 of the two products: 0, 1, close to the order, patterns of the table's columns and
    of the digits; keys that are multiples of G, so that sums meet equal and opposite points, and
    infinity."""
    column = sum(1 << 87 * j for j in range(6))
    digits = sum(31 << 5 * j for j in range(104)) % N
    factors = (
        (1, 1),
        (1, N - 1),
        (N - 1, N - 1),
        (0, 1),
        (1 << 87, 1 << 87),
        (3, 1 << 520),
        (column, N - 1),
        (5, digits),
    )
    cases = []
    for q in (G, MINUS_G, times(2, G), times(pow(2, -1, N), G), times(1 << 87, G)):
        for u1, u2 in factors:
            digest, r, s = with_factors(u1, u2, q)
            cases.append((digest, q, r, s))
    digest, q, r, s = cases[3]
    cases.append((digest, q, r ^ 1, s))
    # Infinity: G with (1, -1); -G with (1, 1), (-1, -1) and (2^87, 2^87). And the last.
    compare(cases, len(cases) - 5)


def test_r_of_a_point_beyond_the_order():
    """x of the point from N to P - 1: r is x - N and passes, x itself does not. And small r, to
    which N could be added below P."""
    some = random.Random(10)
    cases = []
    for x in (N, N + (1 << 200), P - 40):
        p, digest, s = lift(x), some.randbytes(64), some.randrange(1, N)
        r = p[0] - N
        q = key_of(p, digest, r, s)
        cases += [(digest, q, r, s), (digest, q, p[0], s), (digest, q, r + 1, s)]
    p, digest, s = lift(1), some.randbytes(64), some.randrange(1, N)
    q = key_of(p, digest, p[0], s)
    cases += [(digest, q, p[0], s), (digest, q, p[0], N - s), (digest, q, p[0] + N, s), (digest, q, p[0], s + N)]
    compare(cases, 5)


def test_r_and_s_that_are_out_of_range():
    some = random.Random(11)
    q = times(some.randrange(1, N), G)
    values = (0, 1, N - 1, N, N + 1, P, P + 1, (1 << 528) - 1)
    compare([(bytes(64), q, r, s) for r in values for s in values], 0)


def test_keys_that_are_no_points():
    """Not on the curve, not below p, (0, 0), coordinates exchanged; and points at the edge that are
    ones."""
    cases, good = [], 0
    for x in (0, 1, 1 << 520, P - 10):
        q = lift(x)
        digest, r, s = with_factors(5, 7, q)
        cases += [(digest, q, r, s), (digest, (q[0], P - q[1]), r, s)]
        good += 1
        for bad in ((q[0], q[1] + P), (q[0] + P, q[1]), (q[0], q[1] ^ 1), (0, 0), (P, P), (q[0], P), (q[1], q[0])):
            cases.append((digest, bad, r, s))
    compare(cases, good)


def test_digests_of_all_kinds():
    some = random.Random(12)
    d = some.randrange(1, N)
    q = times(d, G)
    cases = []
    for digest in (
        bytes(64),
        bytes(66),
        b"\xff" * 64,
        b"\xff" * 66,
        digest_of(N),
        digest_of(N + 1),
        bytes(63) + b"\1",
        b"\1" * 20,
        b"\xff" * 70,
    ):
        k = some.randrange(1, N)
        r = times(k, G)[0] % N
        s = pow(k, -1, N) * (number_of(digest) + r * d) % N
        cases += [(digest, q, r, s), (digest, q, r, s ^ 1)]
    compare(cases, len(cases) // 2)


def test_field_with_words_at_their_edges():
    """400 pairs of operands of such words, some with equal halves or quarters (differences of 0),
    and their opposites."""
    some = random.Random(13)

    def operand():
        words = [some.choice(WORDS) if some.randrange(4) else some.getrandbits(32) for _ in range(17)]
        half = some.choice((0, 4, 8))
        for i in range(16):
            if half and i & half:
                words[i] = words[i - half]
        return sum(word << 32 * i for i, word in enumerate(words)) % (1 << 521) % P

    pairs = [(operand(), operand()) for _ in range(400)]
    with Bench(*FIELD, setup=FIELD_SETUP) as b:
        for at in range(0, len(pairs), 20):
            out = b.run(
                "bad = 0\nfor v, w in %r:\n"
                % pairs[at : at + 20]
                + " for x in (w, P - w if w else 0, v):\n  a = element(v)\n  b = element(x)\n"
                "  for f, want in ((p521_mul, v * x), (p521_sqr, v * v), (p521_add, v + x), (p521_sub, v - x)):\n"
                "   call(f, r, a, b)\n"
                "   if value(r) != want % P:\n    bad += 1\n    print(f, v, x, value(r))\nprint(bad)"
            )
            assert out[-1:] == ["0"], out
