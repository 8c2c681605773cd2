"""Make the certificates of profile.py and write them where their users look for them."""

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from host_tools.pki import profile

_CURVES = {"secp521r1": ec.SECP521R1, "secp256r1": ec.SECP256R1}
_HASHES = {"sha512": hashes.SHA512, "sha256": hashes.SHA256}
_EKUS = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
DAY = datetime.timedelta(days=1)
MARK = Path("certs", "v2g_root.pem")  # what shows that a directory is one of ours

# Files of the PyPI vehicle iso15118 0.31.2 below PKI_PATH -> our stems. It has one certificate of
# the car for TLS and for contract installation, named OEM: it gets the vehicle certificate, which
# is what a station must see [V2G20-2339].
EVCC_CERTS = {
    "v2gRootCACert": "v2g_root",
    "cpoSubCA1Cert": "cpo_sub1",
    "cpoSubCA2Cert": "cpo_sub2",
    "seccLeafCert": "secc",
    "oemRootCACert": "oem_root",
    "oemSubCA1Cert": "vehicle_sub1",
    "oemSubCA2Cert": "vehicle_sub2",
    "oemLeafCert": "vehicle",
    "moRootCACert": "mo_root",
    "moSubCA1Cert": "mo_sub1",
    "moSubCA2Cert": "mo_sub2",
    "contractLeafCert": "contract",
}
EVCC_CHAINS = {"cpoCertChain": "secc", "oemCertChain": "vehicle"}
EVCC_KEYS = {"seccLeaf": "secc", "oemLeaf": "vehicle", "contractLeaf": "contract"}


def now_utc():
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def new_key(kind):
    return ec.generate_private_key(_CURVES[profile.CURVES[kind]]())


def subject_of(row, names):
    """CN and O are UTF8String, DC is IA5String [V2G20-3038]. No country: a vehicle has none
    [V2G20-2598]."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, profile.ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, row.cn if row.ca else names[row.cn]),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, row.dc),
        ]
    )


def certificate(row, subject, key, issuer, issuer_key, not_before, not_after, extra=()):
    """One signed certificate by a row of profile.py; the hash follows the curve of the signer.
    `issuer`: its name. extra: (extension, critical) beyond the profile, for broken ones."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())  # 159 random bits
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(row.ca, row.path_len), True)
        .add_extension(x509.KeyUsage(*(bit in row.usage for bit in _USAGES)), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    if row.eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([_EKUS[row.eku]]), row.eku_critical)
    if row.issuer:
        url = x509.UniformResourceIdentifier(profile.OCSP_URL + row.stem)
        description = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url)
        builder = builder.add_extension(x509.AuthorityInformationAccess([description]), False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    digest = "sha512" if issuer_key.curve.name == profile.CURVES["strict"] else "sha256"
    return builder.sign(issuer_key, _HASHES[digest]())


def valid_days(row, days):
    """Days of validity: roots longest, a leaf as asked, never beyond its issuer."""
    if not row.issuer:
        return profile.ROOT_DAYS
    if row.ca:
        return profile.SUB_DAYS[1 - row.path_len]
    return min(days, profile.MAX_DAYS)


def make(kind, days, names=None, now=None):
    """{stem: (certificate, key)} of a whole PKI. kind: strict or field. names: replaces some of
    profile.NAMES."""
    names = dict(profile.NAMES, **(names or {}))
    now = now or now_utc()
    out = {}
    for row in profile.ROWS:
        key = new_key(kind)
        subject = subject_of(row, names)
        issuer, issuer_key = out[row.issuer] if row.issuer else (None, key)
        out[row.stem] = (
            certificate(
                row, subject, key, issuer.subject if issuer else subject, issuer_key,
                now - profile.BACKDATED_DAYS * DAY, now + valid_days(row, days) * DAY,
            ),
            key,
        )  # fmt: skip
    return out


def pem(certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def key_pem(key):
    """PKCS #8, as mbedTLS, OpenSSL and Java read it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(path, data, private=False):
    """Replace a file in one step. A private one is never open to others, not even for a moment."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    mode = 0o600 if private else 0o644
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(part, mode)  # whatever the umask took away
    os.replace(part, path)


def folder(path, private=False):
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    if private:
        os.chmod(path, 0o700)
    return path


def write_station(place, chain, key, roots):
    """What goes onto the file system of a station. chain: leaf first, without the root; roots:
    anchors for vehicles."""
    _write_end(place, "secc", chain, key, roots)


def write_car(place, chain, key, roots):
    """The same for a car; roots: anchors for stations."""
    _write_end(place, "vehicle", chain, key, roots)


def _write_end(place, stem, chain, key, roots):
    place = folder(place, private=True)
    write(place / (stem + "_chain.pem"), pem(chain))
    write(place / (stem + ".key"), key_pem(key), private=True)
    write(place / "roots.pem", pem(roots))


def write_all(directory, made):
    """Write a PKI from make(): one file per certificate and key, and the bundles of station, car
    and PyPI vehicle."""
    directory = folder(directory)
    certs, keys = folder(directory / "certs"), folder(directory / "private", private=True)
    for stem, (cert, key) in made.items():
        write(keys / (stem + ".key"), key_pem(key), private=True)
        write(certs / (stem + ".pem"), pem([cert]))

    def chain(stem):
        return [made[s][0] for s in profile.chain_of(stem)[:-1]]

    v2g, oem = made["v2g_root"][0], made["oem_root"][0]
    # A vehicle may hang below an OEM or a V2G root, never below the root of a contract
    # [V2G20-2331].
    write_station(directory / "device", chain("secc"), made["secc"][1], [oem, v2g])
    write_car(directory / "car", chain("vehicle"), made["vehicle"][1], [v2g])
    certs = folder(directory / "iso15118_2" / "certs")
    keys = folder(directory / "iso15118_2" / "private_keys", private=True)
    for name, stem in EVCC_CERTS.items():
        cert = made[stem][0]
        write(certs / (name + ".pem"), pem([cert]))
        write(certs / (name + ".der"), cert.public_bytes(serialization.Encoding.DER))
    for name, stem in EVCC_CHAINS.items():
        write(certs / (name + ".pem"), pem(chain(stem)))
    for name, stem in EVCC_KEYS.items():
        write(keys / (name + ".key"), key_pem(made[stem][1]), private=True)
        write(keys / (name + "Password.txt"), b"", private=True)  # it must be there; empty is "no password"


def read(directory):
    """{stem: (certificate, key)} of a PKI on disk."""
    directory = Path(directory)
    out = {}
    for row in profile.ROWS:
        cert = x509.load_pem_x509_certificate((directory / "certs" / (row.stem + ".pem")).read_bytes())
        key = serialization.load_pem_private_key((directory / "private" / (row.stem + ".key")).read_bytes(), None)
        out[row.stem] = (cert, key)
    return out
