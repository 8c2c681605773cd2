"""Read files that may hold certificates and keys, or anything else: PEM bundles, DER, whole
directories."""

import os
import re
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

DER = serialization.Encoding.DER
MAX_BYTES = 1 << 20  # of a file
MAX_FILES = 1000
MAX_CERTIFICATES = 500  # of all files
# What is looked at in a directory; a file named by itself is read whatever its name.
SUFFIXES = (".pem", ".crt", ".cer", ".der", ".key")
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)


class File:
    """What one file holds. keys: public halves, as bytes; the private ones are not kept."""

    def __init__(self, path):
        self.path = path
        self.certs = []
        self.keys = []
        self.encrypted = False  # it has a key that nobody can read without its password
        self.problems = []
        self.notes = []


def spki(public_key):
    return public_key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _certificate(file, data, parse, what):
    try:
        file.certs.append(parse(data))
    except Exception:  # whatever the parser makes of hostile bytes
        file.problems.append("%s is not readable" % what)


def _key(file, data, parse):
    try:
        key = parse(data, None)
        file.keys.append(spki(key.public_key()))
    except TypeError:
        file.encrypted = True
        file.problems.append("key is encrypted: a station cannot read it; openssl pkey -in THIS -out NEW")
    except Exception:  # as above
        file.problems.append("key is not readable")


def _pem(file, data):
    blocks = list(_BLOCK.finditer(data))
    for block in blocks:
        label = block[1]
        if len(file.certs) == MAX_CERTIFICATES:
            file.problems.append("more than %d certificates: the rest was not read" % MAX_CERTIFICATES)
            break
        if label == b"CERTIFICATE":
            what = "certificate %d" % (len(file.certs) + 1)
            _certificate(file, block[0], x509.load_pem_x509_certificate, what)
        elif label.endswith(b"PRIVATE KEY"):
            _key(file, block[0], serialization.load_pem_private_key)
    if data.count(b"-----BEGIN ") > len(blocks):
        file.problems.append("a PEM block has no end")
    if not (file.certs or file.keys or file.problems or file.notes):
        file.problems.append("holds neither certificate nor key")


def _der(file, data):
    if data[:1] == b"\x30":
        for parse, keep in ((serialization.load_der_private_key, _key), (x509.load_der_x509_certificate, _certificate)):
            trial = File(file.path)
            keep(trial, data, parse, *(("certificate",) if keep is _certificate else ()))
            if not trial.problems or trial.encrypted:
                file.certs, file.keys, file.problems = trial.certs, trial.keys, trial.problems
                file.encrypted = trial.encrypted
                return
    file.problems.append("is neither PEM nor DER of a certificate or a key")


def read_file(path):
    file = File(str(path))
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            file.problems.append("is not a file")
            return file
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        file.problems.append(error.strerror.lower())
        return file
    if len(data) > MAX_BYTES:
        file.problems.append("is larger than %d bytes" % MAX_BYTES)
    elif b"-----BEGIN " in data:
        _pem(file, data)
    else:
        _der(file, data)
    if (file.keys or file.encrypted) and os.name == "posix" and status.st_mode & 0o077:
        file.problems.append("mode %04o: others can get at the key" % (status.st_mode & 0o7777))
    return file


def _paths(arguments):
    for argument in map(Path, arguments):
        if not argument.is_dir():
            yield argument
            continue
        for folder, folders, names in os.walk(argument):
            folders.sort()
            for name in sorted(names):
                if name.lower().endswith(SUFFIXES):
                    yield Path(folder, name)


def read(arguments):
    """Files of the paths given, directories with all below them. -> list of File"""
    files, count = [], 0
    for path in _paths(arguments):
        if len(files) == MAX_FILES or count > MAX_CERTIFICATES:
            files[-1].problems.append("the files after this one were not read: too many")
            break
        files.append(read_file(path))
        count += len(files[-1].certs)
    return files
