"""Broken chains for tests, made from a good PKI of `microv2g pki new`.

    from host_tools.pki import bad
    bad.make("expired", "build/pki", "build/expired")

writes `device/` and `car/` as the good PKI has them, each with its own chain broken in that one way
and with the good roots. So the bad station belongs before the good car, and the bad car before the
good station.
"""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from host_tools.pki import issue, profile

_PRIVATE_OID = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
_HUGE = 16384  # bytes: one TLS record cannot hold it
SUB_CAS = 6


class _Pki:
    """A PKI on disk and how to add to it."""

    def __init__(self, directory):
        self.made = issue.read(directory)
        self.now = issue.now_utc()

    def chain(self, stem):
        """Certificates of a leaf up to its sub-CA 1, without the root."""
        return [self.made[s][0] for s in profile.chain_of(stem)[:-1]]

    def leaf(self, stem, row=None, issuer=None, start=-1, end=30, extra=(), organisation=None):
        """A new leaf in place of `stem`; start, end: days from now. -> (certificate, key)"""
        issuer, issuer_key = issuer or self.made[profile.BY_STEM[stem].issuer]
        key = issue.new_key(self.kind())
        subject = self.made[stem][0].subject
        if organisation:
            first, *rest = subject
            subject = x509.Name([x509.NameAttribute(first.oid, organisation), *rest])
        cert = issue.certificate(
            row or profile.BY_STEM[stem], subject, key, issuer.subject, issuer_key,
            self.now + start * issue.DAY, self.now + end * issue.DAY, extra,
        )  # fmt: skip
        return cert, key

    def sub(self, name, issuer):
        """A sub-CA without a limit of its own below `issuer` (certificate, key)."""
        row = profile.BY_STEM["cpo_sub1"]._replace(path_len=None)
        key = issue.new_key(self.kind())
        subject = issue.subject_of(row._replace(cn=name), profile.NAMES)
        cert = issue.certificate(
            row, subject, key, issuer[0].subject, issuer[1], self.now - issue.DAY, self.now + 60 * issue.DAY
        )
        return cert, key

    def kind(self):
        curve = self.made["v2g_root"][1].curve.name
        return next(kind for kind in profile.PROFILES if profile.CURVES[kind] == curve)


def _expired(pki, stem):
    cert, key = pki.leaf(stem, start=-30, end=-1)
    return [cert, *pki.chain(stem)[1:]], key


def _not_yet_valid(pki, stem):
    cert, key = pki.leaf(stem, start=10, end=30)
    return [cert, *pki.chain(stem)[1:]], key


def _foreign_root(pki, stem):
    """All names are right, the keys are those of somebody else."""
    leaf = profile.BY_STEM[stem]
    names = {leaf.cn: pki.made[stem][0].subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value}
    other = issue.make(pki.kind(), profile.DAYS, names)
    return [other[s][0] for s in profile.chain_of(stem)[:-1]], other[stem][1]


def _broken_signature(pki, stem):
    chain = pki.chain(stem)
    der = bytearray(chain[0].public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1  # the last byte of s: still well-formed
    return [x509.load_der_x509_certificate(bytes(der)), *chain[1:]], pki.made[stem][1]


def _leaf_as_ca(pki, stem):
    cert, key = pki.leaf(stem, issuer=pki.made[stem], organisation="signed by a leaf")
    return [cert, *pki.chain(stem)], key


def _too_long(pki, stem):
    """Six sub-CAs, where sub-CA 1 lets one more follow and the standard has two [V2G20-911]."""
    sub1 = profile.chain_of(stem)[-2]
    subs = [pki.made[sub1]]
    while len(subs) < SUB_CAS:
        subs.append(pki.sub("Sub-CA %d" % (len(subs) + 1), subs[-1]))
    cert, key = pki.leaf(stem, issuer=subs[-1])
    return [cert, *(sub for sub, _ in reversed(subs))], key


def _wrong_purpose(pki, stem):
    row = profile.BY_STEM[stem]
    cert, key = pki.leaf(stem, row._replace(eku="clientAuth" if row.eku == "serverAuth" else "serverAuth"))
    return [cert, *pki.chain(stem)[1:]], key


def _huge(pki, stem):
    """16 kB by an extension that nobody knows; critical, so that one who could hold it must refuse
    it as well."""
    cert, key = pki.leaf(stem, extra=[(x509.UnrecognizedExtension(_PRIVATE_OID, bytes(_HUGE)), True)])
    return [cert, *pki.chain(stem)[1:]], key


_MAKERS = {
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "foreign_root": _foreign_root,
    "broken_signature": _broken_signature,
    "leaf_as_ca": _leaf_as_ca,
    "too_long": _too_long,
    "wrong_purpose": _wrong_purpose,
    "huge": _huge,
}
KINDS = tuple(_MAKERS)


def make(kind, pki_dir, out_dir):
    """Write out_dir/device and out_dir/car with chains that are bad in the way `kind`, one of
    KINDS. -> Path of out_dir"""
    pki, out = _Pki(pki_dir), Path(out_dir)
    v2g, oem = pki.made["v2g_root"][0], pki.made["oem_root"][0]
    issue.write_station(out / "device", *_MAKERS[kind](pki, "secc"), [oem, v2g])
    issue.write_car(out / "car", *_MAKERS[kind](pki, "vehicle"), [v2g])
    return out
