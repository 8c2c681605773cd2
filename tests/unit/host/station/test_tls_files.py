"""Key and certificates that a station cannot use are named, by the tools and by the station itself
(firmware/run/tls_files.py in the image). Everything is made here; host only."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.root import ROOT
from tests.lib.mtest import eq, skip

RUNTIMES = ("cpython",)  # openssl, and an image
DATA = ROOT / "build" / "test-certs"
_START = """
import sys
from firmware.app import config
from firmware.run import tls_files
class Trace:
    def note(self, now, text): pass
    error = note
cfg = config.load('{"tls": "strict", "tls_dir": "%s"}' % sys.argv[1])
tls_files.reserve(cfg)
try:
    tls_files.stage(cfg, Trace(), 0)
    print("usable")
except tls_files.TlsError as error:
    print(error)
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def folder(scratch):
    path = Path(scratch)
    for source, target in (("secc.pem", "secc_chain.pem"), ("secc.key", "secc.key"), ("oem_root.pem", "roots.pem")):
        (path / target).write_bytes((DATA / ("strict_" + source)).read_bytes())
        os.chmod(path / target, 0o600)
    return path


def station(path):
    """What the station says of a folder."""
    binary = ROOT / "build" / "mcu32" / "micropython"
    if not binary.exists() or not (DATA / "strict_secc.key").exists():
        skip("no 32-bit image or no certificates of the tests here")
    script = path / "start.py"
    script.write_text(_START)
    done = subprocess.run([binary, "-X", "heapsize=400k", script, path], capture_output=True, text=True)
    eq((done.returncode, done.stderr), (0, ""))
    return done.stdout.strip()


def show(path):
    command = [sys.executable, "-m", "host_tools", "pki", "show", str(path / "secc.key"), str(path / "secc_chain.pem")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_an_encrypted_key_is_wrong_and_named():
    """As the PKI script of a public EVCC stack makes them (ecog-io/iso15118 #430), in each form of
    it."""
    forms = (
        ("PKCS #8", ("pkey", "-aes256")),
        ("of openssl", ("ec", "-aes128")),
        ("DER", ("pkcs8", "-topk8", "-v2", "aes256", "-outform", "DER")),
    )
    for name, form in forms:
        with tempfile.TemporaryDirectory() as scratch:
            path = folder(scratch)
            eq(station(path), "usable")
            openssl(*form, "-passout", "pass:12345", "-in", DATA / "strict_secc.key", "-out", path / "secc.key")
            os.chmod(path / "secc.key", 0o600)
            status, out = show(path)
            assert status == 1 and "WRONG: key is encrypted: a station cannot read it; openssl pkey" in out, (name, out)
            said = station(path)
            if name == "DER":
                assert "own key" in said, said
            else:
                assert "secc.key: the key is encrypted, and a station has no password; openssl pkey" in said, (
                    name,
                    said,
                )
            os.chmod(path / "secc.key", 0o644)
            assert "others can get at the key" in show(path)[1], name


def test_the_certificate_that_cannot_be_used_is_named():
    """A bundle of many roots with one of RSA in front or behind (EVerest everest-demo #37)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = folder(scratch)
        good = (path / "roots.pem").read_bytes()
        made = ("-keyout", path / "x.key", "-out", path / "rsa.pem", "-nodes", "-subj", "/C=XX/CN=Root with RSA/DC=V2G")
        openssl("req", "-x509", "-newkey", "rsa:2048", *made)
        rsa = (path / "rsa.pem").read_bytes()
        for text, number, many in ((rsa + good, 1, 2), (good + rsa, 2, 2), (rsa, 1, 1)):
            (path / "roots.pem").write_bytes(text)
            said = station(path)
            assert "roots.pem: certificate %d of %d (Root with RSA) cannot be used" % (number, many) in said, said
        (path / "roots.pem").write_bytes(good)
        chain = (path / "secc_chain.pem").read_bytes()
        (path / "secc_chain.pem").write_bytes(chain + rsa)
        assert "secc_chain.pem: certificate %d" % (chain.count(b"BEGIN") + 1) in station(path)
        (path / "roots.pem").write_bytes(good.replace(b"M", b"N", 3))  # damaged
        assert "roots.pem: certificate 1 of 1" in station(path)
