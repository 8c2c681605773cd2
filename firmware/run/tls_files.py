"""TLS of a station out of its configuration and its file system: profile, own chain and key, roots,
key log."""

import sys

from firmware.buffers import buffer
from firmware.clock import unix_s
from firmware.net import cert_time
from firmware.net.tls_profile import PROFILES
from firmware.net.tls_stage import TlsStage
from firmware.run.errors import StartError

# Bytes for everything that TLS needs: 19 kB for a station that waits, 16 kB more in a handshake (32
# bits, P-521, chains of three), and the rest is room for a car with larger certificates. Pointers
# make it more on 64 bits.
ARENA = (44 if sys.maxsize < 1 << 32 else 72) * 1024

CHAIN = "secc_chain.pem"  # leaf first, then its sub-CAs
KEY = "secc.key"
ROOTS = "roots.pem"  # that vehicle certificates may end in: OEM and V2G (R-TLS-08)


class TlsError(StartError):
    """TLS is configured and cannot be had; str() says why."""


def reserve(cfg):
    """Take the arena, first of all: where it lies in the heap, the heap is still in one piece."""
    if cfg["tls"] != "none":
        try:
            import tls13
        except ImportError:
            raise TlsError("tls: this image has none")
        tls13.init(buffer("tls", ARENA))


def stage(cfg, trace, now):
    """The stage that cfg asks for, or None without TLS. reserve() comes before."""
    if cfg["tls"] == "none":
        return None
    import tls13

    floor_s = cert_time.build_s()
    if cfg["allow_plain"]:
        trace.error(now, "allow_plain: a car may charge without TLS and without a certificate")
    sink = None
    if cfg["tls_key_log"]:
        if not tls13.KEY_LOG:
            raise TlsError("tls_key_log: not in this image")
        trace.error(now, "tls_key_log: who reads that file can read the sessions")
        sink = KeyLog(cfg["tls_key_log"])
    try:
        suites, groups, signatures = PROFILES[cfg["tls"]]
        own = tls13.Config(_read(cfg, CHAIN), _read(cfg, KEY), (_read(cfg, ROOTS),), suites, groups, signatures)
        engine = tls13.Conn(own)
    except (ValueError, MemoryError) as e:
        raise TlsError("%s: %s" % (cfg["tls_dir"], e))
    known = cert_time.judged_at(unix_s(), floor_s)[1]
    trace.note(now, "tls: profile %s, clock %s" % (cfg["tls"], "known" if known else "not set"))
    return TlsStage(
        engine,
        lambda: cert_time.judged_at(unix_s(), floor_s),
        trace,
        cfg["tls_handshake_ms"],
        cfg["allow_plain"],
        sink,
    )


def _read(cfg, name):
    path = cfg["tls_dir"] + "/" + name
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        raise TlsError("cannot read " + path)


class KeyLog:
    """A file of secrets for Wireshark. Opened for each line: a session that ends badly has its
    lines too."""

    def __init__(self, path):
        self._path = path

    def __call__(self, line):
        with open(self._path, "a") as f:
            f.write(line + "\n")
