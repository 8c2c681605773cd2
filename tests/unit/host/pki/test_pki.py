"""`microv2g pki`: what it makes passes `openssl verify` and a TLS 1.3 handshake; what is broken is refused and
named."""

import datetime
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from host_tools.pki import bad, explain, issue, node, profile
from host_tools.root import ROOT
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # starts processes
TIMEOUT_S = 300
_SCRATCH = tempfile.TemporaryDirectory()
TMP = Path(_SCRATCH.name)
# side -> where its chain is, who judges it, for what, its stem
SIDES = (
    ("device", "car/roots.pem", "sslserver", "secc"),
    ("car", "device/roots.pem", "sslclient", "vehicle"),
)
# kind of broken chain -> what openssl says, what `pki show` says
SAYINGS = {
    "expired": ("certificate has expired", "expired 1 day ago"),
    "not_yet_valid": ("certificate is not yet valid", "not yet valid, but in "),
    "foreign_root": ("unable to get local issuer certificate", "no root found"),
    "broken_signature": ("verification failed", "broken signature"),
    "leaf_as_ca": ("key usage does not include certificate signing", "leaf used as a CA"),
    "too_long": ("path length constraint exceeded", "path length 1 exceeded"),
    "wrong_purpose": ("unsuitable certificate purpose", "wrong purpose"),
    "huge": ("unhandled critical extension", "bytes large, a message carries 1600"),
}


def pki(*arguments):
    """-> exit status, output, errors. A private key in either fails whatever test it is."""
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", "pki", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert "PRIVATE" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def verify(chain, roots, purpose):
    return openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", roots, "-untrusted", chain, chain)


_made = {}


def good(kind):
    """The PKI of a profile, made once."""
    if kind not in _made:
        place = TMP / kind
        status, out, err = pki("new", place, "--profile", kind)
        eq((status, err), (0, ""))
        _made[kind] = (place, out)
    return _made[kind][0]


def copy(name, *sources):
    place = TMP / name
    place.mkdir()
    for source in sources:
        (place / source.name).write_bytes(source.read_bytes())
        os.chmod(place / source.name, 0o600)
    return place


def wrongs(*arguments):
    """What `show` finds wrong: lines. Its exit status says so too."""
    status, out, err = pki("show", *arguments)
    found = [line.partition("WRONG: ")[2] for line in out.splitlines() if "WRONG: " in line]
    eq((status, err), (1 if found else 0, ""))
    return found


def test_every_chain_verifies_with_openssl():
    """R-TLS-05 R-TLS-08 R-TLS-09 R-AUTH-11: curves, purposes and anchors."""
    for kind in profile.PROFILES:
        place = good(kind)
        for side, roots, purpose, stem in SIDES:
            chain = place / side / (stem + "_chain.pem")
            status, text = verify(chain, place / roots, purpose)
            eq((kind, side, status), (kind, side, 0))
            other = "sslclient" if purpose == "sslserver" else "sslserver"
            assert verify(chain, place / roots, other)[0] != 0, "fit for the other side too"
            _, text = openssl("x509", "-in", chain, "-noout", "-text")
            assert {"strict": "NIST CURVE: P-521", "field": "NIST CURVE: P-256"}[kind] in text, text
            assert {"strict": "ecdsa-with-SHA512", "field": "ecdsa-with-SHA256"}[kind] in text, text
        for stem, root in (("oem_prov", "oem_root"), ("contract", "mo_root")):
            one, two = (place / "certs" / (s + ".pem") for s in profile.chain_of(stem)[1:3])
            status, text = openssl(
                "verify", "-x509_strict", "-CAfile", place / "certs" / (root + ".pem"), "-untrusted", one,
                "-untrusted", two, place / "certs" / (stem + ".pem"),
            )  # fmt: skip
            eq((status, text.strip()[-2:]), (0, "OK"))
        # The root of contracts is no anchor for a car (R-TLS-08).
        chain = place / "car" / "vehicle_chain.pem"
        assert verify(chain, place / "certs" / "mo_root.pem", "sslclient")[0] != 0


def test_station_and_car_shake_hands_in_tls_1_3():
    """R-TLS-01: both authenticate, with the files of device/ and car/ and nothing else."""
    for kind in profile.PROFILES:
        place = good(kind)
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        for context, side, stem in ((server, "device", "secc"), (client, "car", "vehicle")):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(place / side / (stem + "_chain.pem"), place / side / (stem + ".key"))
            context.load_verify_locations(place / side / "roots.pem")
        a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = client.wrap_bio(a, b), server.wrap_bio(b, a, server_side=True)
        for _ in range(3):
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    pass
        eq([end.version() for end in ends], ["TLSv1.3", "TLSv1.3"])
        eq(dict(x[0] for x in ends[1].getpeercert()["subject"])["commonName"], profile.NAMES["evccid"])


def test_every_broken_chain_is_refused_by_openssl_and_named_by_show():
    """R-AUTH-10 R-AUTH-15, and no bad chain is bad in another way than its name says."""
    eq(sorted(SAYINGS), sorted(bad.KINDS))
    place = good("strict")
    for kind in bad.KINDS:
        out = bad.make(kind, place, TMP / ("bad_" + kind))
        theirs, ours = SAYINGS[kind]
        for side, roots, purpose, stem in SIDES:
            chain = out / side / (stem + "_chain.pem")
            status, text = verify(chain, place / roots, purpose)
            assert status != 0 and theirs in text, (kind, side, text)
            found = wrongs(out / side, place / roots)
            assert any(ours in line for line in found), (kind, side, found)
            if kind not in ("too_long", "huge"):  # each of these breaks two rules
                eq((kind, side, len(found)), (kind, side, 1))
            assert verify(place / side / chain.name, out / roots, purpose)[0] == 0, "the roots beside it are good"


def test_profiles_are_told_apart():
    """R-TLS-05: P-256 is no certificate of the strict profile."""
    eq(wrongs(good("strict"), "--profile", "strict"), [])
    eq(wrongs(good("field"), "--profile", "field"), [])
    for kind, other in (("strict", "field"), ("field", "strict")):
        eq(pki("show", good(kind))[1].splitlines()[-1].split(", ")[-1], "profile %s: nothing wrong" % kind)
        found = wrongs(good(kind), "--profile", other)
        eq(len(found), len(profile.ROWS))
        assert all(line.startswith("wrong key curve: ") for line in found), found


def test_structure_is_the_same_every_time():
    """Same files, modes and certificates but for keys and serial numbers; serial numbers of at
    least 64 bits."""
    again = TMP / "again"
    eq(pki("new", again, "--days", "60")[0], 0)

    def files(place):
        return [(p.relative_to(place), p.stat().st_mode & 0o777) for p in sorted(place.rglob("*"))]

    eq(files(again), files(good("strict")))
    reports = [json.loads(pki("show", "--json", p)[1])["certificates"] for p in (again, good("strict"))]
    for one, two in zip(*reports):
        assert int(one["serial"], 16) >> 64 and one["serial"] != two["serial"]
        for key in ("subject", "purpose", "curve", "hash", "ca", "path_len", "eku", "problems", "notes"):
            eq(one[key], two[key])


def test_keys_are_for_their_owner_alone():
    """R-SECURITY-07: 0600, in directories of 0700; an open one is reported."""
    place = good("strict")
    keys = list(place.rglob("*.key"))
    assert len(keys) == len(profile.ROWS) + 2 + 3
    for key in keys:
        eq((key, key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777), (key, 0o600, 0o700))
        eq(openssl("pkey", "-in", key, "-noout", "-check")[0], 0)
    opened = copy("opened", place / "device" / "secc.key", place / "device" / "secc_chain.pem")
    os.chmod(opened / "secc.key", 0o644)
    eq(wrongs(opened, place / "certs" / "v2g_root.pem"), ["mode 0644: others can get at the key"])


def test_show_compares_key_and_certificate():
    place = good("strict")
    swapped = copy("swapped", place / "device" / "secc_chain.pem", place / "car" / "roots.pem")
    (swapped / "secc.key").write_bytes((place / "car" / "vehicle.key").read_bytes())
    os.chmod(swapped / "secc.key", 0o600)
    # Even if the certificate that the key belongs to is there as well, it is the wrong one for this
    # name.
    eq(wrongs(place, swapped), ["key does not belong to the first certificate of secc_chain.pem"])
    lone = copy("lone", place / "private" / "mo_root.key")
    eq(
        wrongs(lone, place / "certs" / "v2g_root.pem"),
        ["key does not belong to any of the certificates"],
    )
    eq(wrongs(lone), [])


def test_show_knows_the_order_of_a_bundle():
    place = good("strict")
    leaf, sub2, sub1, root = ((place / "certs" / (s + ".pem")).read_text() for s in profile.chain_of("secc"))
    roots = place / "certs" / "v2g_root.pem"
    file = TMP / "bundle.pem"
    for parts, expected in (
        ((leaf, sub2, sub1), []),
        ((leaf, sub2, sub1, root), []),  # superfluous, a note
        ((leaf, sub1, sub2), ["order wrong: leaf first, then the one that signed it, and so on"]),
        ((sub1, sub2, leaf), ["order wrong: leaf first, then the one that signed it, and so on"]),
        (
            (leaf, (place / "certs" / "vehicle_sub2.pem").read_text()),
            ["not one chain: some of its certificates belong to others"],
        ),
    ):
        file.write_text("".join(parts))
        eq(wrongs(file, place / "certs", roots), expected)
    file.write_text(leaf + sub2)
    eq(wrongs(file), ["no root found: its issuer CPO Sub-CA 1 is in none of the files"])
    der = place / "iso15118_2" / "certs" / "v2gRootCACert.der"
    assert "V2G root" in pki("show", der)[1]


def test_show_on_a_certificate_without_purpose():
    """A station certificate without extended key usage, as test cars of today bring: wrong, for the
    field a note."""
    config = TMP / "old.cnf"
    config.write_text(
        "[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=SECCCert\nDC=CPO\n"
        "[ext]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
    )
    place = good("field")
    key, request, cert = TMP / "old.key", TMP / "old.csr", TMP / "old.pem"
    eq(openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
               "-config", config, "-out", request)[0], 0)  # fmt: skip
    eq(openssl("x509", "-req", "-in", request, "-CA", place / "certs" / "cpo_sub2.pem", "-CAkey",
               place / "private" / "cpo_sub2.key", "-extfile", config, "-extensions", "ext", "-days", "5", "-out", cert,
               "-set_serial", "7")[0], 0)  # fmt: skip
    eq(wrongs(cert, place / "certs"), ["missing EKU serverAuth"])
    eq(wrongs(cert, place / "certs", "--profile", "field"), [])
    eq(wrongs(place / "certs", place / "private" / "secc.key", key), ["key does not belong to any of the certificates"])


def test_show_on_garbage():
    """R-AUTH-15: a line each, no traceback, nothing that steers a terminal."""
    leaf = good("strict") / "certs" / "secc.pem"
    text = leaf.read_text()
    der = ssl.PEM_cert_to_DER_cert(text)
    place = TMP / "garbage"
    place.mkdir()
    flipped = [der[:i] + bytes([der[i] ^ 0xFF]) + der[i + 1 :] for i in range(0, len(der), 23)]
    files = {
        "empty.pem": b"",
        "zeros.der": bytes(100),
        "random.der": os.urandom(5000),
        "random.pem": b"-----BEGIN CERTIFICATE-----\n" + os.urandom(300),
        "cut.pem": text[:300].encode(),
        "cut.der": der[:500],
        "tail.der": der + b"x",
        "hollow.pem": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "key.pem": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "words.crt": b"hello\n",
        "large.pem": text.encode() + bytes(2 << 20),
    }
    for name, data in files.items():
        (place / name).write_bytes(data)
    facts = json.loads(pki("show", "--json", place)[1])
    eq([len(f["problems"]) for f in facts["files"]], [1] * len(files))
    for i, data in enumerate(flipped):
        (place / ("flip%d.der" % i)).write_bytes(data)
    status, out, err = pki("show", place, TMP / "absent\x1b[31m.pem", "/dev/null")
    eq((status, err), (1, ""))
    assert "no such file" in out and "\x1b" not in out, out
    eq(pki("show", copy("nothing"))[0], 1)


def test_show_on_hostile_names_and_many_certificates():
    """Names out of a certificate reach no terminal as they are; a bundle of two thousand costs
    seconds, not hours."""
    key, cert = TMP / "evil.key", TMP / "evil.pem"
    eq(openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
               "-subj", "/CN=\x1b[2Jevil\u202e" + "x" * 40, "-utf8", "-out", cert)[0], 0)  # fmt: skip
    status, out, _ = pki("show", cert)
    eq(status, 0)
    assert "evil" in out and "\x1b" not in out and "\u202e" not in out
    many = TMP / "many.pem"
    many.write_text(cert.read_text() * 1200)
    status, out, _ = pki("show", many)
    eq(status, 1)
    assert "more than 500 certificates" in out


def test_show_on_issuers_that_sign_each_other():
    """A circle ends; issuers of the same name cost a bounded number of signature checks each."""
    now = issue.now_utc()
    row = profile.BY_STEM["v2g_root"]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in "AB"]
    keys = [issue.new_key("field") for _ in names]
    circle = [
        issue.certificate(row, names[i], keys[i], names[1 - i], keys[1 - i], now, now + issue.DAY) for i in (0, 1)
    ]
    file = TMP / "circle.pem"
    file.write_bytes(issue.pem(circle))
    eq(wrongs(file), ["no root found: the issuers go round in a circle"] * 2)

    def bare(i):  # without key identifiers everyone of the name is a candidate
        builder = x509.CertificateBuilder(names[1 - i], names[i], keys[0].public_key(), x509.random_serial_number())
        return builder.not_valid_before(now).not_valid_after(now + issue.DAY).sign(keys[1], hashes.SHA256())

    file.write_bytes(issue.pem([bare(i % 2) for i in range(100)]))
    checks, real = [], node.Node.signed_by
    node.Node.signed_by = lambda self, other: checks.append(1) or real(self, other)
    try:
        assert not explain.report([file])["ok"]
    finally:
        node.Node.signed_by = real
    eq(len(checks), 100 * 8)


def test_new_does_not_overwrite():
    place = TMP / "again_and_again"
    eq(pki("new", place, "--profile", "field")[0], 0)
    before = (place / "device" / "secc.key").read_bytes()
    status, out, err = pki("new", place)
    eq((status, out), (1, ""))
    assert "--force" in err
    eq((place / "device" / "secc.key").read_bytes(), before)
    os.chmod(place / "device" / "secc.key", 0o644)
    eq(pki("new", place, "--force", "--days", "7", "--seccid", "DE*XYZ*E1")[0], 0)
    assert (place / "device" / "secc.key").read_bytes() != before
    eq((place / "device" / "secc.key").stat().st_mode & 0o777, 0o600)
    secc = next(c for c in json.loads(pki("show", "--json", place)[1])["certificates"] if c["name"] == "DE*XYZ*E1")
    assert secc["days_left"] in (6, 7)  # a second may have passed, or none
    foreign = copy("foreign", Path(__file__))
    for more in ((), ("--force",)):
        status, _, err = pki("new", foreign, *more)
        eq(status, 1)
        assert "is no PKI of mine" in err
    for days in ("0", "99999", "x"):
        eq(pki("new", TMP / "never", "--days", days)[0], 2)


def test_new_shows_what_it_made():
    place = good("strict")
    out = _made["strict"][1]
    for row in profile.ROWS:
        _, text = openssl("x509", "-in", place / "certs" / (row.stem + ".pem"), "-noout", "-fingerprint", "-sha256")
        assert text.strip().partition("=")[2].replace(":", "").lower()[:16] in out, (row.stem, out)
    assert re.search("PKI_PATH=.*strict", out) and "nothing wrong" in out
    status, _, err = pki("new", TMP / "odd", "--evccid", "MYCAR")
    eq(status, 0)
    assert "MYCAR is no EVCCID" in err


def test_layout_of_the_pypi_vehicle():
    """What iso15118 0.31.2 opens below PKI_PATH; an empty password file stands for "no
    password"."""
    base = good("field") / "iso15118_2"
    for name in ("v2gRootCACert.pem", "oemCertChain.pem", "oemLeafCert.der", "oemSubCA1Cert.der", "oemSubCA2Cert.der",
                 "contractLeafCert.der", "moSubCA1Cert.der", "moSubCA2Cert.der", "v2gRootCACert.der"):  # fmt: skip
        assert (base / "certs" / name).stat().st_size > 100, name
    for name in ("oemLeaf", "contractLeaf", "seccLeaf"):
        eq((base / "private_keys" / (name + "Password.txt")).read_bytes(), b"")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        chain = {"oemLeaf": "oemCertChain", "seccLeaf": "cpoCertChain"}.get(name, name + "Cert")
        context.load_cert_chain(base / "certs" / (chain + ".pem"), base / "private_keys" / (name + ".key"))


def test_evccid():
    """Check digit against a vector that others computed."""
    eq(profile.evccid("123456789ABCDEF", "WVW"), "WVWV123456789ABCDEF7")
    eq(profile.evccid_fault(profile.NAMES["evccid"]), "")
    eq(profile.evccid_fault("WVW-V-123456789ABCDEF-7"), "")
    for name in ("WVWV123456789ABCDEF8", "WVWV123456789ABCDE", "WVWS123456789ABCDEF7", "WVWV123456789ABCDEI7"):
        assert profile.evccid_fault(name), name


def test_validity():
    """Backdated, the leaf as long as asked, every issuer longer than what it issued."""
    now = datetime.datetime.now(datetime.UTC)
    rows = {c["fingerprint"]: c for c in json.loads(pki("show", "--json", good("strict"))[1])["certificates"]}
    for c in rows.values():
        assert datetime.datetime.fromisoformat(c["not_before"]) < now - datetime.timedelta(hours=12)
        if c["signed_by"]:
            assert c["not_after"] < rows[c["signed_by"]]["not_after"]
        if not c["ca"]:
            assert c["days_left"] in (59, 60)
