"""The station of the firmware image against openssl, an independent peer, over a socket:
R-TLS-01..04, -06..09, -14.

Host only; skipped without openssl 3 or without the image.
"""

import contextlib
import os
import re
import select
import shutil
import socket
import subprocess

from host_tools.root import ROOT
from tests.lib.mtest import eq, skip
from tests.lib.patience import LIMIT_S, let_pass

RUNTIMES = ("cpython",)  # it starts the image itself
TIMEOUT_S = 240
SLOW = True
WAITS = True

DATA = ROOT / "build" / "test-certs"
IMAGE = ROOT / "build" / "unix" / "micropython"
VEHICLE = "WMIV1234567890ABCDEX"
ALERTS = {"handshake failure": 40, "certificate required": 116}

if not shutil.which("openssl") or not IMAGE.exists():
    skip("no openssl, or the image is not built")


class Station:
    """The image with tests/lib/tls_socket.py; lines() is what it has said since the last call."""

    def __init__(self, profile, limit_ms=60000):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [str(IMAGE), "-X", "heapsize=400k", "tests/lib/tls_socket.py", profile, str(self.port), str(limit_ms)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        eq(self.process.stdout.readline().strip(), "READY")

    def lines(self):
        out = []
        while True:
            line = self.process.stdout.readline().strip()
            if line == "END":
                return out
            assert line or self.process.poll() is None, "the station has ended"
            out.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(LIMIT_S)


@contextlib.contextmanager
def station(profile="strict", limit_ms=60000):
    s = Station(profile, limit_ms)
    try:
        yield s
    finally:
        s.process.stdin.close()
        try:
            s.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            s.process.kill()


def client(port, *options, prefix="strict_", who="vehicle", send=b"hello\n", root=None):
    """(exit status, everything that s_client says) of one connection; it sends a line and waits for
    its echo."""
    command = [
        "openssl",
        "s_client",
        "-connect",
        "127.0.0.1:%d" % port,
        "-CAfile",
        root or DATA / (prefix + "v2g_root.pem"),
    ]
    if who:
        name = prefix + who
        command += [
            "-cert",
            DATA / (name + ".pem"),
            "-cert_chain",
            DATA / (name + ".pem"),
            "-key",
            DATA / (name + ".key"),
        ]
    command += ["-verify_return_error", "-no_ign_eof", *options]
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(send)
        process.stdin.flush()
    # TLS 1.3: the client is connected before the station has looked at its certificate. So its end
    # of file comes when the answer is there; a client that is refused ends by itself.
    fd, text = process.stdout.fileno(), b""
    while select.select([fd], [], [], LIMIT_S)[0]:
        data = os.read(fd, 65536)
        text += data
        if not data or text.endswith(b"\n" + send):
            break
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    text += process.stdout.read()
    return process.wait(LIMIT_S), text.decode(errors="replace")


def served(s, *options, **more):
    _, text = client(s.port, *options, **more)
    lines = s.lines()
    assert lines and lines[0].startswith("tls 1.3, suite"), (lines, text)
    assert lines[0].endswith("vehicle " + VEHICLE), lines
    assert "hello" in text and "unexpected eof" not in text, text
    return text


def refused(s, why, alert, *options, **more):
    _, text = client(s.port, *options, **more)
    lines = s.lines()
    assert len(lines) == 1 and why in lines[0], (lines, text)
    assert "SSL alert number %d" % alert in text, text
    assert "hello\n" not in text.split("---")[-1], text


def test_every_suite_and_group_of_the_strict_profile():
    with station() as s:
        for suite in ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            for group in ("P-521", "X448"):
                text = served(s, "-tls1_3", "-ciphersuites", suite, "-groups", group)
                assert suite in text and "TLSv1.3" in text, text
        served(s, "-groups", "X25519:P-256:X448")  # the station asks again for the share of X448


def test_certificate_request_names_algorithms_and_roots():
    """R-TLS-04, R-TLS-07."""
    with station() as s:
        text = served(s)
        assert "Requested Signature Algorithms: ECDSA+SHA512\n" in text, text
        names = text.split("Acceptable client certificate CA names\n")[1].split("\nRequested")[0].split("\n")
        eq(names, ["CN = OEMRootCA, O = Test, DC = OEM"] * 2)


def test_what_strict_refuses():
    with station() as s:
        for group in ("X25519", "P-256", "P-384"):
            refused(s, "no common group", 40, "-groups", group)
        refused(s, "no common cipher suite", 40, "-ciphersuites", "TLS_AES_128_GCM_SHA256")
        refused(s, "no common signature algorithm", 40, "-sigalgs", "ECDSA+SHA256", who=None)
        refused(s, "no common version", 70, "-tls1_2")
        refused(s, "no vehicle certificate", 116, who=None)
        served(s)


def test_certificates_that_are_refused():
    with station() as s:
        refused(s, "under a known root", 48, prefix="", who="by_leaf", root=DATA / "strict_v2g_root.pem")
        refused(s, "wrong purpose (PURPOSE)", 43, prefix="", who="purpose", root=DATA / "strict_v2g_root.pem")
        refused(s, "chain is too long", 49, prefix="", who="deep", root=DATA / "strict_v2g_root.pem")
        refused(s, "under a known root", 48, who="secc")  # of the station, under the V2G root
        served(s)


def test_the_car_does_not_trust_the_station():
    with station() as s:
        client(s.port, root=DATA / "strict_oem_root.pem")
        lines = s.lines()
        eq(lines, ["tls refused: refused by the car: alert 48 unknown CA"])
        served(s)


def test_field_profile():
    with station("field") as s:
        for group in ("P-256", "X25519", "P-521", "X448"):
            served(s, "-groups", group, prefix="field_")
        refused(s, "no common group", 40, "-groups", "P-384", prefix="field_")


def test_close_notify_of_the_station():
    with station() as s:
        _, text = client(s.port, send=b"quit\n")
        assert s.lines()[0].endswith(VEHICLE)
        assert "unexpected eof" not in text, text


def test_garbage_and_silence():
    """R-TLS-14: each is refused within its limit, and the next car is served."""
    with station(limit_ms=3000) as s:
        for data, why in (
            (b"\x01\xfe\x80\x01\x00\x00\x00\x04test", "not TLS"),
            (b"GET / HTTP/1.0\r\n\r\n", "not TLS"),
            (b"\x16\x03\x01\x3f\xff" + os.urandom(6000), "too large"),
            (b"\x16\x03\x01\x00\x40" + os.urandom(64), ""),
            (b"\x16", "took too long"),
        ):
            with socket.create_connection(("127.0.0.1", s.port)) as sock:
                sock.sendall(data)
                sock.settimeout(LIMIT_S)
                answer = b""
                with contextlib.suppress(ConnectionError):
                    while True:
                        piece = sock.recv(4096)
                        if not piece:
                            break
                        answer += piece
            lines = s.lines()
            assert len(lines) == 1 and lines[0].startswith("tls refused") and why in lines[0], (data[:8], lines)
            assert why != "too large" or re.fullmatch(rb"\x15\x03\x03\x00\x02\x02.", answer, re.S), answer
        served(s)


def test_slow_drip():
    with station(limit_ms=3000) as s:
        with socket.create_connection(("127.0.0.1", s.port)) as sock, contextlib.suppress(ConnectionError):
            for _ in range(100):  # longer than the limit; then the connection ends by itself, which has other words
                sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01"[_ % 8 : _ % 8 + 1] if _ < 8 else b"\x00")
                let_pass(0.05)
        eq(s.lines(), ["tls refused: the car took too long"])
        served(s)
