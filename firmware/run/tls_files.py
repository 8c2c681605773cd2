"""TLS of a station out of its configuration and its file system: profile, own chain and key, roots,
key log."""

import gc
import sys
from binascii import a2b_base64

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


_BEGIN = b"-----BEGIN CERTIFICATE-----"
_CN = b"\x06\x03\x55\x04\x03"  # the object identifier of a common name


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
        chain, key = _read(cfg, CHAIN), _read(cfg, KEY)
        if b"ENCRYPTED" in key:  # of PKCS #8, or of the older kind in its Proc-Type
            raise TlsError(
                "%s/%s: the key is encrypted, and a station has no password; openssl pkey" % (cfg["tls_dir"], KEY)
            )
        own = tls13.Config(chain, key, (_read(cfg, ROOTS),), suites, groups, signatures)
        engine = tls13.Conn(own)
    except (ValueError, MemoryError) as e:
        raise TlsError("%s: %s%s" % (cfg["tls_dir"], e, _culprit(cfg)))
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


def _culprit(cfg):
    """Which certificate is the one that tls13 cannot read, in words; "" if each of them alone can
    be read."""
    import tls13

    for name in (ROOTS, CHAIN):
        blocks = _read(cfg, name).split(_BEGIN)[1:]
        for i in range(len(blocks)):
            gc.collect()  # the arena has room for one more, not for all
            try:
                tls13.Config(None, None, (_BEGIN + blocks[i],), *PROFILES[cfg["tls"]])
            except (ValueError, MemoryError) as e:
                where = "%s: certificate %d of %d" % (name, i + 1, len(blocks))
                return "; %s%s cannot be used: %s; RSA, or a curve of no profile?" % (where, _name(blocks[i]), e)
    return ""


def _name(block):
    """(common name) of a certificate in PEM, "" if it has none that can be found: the last one in
    it is the subject's."""
    try:
        der = a2b_base64(b"".join(block.split(b"-----")[0].split()))
        at = der.rfind(_CN) + len(_CN)
        return " (%s)" % str(der[at + 2 : at + 2 + der[at + 1]], "utf-8") if at >= len(_CN) else ""
    except (ValueError, IndexError):
        return ""


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
