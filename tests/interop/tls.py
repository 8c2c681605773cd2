"""Sessions over TLS 1.3: certificates out of `microv2g pki new`, and what the station's trace says
of the handshake."""

import re
import subprocess
import sys

from host_tools.pki import profile as names
from host_tools.root import ROOT

# What the vehicle's only group must be: by itself it offers P-256 alone.
GROUPS = {"strict": "secp521r1", "field": None}
_OPENED = re.compile(r"tls 1\.3, suite (0x130[23]), vehicle (.*)$")


class Pki:
    """A new PKI below `folder`. profile: strict or field. number: makes the vehicle's name one of
    its own.

    station: configuration keys; path: PKI_PATH of the PyPI vehicle; group: what to offer instead of
    its P-256, or None; vehicle: CN of its certificate.
    """

    def __init__(self, profile, folder, number):
        self.path = (folder / "pki").resolve()
        self.group = GROUPS[profile]
        self.vehicle = names.evccid("%015d" % number)
        command = ["pki", "new", str(self.path), "--profile", profile, "--evccid", self.vehicle]
        done = subprocess.run([sys.executable, "-m", "host_tools", *command], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, "microv2g pki: " + (done.stderr or done.stdout).strip()[-300:]
        self.station = {"tls": profile, "tls_dir": str(self.path / "device"), "allow_plain": False}


def check_handshake(vehicle, records):
    """AssertionError unless the trace shows one TLS 1.3 handshake with this vehicle, and it before
    any message; the suite as text."""
    notes = [record["note"] for record in records if record.get("note", "").startswith("tls ")]
    assert len(notes) == 1, "handshakes in the trace: %s" % (notes or "none")
    found = _OPENED.match(notes[0])
    assert found, "the trace says: " + notes[0]
    assert found.group(2) == vehicle, "the trace names %s, the certificate %s" % (found.group(2), vehicle)
    first = next(record for record in records if "dir" in record or record.get("note") == notes[0])
    assert "note" in first, "a message came before the handshake"
    return found.group(1)
