"""What is asked of each certificate, as data.

The text of ISO 15118-20 Annex B was not at hand. What stands here is what implementers report of
it, with the requirement they name: keys and hashes [V2G20-2674] [V2G20-1001], names of the vehicle
[V2G20-2598] [V2G20-3073], sub-CAs and revocation pointers [V2G20-911] [V2G20-2590], no extension
beside those of the profile [V2G20-2686].
"""

from collections import namedtuple

PROFILES = ("strict", "field")
CURVES = {"strict": "secp521r1", "field": "secp256r1"}  # field: what test cars of today bring, P-256 as in ISO 15118-2
HASHES = {"strict": "sha512", "field": "sha256"}
# Ed448 is the second algorithm of the standard [V2G20-2319]: accepted by `show`, not made, as
# mbedTLS has none.
ALSO_STRICT = "ed448"

# stem: of file names; issuer: stem of the issuer, None = self-signed; path_len: CAs that may
# follow, None = no limit; usage: KeyUsage bits; eku: ExtendedKeyUsage; eku_critical: AMD1 Table
# B.14 wants it for the vehicle.
Row = namedtuple("Row", "stem issuer cn dc path_len ca usage eku eku_critical title")

_CA = ("key_cert_sign", "crl_sign")
_VEHICLE_CA = ("key_cert_sign",)  # the vehicle profile has no cRLSign
_SIGN = ("digital_signature",)
_SIGN_AGREE = ("digital_signature", "key_agreement")


def _root(stem, cn, dc, title):
    return Row(stem, None, cn, dc, None, True, _CA, None, False, title)


def _sub(stem, issuer, cn, dc, path_len, title, usage=_CA):
    return Row(stem, issuer, cn, dc, path_len, True, usage, None, False, title)


def _leaf(stem, issuer, cn, dc, usage, title, eku=None, eku_critical=False):
    return Row(stem, issuer, cn, dc, None, False, usage, eku, eku_critical, title)


# An issuer stands before what it issues. The cn of a leaf is the name of an option of `microv2g pki
# new`.
ROWS = (
    _root("v2g_root", "V2G Root CA", "V2G", "V2G root: trusted by cars"),
    _sub("cpo_sub1", "v2g_root", "CPO Sub-CA 1", "V2G", 1, "operator's sub-CA 1"),
    _sub("cpo_sub2", "cpo_sub1", "CPO Sub-CA 2", "V2G", 0, "operator's sub-CA 2"),
    _leaf("secc", "cpo_sub2", "seccid", "CPO", _SIGN_AGREE, "station: TLS server", "serverAuth"),
    _root("oem_root", "OEM Root CA", "OEM", "OEM root: trusted by stations"),
    _sub("vehicle_sub1", "oem_root", "Vehicle Sub-CA 1", "EV", 1, "manufacturer's sub-CA 1 for vehicles", _VEHICLE_CA),
    _sub("vehicle_sub2", "vehicle_sub1", "Vehicle Sub-CA 2", "EV", 0, "manufacturer's sub-CA 2 for vehicles", _VEHICLE_CA),
    _leaf("vehicle", "vehicle_sub2", "evccid", "EV", _SIGN, "vehicle: TLS client", "clientAuth", True),
    _sub("oem_sub1", "oem_root", "OEM Sub-CA 1", "OEM", 1, "manufacturer's sub-CA 1"),
    _sub("oem_sub2", "oem_sub1", "OEM Sub-CA 2", "OEM", 0, "manufacturer's sub-CA 2"),
    _leaf("oem_prov", "oem_sub2", "pcid", "OEM", _SIGN_AGREE, "OEM provisioning: installs contracts"),
    _root("mo_root", "MO Root CA", "MO", "MO root: contracts only, no anchor for TLS"),
    _sub("mo_sub1", "mo_root", "MO Sub-CA 1", "MO", 1, "mobility operator's sub-CA 1"),
    _sub("mo_sub2", "mo_sub1", "MO Sub-CA 2", "MO", 0, "mobility operator's sub-CA 2"),
    _leaf("contract", "mo_sub2", "emaid", "MO", ("digital_signature", "content_commitment", "key_agreement"), "contract: Plug & Charge"),
)  # fmt: skip
BY_STEM = {row.stem: row for row in ROWS}

ORGANISATION = "microv2g test"
# Nobody answers there (RFC 2606), and nobody else is asked by mistake. A revocation pointer is
# mandatory [V2G20-2590].
OCSP_URL = "http://ocsp.microv2g.invalid/"

DAYS = 60  # of a leaf, if nothing is said
MAX_DAYS = 1460
ROOT_DAYS = 3650
SUB_DAYS = (1825, 1642)  # sub-CA 1, sub-CA 2: each outlives what it may issue
BACKDATED_DAYS = 1  # a station that was off may be behind with its clock

MAX_SUB_CAS = 2  # [V2G20-911]: sub-CA 2, and sub-CA 1 above it
MAX_BYTES = 1600  # of one certificate: certificateType of the schema

# Extensions of the profile; a critical one outside of these ends every validation [V2G20-2686].
EXTENSIONS = {
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.15": "keyUsage",
    "2.5.29.19": "basicConstraints",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies",
    "2.5.29.35": "authorityKeyIdentifier",
    "2.5.29.37": "extKeyUsage",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "1.3.6.1.5.5.7.1.11": "subjectInfoAccess",
}
# Extended key usage that a leaf with this domain component must have.
EKU_OF_DC = {"CPO": "serverAuth", "EV": "clientAuth"}


def chain_of(stem):
    """Stems from a leaf to its root: ("secc", "cpo_sub2", "cpo_sub1", "v2g_root")."""
    out = [stem]
    while BY_STEM[out[-1]].issuer:
        out.append(BY_STEM[out[-1]].issuer)
    return tuple(out)


def evccid(unique, wmi="MV2"):
    """An EVCCID: manufacturer, V, at least 15 characters, check digit [V2G20-2095]."""
    return wmi + "V" + unique + check_digit(wmi, unique)


def check_digit(wmi, unique):
    """Letters count 10 to 35, leading zeros of an element not at all; digits weighted with powers
    of two, modulo 11."""
    significant = "".join(part.lstrip("0") for part in (wmi.upper(), "V", unique.upper()))
    digits = "".join(str(int(c, 36)) for c in significant)
    rest = sum(int(d) * 2 ** (i % 28) for i, d in enumerate(digits)) % 11
    return "X" if rest == 10 else str(rest)


def evccid_fault(name):
    """Why a name is no EVCCID, "" if it is one. [V2G20-3087] as one implementer checks it."""
    plain = name.upper().replace("-", "")
    if not 20 <= len(plain) <= 64:
        return "has %d characters, not 20 to 64" % len(plain)
    if any(c not in "0123456789ABCDEFGHJKLMNPRSTUVWXYZ" for c in plain):
        return "has characters other than 0-9 and A-Z without I, O, Q"
    if plain[3] != "V":
        return "has no V behind the three characters of the manufacturer"
    if plain[-1] != check_digit(plain[:3], plain[4:-1]):
        return "has a wrong check digit"
    return ""


NAMES = {
    "seccid": "DE*MV2*E000001",
    "evccid": evccid("000000000000001"),
    "pcid": "MV2PCID0000000001",
    "emaid": "DEMV2C000000010",
}
