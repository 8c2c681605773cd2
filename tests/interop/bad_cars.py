"""`openssl s_client` with certificates of `host_tools/pki/bad.py` against the whole station in the strict profile: each is
refused with its alert and with its reason in the trace, and the next car is served (R-TLS-14).
"""

import subprocess

from host_tools.lab import LAB
from host_tools.pki import bad
from tests.interop import netns, rig, tls

_PORT = 50443
_ANSWER_S = 60
_GROUPS = ("-groups", "P-521")
# (kind of bad.py or None for the good certificate or "" for none, options, alert, words of the
# trace). Alerts 46 and 49 are what mbedTLS takes for its verdicts "future" and "fatal"; RFC 8446
# has certificate_expired (45) for the former.
_CARS = (
    ("expired", _GROUPS, 45, "expired"),
    ("not_yet_valid", _GROUPS, 45, "not valid yet"),
    ("foreign_root", _GROUPS, 48, "known root"),
    ("broken_signature", _GROUPS, 48, "known root"),
    ("leaf_as_ca", _GROUPS, 48, "known root"),
    ("too_long", _GROUPS, 49, "too long"),
    ("wrong_purpose", _GROUPS, 43, "wrong purpose"),
    ("huge", _GROUPS, 22, "too large"),
    ("", _GROUPS, 116, "no vehicle certificate"),
    (None, ("-groups", "P-256"), 40, "no common group"),
)


class Client:
    """One s_client in the vehicle's namespace; car: folder with chain, key and roots, or None for
    no certificate."""

    def __init__(self, r, address, car, roots, options):
        scoped = "[%s%%%s]:%d" % (address, r.plant.evcc[1], _PORT)
        command = ["openssl", "s_client", "-connect", scoped, "-tls1_3", "-CAfile", str(roots), *options]
        if car:
            chain = car / "vehicle_chain.pem"
            subs = car / "subs.pem"
            subs.write_text(chain.read_text().partition("-----END CERTIFICATE-----\n")[2])
            command += ["-cert", str(chain), "-cert_chain", str(subs), "-key", str(car / "vehicle.key")]
        r.plug.begin()
        self._plug = r.plug
        self._process = subprocess.Popen(
            [*netns.prefix(r.plant.evcc[0]), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip

    def outcome(self):
        """(what the trace says of the handshake, all that s_client says). It waits for the former,
        then it leaves."""
        try:
            note = self._plug.note("tls ", _ANSWER_S)
            return note, self._process.communicate(timeout=_ANSWER_S)[0]
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()


def refused(number, folder, stop):
    """Each of _CARS, one after the other at one station, then a good one; a text."""
    pki = tls.Pki("strict", folder, number)
    good = pki.path / "car"
    cars = {kind: bad.make(kind, pki.path, folder / kind) / "car" for kind in bad.KINDS}
    cars.update({None: good, "": None})
    assert {kind for kind, _, _, _ in _CARS} == set(cars), "a kind of bad certificate is not tried"
    config = dict({**LAB, "services": ["DC_BPT"], "tcp_port": _PORT, "link_setup_ms": 60000}, **pki.station)
    with rig.Rig(number, "packet", config, folder) as r:
        r.plug_in()
        address = r.plug.note("address ", _ANSWER_S).split(" ")[1]
        for kind, options, alert, words in _CARS:
            if stop.is_set():
                raise AssertionError("stopped")
            # -ign_eof: it stays until the station has closed, so that it reads the alert.
            note, text = Client(r, address, cars[kind], good / "roots.pem", (*options, "-ign_eof")).outcome()
            what = "%s %s" % (kind, " ".join(options))
            assert note.startswith("tls refused: ") and words in note, "%s: the trace says: %s" % (what, note)
            assert "SSL alert number %d\n" % alert in text, "%s: openssl says: %s" % (what, text[-400:])
        note, text = Client(r, address, good, good / "roots.pem", _GROUPS).outcome()
        assert note.startswith("tls 1.3, ") and note.endswith(pki.vehicle), "the good car: " + note
        assert "Verify return code: 0 (ok)" in text, "openssl trusts the station not: " + text[-400:]
        assert not r.plug.errors, r.plug.errors[0]
    return "%d refused with alert and reason, then one served" % len(_CARS)
