"""Every refusal that the station can send, read by an independent codec (R-ERRORS-02).

For each response type, in each of the four services and both control modes, the neutral answer is
encoded with a FAILED code and decoded by the package's EXICodec.jar: it must give the same JSON as
our own decoder, all mandatory fields included.
"""

import json
import subprocess

from tests.interop import evcc

_NAMESPACES = {
    0x8001: "urn:iso:15118:2:2010:AppProtocol",
    0x8002: "urn:iso:std:iso:15118:-20:CommonMessages",
    0x8003: "urn:iso:std:iso:15118:-20:AC",
    0x8004: "urn:iso:std:iso:15118:-20:DC",
}
_CODES = (21, 34, 38)  # FAILED, FAILED_SequenceError, FAILED_UnknownSession
_LIMIT_S = 120


def refusals():
    """(namespace, hex, JSON object) of every refusal."""
    from codec import exi, exi_json
    from firmware.app import config
    from firmware.session import codes, facts, sap
    from firmware.session.iso20 import messages

    seen = set()
    out = bytearray(4096)
    for family in (codes.AC, codes.DC):
        for bpt in (False, True):
            for dynamic in (False, True):
                f = facts.Facts(config.defaults())
                f.session.id = b"\x11\x22\x33\x44\x55\x66\x77\x88"
                f.unix_s = 1800000000
                f.session.current, f.session.bpt, f.session.dynamic = family, bpt, dynamic
                for request in [row[0][0] for row in messages.MESSAGES] + [sap.REQUEST]:
                    msg = request + 1
                    for code in _CODES:
                        answer = sap.refused() if msg == sap.ANSWER else messages.blank(f, request, code)
                        n = exi.encode(msg, answer, out, 0)
                        data = bytes(out[:n])
                        kind = exi.payload_type(msg)
                        if (kind, data) not in seen:
                            seen.add((kind, data))
                            value = exi.decode(exi.schema_of(kind), data, 0, n)[1]
                            yield _NAMESPACES[kind], data.hex(), exi_json.to_json_obj(msg, value)


def check():
    """AssertionError names the first refusal that the jar reads otherwise; returns a short text."""
    rows = list(refusals())
    done = subprocess.run(
        [str(evcc.PYTHON), str(evcc.ROOT / "tests" / "interop" / "jar.py")],
        input="".join("%s %s\n" % row[:2] for row in rows), capture_output=True, text=True, timeout=_LIMIT_S,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == len(rows), "the jar answered %d of %d: %s" % (len(lines), len(rows), done.stderr[-300:])
    for (_, text, want), line in zip(rows, lines):
        assert not line.startswith("error: "), "%s: %s (%s)" % (next(iter(want)), line, text)
        got = json.loads(line)
        if "supportedAppProtocolRes" in got:
            got["supportedAppProtocolRes"].pop("SchemaID", None)  # the jar shows an absent SchemaID as 0
        assert got == want, "%s is read otherwise: %s -> %s" % (next(iter(want)), text, line[:400])
    return "%d refusals read alike by the package's codec" % len(rows)
