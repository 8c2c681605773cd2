"""TLS 1.3 of the simulated car on CPython: OpenSSL with the calls of the engine of
firmware/net/tls_stage.py.

An independent peer of the station: nothing of it is mbedTLS.
"""

import ssl
import time
from pathlib import Path

from firmware.net.tls_stage import TlsStage

CHAIN, KEY, ROOTS = "vehicle_chain.pem", "vehicle.key", "roots.pem"  # as `microv2g pki new DIR` puts them into DIR/car
_LIMIT_MS = 20000  # a small station takes seconds for an operation with keys

_HANDSHAKE, _OPEN, _ENDED, _FAILED = 1, 2, 3, 4
_REFUSED, _UNKNOWN_ROOT, _MALFORMED = 16, 7, 17  # reasons


class Engine:
    """context: ssl.SSLContext of a client."""

    def __init__(self, context):
        self._context = context
        self.reset()

    def reset(self):
        self.state = 0
        self.reason = self.alert = self.error = self.suite = 0
        self.name = b""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = self._context.wrap_bio(self._in, self._out, server_side=False)
        self._read = b""

    def begin(self, unix_s, known, key_log=None):
        self.reset()
        self.state = _HANDSHAKE

    @property
    def waiting(self):
        return self._out.pending

    def feed(self, buf, at, n):
        self._in.write(bytes(buf[at : at + n]))
        return n

    def take(self, buf):
        data = self._out.read(len(buf))
        buf[: len(data)] = data
        return len(data)

    def step(self):
        if self.state == _HANDSHAKE and self._try(self._ssl.do_handshake) is not _NOTHING:
            self.state = _OPEN
            self.name = _common_name(self._ssl.getpeercert())
            self.suite = next(
                c["id"] & 0xFFFF for c in self._context.get_ciphers() if c["name"] == self._ssl.cipher()[0]
            )
        return False

    def certificate(self):
        return self._ssl.getpeercert(True)

    def pending(self):
        if self.state == _OPEN and not self._read:
            data = self._try(self._ssl.read, 4096)
            if data == b"":
                self.state = _ENDED
            elif data is not _NOTHING:
                self._read = data
        return len(self._read)

    def read(self, buf):
        n = min(self.pending(), len(buf))
        buf[:n] = self._read[:n]
        self._read = self._read[n:]
        return n

    def write(self, buf, at, n):
        if self.state != _OPEN:
            return 0
        took = self._try(self._ssl.write, bytes(buf[at : at + n]))
        return 0 if took is _NOTHING else took

    def close(self):
        if self.state == _OPEN:
            self._try(self._ssl.unwrap)
            self.state = _ENDED

    def _try(self, call, *args):
        """call(*args), or _NOTHING: more bytes are needed, or it has failed."""
        try:
            return call(*args)
        except ssl.SSLWantReadError:
            return _NOTHING
        except ssl.SSLZeroReturnError:
            self.state = _ENDED
        except ssl.SSLCertVerificationError:
            self.state, self.reason = _FAILED, _UNKNOWN_ROOT
        except ssl.SSLError as error:
            self.state = _FAILED
            self.error = error.errno or 0
            self.reason = _REFUSED if "ALERT" in (error.reason or "") else _MALFORMED
            self.alert = _ALERTS.get(error.reason, 0)
        return _NOTHING


_NOTHING = object()
_ALERTS = {
    "SSLV3_ALERT_HANDSHAKE_FAILURE": 40, "SSLV3_ALERT_BAD_CERTIFICATE": 42, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": 43,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": 45, "SSLV3_ALERT_CERTIFICATE_UNKNOWN": 46, "TLSV1_ALERT_UNKNOWN_CA": 48,
    "TLSV1_ALERT_ACCESS_DENIED": 49, "TLSV1_ALERT_PROTOCOL_VERSION": 70, "TLSV1_ALERT_INTERNAL_ERROR": 80,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": 116,
}  # fmt: skip


def _common_name(certificate):
    names = [value for rdn in (certificate or {}).get("subject", ()) for key, value in rdn if key == "commonName"]
    return names[0].encode() if names else b""


def vehicle_name(folder):
    """CN of the vehicle certificate in `folder`: the EVCCID ([V2G20-2598]). OSError or ValueError
    if it cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    leaf = x509.load_pem_x509_certificates((Path(folder) / CHAIN).read_bytes())[0]
    return leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def context(folder, profile="strict", key_log=""):
    """SSLContext of a car with the files of `folder`. OSError or ssl.SSLError if they are not there
    or not good."""
    folder = Path(folder)
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False  # a car knows its station by its chain ([V2G20-2598]), not by a host name
    c.minimum_version = ssl.TLSVersion.TLSv1_3
    c.load_cert_chain(folder / CHAIN, folder / KEY)
    c.load_verify_locations(folder / ROOTS)
    if profile == "strict":
        c.set_ecdh_curve("secp521r1")
    if key_log:
        c.keylog_filename = str(key_log)
    return c


def stage(cfg, trace):
    """Stage of a car by cfg (ev/options.py), None without TLS."""
    if not cfg["tls_dir"]:
        return None
    made = context(cfg["tls_dir"], cfg["tls_profile"], cfg["tls_key_log"])
    return TlsStage(Engine(made), lambda: (int(time.time()), True), trace, _LIMIT_MS)
