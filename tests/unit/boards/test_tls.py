"""Module tls13, both ends in memory: R-TLS-01..09, -11, -14. The whole of TLS by an independent
peer is in test_tls_openssl."""

RUNTIMES = ("unix", "unix32")
HEAP_KB = 420  # a car and a station in one process; what the station alone needs is measured in tests/mem
BARE_HEAP_KB = 420  # the arena has most of it

import gc

import tls13

from firmware.net.tls_profile import FIELD, STRICT
from firmware.net.tls_stage import REASON_TEXTS
from tests.lib.mtest import eq, raises
from tests.lib.tls_pair import ARENA, NOW_S, Pair, config, data, move, shake, station, vehicle

YEAR_2020_S = 1577836800
YEAR_2050_S = 2524608000
ALERT = 16
SUITES, GROUPS, SIGNATURES = STRICT


def reason(words):
    """Number of the reason whose text has `words`."""
    found = [i for i in range(len(REASON_TEXTS)) if words in REASON_TEXTS[i]]
    eq(len(found), 1)
    return found[0]


def served(pair, name=b"WMIV1234567890ABCDEX"):
    eq((pair.s.state, pair.c.state), (tls13.OPEN, tls13.OPEN))
    eq(pair.s.name, name)


def refused(pair, words, alert):
    """The station has refused the car for that reason, and the car has got the alert that says so
    (R-TLS-06)."""
    eq((pair.s.state, pair.s.reason), (tls13.FAILED, reason(words)))
    eq((pair.c.state, pair.c.reason, pair.c.alert), (tls13.FAILED, ALERT, alert))


def echo(a, b):
    message = bytes([i & 255 for i in range(3000)])
    eq(a.write(message, 0, 3000), 3000)
    eq(a.write(message, 0, 3000), 0)  # one record at a time
    got = b""
    buf = bytearray(700)
    while a.waiting:
        move(a, b)
        while b.pending():
            got += buf[: b.read(buf)]
    eq(got, message)


def test_strict_session_and_its_end():
    pair = Pair(station(), vehicle())
    served(pair)
    eq(pair.c.name, b"DE*TST*E1")
    eq(pair.s.suite, 0x1302)
    echo(pair.c, pair.s)
    echo(pair.s, pair.c)
    assert pair.s.certificate()[:2] == b"\x30\x82" and b"WMIV1234567890ABCDEX" in pair.s.certificate()
    pair.s.close()
    move(pair.s, pair.c)
    eq(pair.c.pending(), 0)
    eq(pair.c.state, tls13.ENDED)  # by close_notify
    pair.again()
    served(pair)


def test_each_suite_and_group_of_the_profile():
    """R-TLS-02, R-TLS-03."""
    own = station()
    for suite in SUITES:
        pair = Pair(own, vehicle(((suite,), GROUPS, SIGNATURES)))
        served(pair)
        eq(pair.s.suite, suite)
    for group in GROUPS:
        served(Pair(own, vehicle((SUITES, (group,), SIGNATURES))))
    served(Pair(own, vehicle((SUITES, (0x1D, 0x1E), SIGNATURES))))  # asked again for the share of the other group


def test_field_profile():
    """D-24."""
    pair = Pair(station(FIELD), vehicle(FIELD))
    served(pair)
    echo(pair.c, pair.s)
    for group in (0x17, 0x1D):
        served(Pair(station(FIELD), vehicle((SUITES, (group,), FIELD[2]), prefix="field_", root="field_v2g_root.pem")))


def test_any_cut_of_the_stream():
    pair = Pair(station(), vehicle(), piece=1)
    served(pair)
    for piece in (5, 31, 1000):
        pair.again(piece=piece)
        served(pair)


def test_what_is_not_in_the_profile_is_refused():
    own = station()
    refused(Pair(own, vehicle(((0x1301,), GROUPS, SIGNATURES))), "cipher suite", 40)
    refused(Pair(own, vehicle((SUITES, (0x17, 0x1D), SIGNATURES))), "common group", 40)
    refused(Pair(own, vehicle((SUITES, GROUPS, (0x0403,)), who=None)), "signature algorithm", 40)


def test_certificates_that_are_refused():
    """R-TLS-06, R-TLS-08, R-TLS-09."""
    own = station()
    pair = Pair(own, vehicle(who=None))
    refused(pair, "no vehicle certificate", 116)
    served(Pair(own, vehicle()))  # the next car
    unknown = "known root"
    refused(Pair(station(root="strict_v2g_root.pem"), vehicle()), unknown, 48)
    refused(Pair(own, vehicle(who="by_leaf", prefix="")), unknown, 48)
    refused(Pair(own, vehicle(who="purpose", prefix="")), "purpose", 43)
    deep = Pair(own, vehicle(who="deep", prefix=""))
    eq((deep.s.state, deep.s.reason), (tls13.FAILED, reason("too long")))
    eq(deep.c.state, tls13.FAILED)


def test_who_may_sign_and_what_for():
    """R-TLS-09, R-TLS-11 (RFC 5280 sections 4.2.1.3, 4.2.1.9): a sub-CA that is none, may not sign,
    or has one below it that it must not have; a leaf for key agreement only, or signed over another
    hash. What is critical and not known is not read at all."""
    own = station()
    for who, words, alert in (
        ("by_no_ca", "known root", 48),
        ("by_no_sign", "known root", 48),
        ("by_short", "known root", 48),
        ("agreement", "purpose", 43),
        ("weak", "not in the profile", 46),
    ):
        for _ in range(2):  # the second time its signatures are known
            pair = Pair(own, vehicle(who=who, prefix=""))
            eq((who, pair.s.state, pair.s.reason), (who, tls13.FAILED, reason(words)))
            refused(pair, words, alert)
            del pair
    raises(ValueError, vehicle, who="unknown", prefix="")  # the same parser reads what comes from a car


def test_time_of_certificates():
    """Known clock: both ends of the validity count. Unknown clock: the floor proves only that
    something has expired."""
    own, other = station(), vehicle()
    refused(Pair(own, other, unix_s=YEAR_2050_S), "expired", 45)
    pair = Pair(own, other, unix_s=YEAR_2020_S)
    eq(pair.s.reason, reason("not valid yet"))
    served(Pair(own, other, unix_s=YEAR_2020_S, known=False))
    refused(Pair(own, other, unix_s=YEAR_2050_S, known=False), "expired", 45)


def test_broken_signature_in_the_chain():
    der = data("strict_vehicle.pem")
    at = der.find(b"-----END")
    # The last base64 group of the leaf before its padding is part of the signature.
    broken = bytearray(der)
    broken[at - 20] = ord("A") if broken[at - 20] != ord("A") else ord("B")
    tls13.init(ARENA)
    other = tls13.Config(
        bytes(broken), data("strict_vehicle.key"), (data("strict_v2g_root.pem"),), SUITES, GROUPS, SIGNATURES, False
    )
    refused(Pair(station(), other), "known root", 48)


def test_signatures_of_a_known_chain_are_not_computed_again():
    """The second time only the proofs of both keys are left; time, roots and damage count as
    before."""
    own, other = station(), vehicle()
    tls13.signatures(True)
    served(Pair(own, other))
    first = tls13.signatures()
    served(Pair(own, other))
    again = tls13.signatures()
    eq(first[1], 0)
    eq(again[0], 2)
    eq(again[1], first[0] - 2)
    refused(Pair(own, other, unix_s=YEAR_2050_S), "expired", 45)
    refused(Pair(station(root="strict_v2g_root.pem"), other), "known root", 48)
    test_broken_signature_in_the_chain()
    tls13.signatures()
    served(Pair(own, other))
    eq(tls13.signatures()[0], 2)  # what was refused has pushed nothing out that is needed
    tls13.signatures(True)
    served(Pair(own, other))
    eq(tls13.signatures(), first)


def feed(s, data):
    """All of it, as long as the station takes it."""
    at = 0
    while at < len(data) and s.state == tls13.HANDSHAKE:
        at += s.feed(data, at, len(data) - at)
        for _ in range(30):
            if not s.step():
                break


def test_not_tls():
    s = tls13.Conn(station())
    s.begin(NOW_S, True)
    feed(s, b"\x01\xfe\x80\x01\x00\x00\x00\x04test")
    eq((s.state, s.reason, s.waiting), (tls13.FAILED, reason("is not TLS"), 0))


def client_hello(other=None):
    c = tls13.Conn(other or vehicle())
    c.begin(NOW_S, True)
    while c.step():
        pass
    out = bytearray(2000)
    n = c.take(out)
    return bytes(out[:n])


def alert_of(s):
    out = bytearray(5000)
    n = s.take(out)
    assert n >= 7 and out[n - 7] == 21, bytes(out[:n])
    return out[n - 1]


def test_older_versions_are_refused():
    """R-TLS-01: a ClientHello without supported_versions is TLS 1.2 or older."""
    hello = bytearray(client_hello())
    at = hello.find(b"\x00\x2b\x00\x03\x02\x03\x04")
    hello[at + 1] = 0x99  # a type that nobody knows
    s = tls13.Conn(station())
    s.begin(NOW_S, True)
    feed(s, bytes(hello))
    eq((s.state, s.reason, alert_of(s)), (tls13.FAILED, reason("no common version"), 70))


def test_hostile_bytes_end_in_a_reason():
    """R-TLS-14: whatever comes, it is refused and the next car is served."""
    own = station()
    s = tls13.Conn(own)
    hello = client_hello()
    cases = [
        hello + b"\x17\x03\x03\x00\x20" + bytes(32),
        hello + hello,
        b"\x16\x03\x01\xff\xff" + bytes(3000),
        b"\x16\x03\x01\x40\x00" + bytes(3000),
        b"\x16\x03\x01\x00\x00" * 50,
        hello[:60] + bytes(len(hello) - 60),
    ]
    for at in range(5, len(hello), 3):
        cases.append(hello[:at] + bytes([hello[at] ^ 0x55]) + hello[at + 1 :])
    reasons = {}
    for case in cases:
        s.begin(NOW_S, True)
        feed(s, case)
        reasons[s.reason] = reasons.get(s.reason, 0) + 1
        assert s.state in (tls13.HANDSHAKE, tls13.FAILED)
        assert s.state == tls13.HANDSHAKE or s.reason, case
    s.begin(NOW_S, True)
    for case in cases[:4]:
        s.begin(NOW_S, True)
        feed(s, case)
        assert s.state == tls13.FAILED and s.waiting, case  # with an alert
    del s
    gc.collect()
    served(Pair(own, vehicle()))


def test_large_messages_are_refused():
    """A record or a message of 16 kB is more than the buffer: no certificate needs that."""
    hello = client_hello()
    s = tls13.Conn(station())
    s.begin(NOW_S, True)
    feed(s, hello)
    eq(s.state, tls13.HANDSHAKE)
    out = bytearray(5000)
    s.take(out)
    feed(s, b"\x17\x03\x03\x40\x11" + bytes(4000))
    eq((s.state, s.reason), (tls13.FAILED, reason("a message is too large")))


def test_bad_configurations():
    tls13.init(ARENA)
    chain, key, root = data("strict_secc.pem"), data("strict_secc.key"), data("strict_oem_root.pem")
    for args in (
        (chain, data("strict_vehicle.key"), (root,)),  # of another certificate
        (chain[:200], key, (root,)),
        (b"", key, (root,)),
        (chain, b"", (root,)),
        (chain, key, (b"nonsense",)),
        (data("field_secc.pem"), data("field_secc.key"), (root,)),  # R-TLS-05: not of the profile
    ):
        raises(ValueError, tls13.Config, args[0], args[1], args[2], SUITES, GROUPS, SIGNATURES)
    raises(ValueError, tls13.Config, chain, key, (root,), (), GROUPS, SIGNATURES)
    raises(ValueError, config, (SUITES, GROUPS, (0x0807,)), "secc", (root,), True, "strict_")


def test_key_log_is_off_unless_asked_for():
    own, other = station(), vehicle()
    pair = Pair(own, other)
    lines = []
    pair.s.begin(NOW_S, True, lines)
    pair.c.begin(NOW_S, True)
    shake(pair.s, pair.c)
    eq(len(lines), 4)
    for line in lines:
        eq([len(part) for part in line.split(" ")][1:], [64, 96])
    lines[:] = []
    pair.again()
    eq(lines, [])
