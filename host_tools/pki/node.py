"""One certificate and what is known of it."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from host_tools.pki import load, profile

_EKU_NAMES = {ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth", ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth"}
_ROOTS = {row.dc: row.title for row in profile.ROWS if not row.issuer}
_BY_EKU = {row.eku: row.title for row in profile.ROWS if row.eku}
_LEAVES = {row.dc: row.title for row in profile.ROWS if not row.ca}


def clean(text):
    """A name from outside for a terminal: nothing that could steer it, and not without end."""
    text = "".join(c if c.isprintable() else "?" for c in str(text))
    return text if len(text) <= 80 else text[:77] + "..."


def _first(name, oid):
    found = name.get_attributes_for_oid(oid)
    return clean(found[0].value) if found else ""


def _name(name):
    return _first(name, NameOID.COMMON_NAME) or clean(name.rfc4514_string()) or "(no name)"


class Node:
    """parent: who signed it, children: what it signed. problems: what is wrong; notes: what is
    worth knowing. Raises whatever the library does if a field cannot be read."""

    def __init__(self, cert):
        self.cert = cert
        self.files = []
        self.parent = None
        self.children = []
        self.problems = []
        self.notes = []
        self.days_left = 0
        self.fingerprint = cert.fingerprint(hashes.SHA256()).hex()
        self.size = len(cert.public_bytes(load.DER))
        self.subject, self.issuer = cert.subject, cert.issuer
        self.name, self.issuer_name = _name(cert.subject), _name(cert.issuer)
        self.dc = _first(cert.subject, NameOID.DOMAIN_COMPONENT)
        self.start, self.end = cert.not_valid_before_utc, cert.not_valid_after_utc
        self._read_extensions()
        self._read_algorithms()
        # A new key of an issuer may be signed with the old one, under the same name.
        self.self_signed = self.subject == self.issuer and (not self.aki or not self.ski or self.aki == self.ski)

    def _read_extensions(self):
        self.extensions = {e.oid.dotted_string: e for e in self.cert.extensions}
        constraints = self._extension(x509.BasicConstraints)
        self.ca = bool(constraints and constraints.ca)
        self.path_len = constraints.path_length if constraints else None
        self.usage = self._extension(x509.KeyUsage)
        eku = self._extension(x509.ExtendedKeyUsage)
        self.eku = None if eku is None else [_EKU_NAMES.get(oid, oid.dotted_string) for oid in eku]
        ski, aki = self._extension(x509.SubjectKeyIdentifier), self._extension(x509.AuthorityKeyIdentifier)
        self.ski = ski.digest if ski else None
        self.aki = aki.key_identifier if aki else None

    def _extension(self, kind):
        found = self.extensions.get(kind.oid.dotted_string)
        return found.value if found else None

    def _read_algorithms(self):
        key = self.cert.public_key()
        self.spki = load.spki(key)
        ecc = isinstance(key, ec.EllipticCurvePublicKey)
        self.curve = key.curve.name if ecc else type(key).__name__.replace("PublicKey", "").strip("_").lower()
        try:
            digest = self.cert.signature_hash_algorithm
        except UnsupportedAlgorithm:
            self.hash = "unknown"
        else:
            self.hash = digest.name if digest else profile.ALSO_STRICT

    def wrong(self, text):
        if text not in self.problems:
            self.problems.append(text)

    def signed_by(self, other):
        try:
            self.cert.verify_directly_issued_by(other.cert)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return True

    def purpose(self):
        """What it is for, in words."""
        if self.ca:
            title = _ROOTS.get(self.dc, "root") if self.self_signed else "sub-CA"
            return title if self.path_len is None else "%s, %d more may follow" % (title, self.path_len)
        for eku in self.eku or ():
            if eku in _BY_EKU:
                return _BY_EKU[eku]
        return _LEAVES.get(self.dc, "leaf")

    def facts(self):
        """For JSON."""
        return {
            "name": self.name,
            "subject": clean(self.subject.rfc4514_string()),
            "issuer": clean(self.issuer.rfc4514_string()),
            "purpose": self.purpose(),
            "signed_by": self.parent.fingerprint if self.parent else None,
            "self_signed": self.self_signed,
            "fingerprint": self.fingerprint,
            "serial": "%x" % self.cert.serial_number,
            "curve": self.curve,
            "hash": self.hash,
            "bytes": self.size,
            "not_before": self.start.isoformat(),
            "not_after": self.end.isoformat(),
            "days_left": self.days_left,
            "ca": self.ca,
            "path_len": self.path_len,
            "eku": self.eku,
            "files": self.files,
            "problems": self.problems,
            "notes": self.notes,
        }
