"""Files that people give to a command, as they come from editors, other programs and stopped
machines (tests/golden/cases/README.md says from which reports)."""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pcapng import FileWriter, blocks

from host_tools import userfile
from host_tools.root import ROOT
from tests.lib.mtest import eq, raises

RUNTIMES = ("cpython",)  # starts processes
CASES = ROOT / "tests" / "golden" / "cases"
BOM = b"\xef\xbb\xbf"
UTF_16 = '{"setpoint_w": 5000}'.encode("utf-16")


def microv2g(*arguments, given=None):
    command = [sys.executable, "-m", "host_tools", *map(str, arguments)]
    done = subprocess.run(command, input=given, cwd=ROOT, capture_output=True)
    said = done.stdout.decode() + done.stderr.decode()
    assert "Traceback" not in said, said
    return done.returncode, said


def test_a_byte_order_mark_is_no_fault():
    path = CASES / "config_bom.json"
    eq(path.read_bytes()[:3], BOM)
    status, said = microv2g("config", "validate", path)
    assert status == 0 and "is valid, 1 keys differ" in said, said
    status, said = microv2g("secc", "--config", path, "--print-config")
    assert status == 0 and "setpoint_w                 5000" in said, said
    with tempfile.TemporaryDirectory() as folder:
        car = Path(folder) / "car.json"
        car.write_bytes(BOM + b'{"soc": 33}')
        status, said = microv2g("ev", "--config", car, "--print-config")
        assert status == 0 and '"soc": 33' in said, said
        trace = Path(folder) / "t.jsonl"
        trace.write_bytes(BOM + b'{"t_ms": 1, "note": "x"}\n')
        eq(microv2g("trace", "decode", trace)[0], 0)


def test_the_board_takes_a_byte_order_mark_too():
    """/config.json, where the file system of a board is written by an editor."""
    binary = ROOT / "build" / "mcu32" / "micropython"
    if not binary.exists():
        return
    script = "import sys; sys.path[:] = ['.frozen']\nfrom firmware.run.config_file import ConfigFile\n"
    script += "try: print(ConfigFile(%r).check()['setpoint_w'])\nexcept Exception as e: print(type(e).__name__, e)"
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "config.json"
        other.write_bytes(UTF_16)
        for path, want in ((CASES / "config_bom.json", "5000"), (other, "ConfigError %s: not text in UTF-8" % other)):
            done = subprocess.run([binary, "-c", script % str(path)], capture_output=True, text=True)
            eq(done.stdout.strip(), want)


def test_what_is_no_text_is_named():
    raises(userfile.TextError, userfile.decoded, b"\x00\x01")
    with tempfile.TemporaryDirectory() as folder:
        wide = Path(folder) / "wide"
        wide.write_bytes(UTF_16)
        other = Path(folder) / "latin"
        other.write_bytes(b'{"evse_id": "DE\xe4"}')
        rows = ((CASES / "trace_is_a_pcap.pcap", "it is a packet capture (pcap)"), (wide, "it is text in UTF-16"))
        for path, words in rows:
            for command in (
                ("config", "validate"), ("secc", "--config"), ("ev", "--config"), ("report",), ("replay",), ("trace", "decode"),
            ):  # fmt: skip
                status, said = microv2g(*command, path)
                assert status in (1, 2) and words in said and path.name in said, (command, said)
        for command in (("config", "validate"), ("secc", "--config"), ("ev", "--config")):
            status, said = microv2g(*command, other)
            assert status in (1, 2) and "it is not text in UTF-8 (byte 15)" in said, (command, said)
        page = Path(folder) / "page.html"
        page.write_text("<html>\n<p>at 12 o'clock\n</html>\n")
        assert "neither pcapng, nor lines of a station, nor JSON lines" in microv2g("report", page)[1]


def test_a_recording_that_is_cut_off_gives_what_is_whole():
    cut = CASES / "trace_last_line_cut.jsonl"
    assert not cut.read_bytes().endswith(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.html"
        status, said = microv2g("report", cut, "-o", out)
        assert status == 0 and "the recording is cut off: line 12 has no end" in said, said
        page = out.read_text()
        assert "Unplugged -&gt; Matching" in page and "the recording is cut off" in page, page
        status, said = microv2g("trace", "decode", cut)
        assert status == 0 and said.splitlines()[-1].endswith("the recording is cut off: line 12 has no end"), said
        # In the middle, or with its end, it is damage and no cut.
        broken = Path(folder) / "broken.jsonl"
        broken.write_bytes(cut.read_bytes() + b"\n")
        assert "broken.jsonl:12: not a record" in microv2g("report", broken)[1]


def test_a_capture_that_is_cut_off_gives_what_is_whole():
    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder) / "cut.pcapng", io.BytesIO()
        head = blocks.SectionHeader(endianness=(sys.byteorder == "little" and "<") or ">", options={})
        head.new_member(blocks.InterfaceDescription, link_type=1, options={})
        writer = FileWriter(whole, head)
        for text in ("raw N 5 modem ready", "raw N 9 the second"):
            packet = head.new_member(blocks.EnhancedPacket, options={"opt_comment": [_raw(text)]})
            packet.packet_data = bytes(60)
            writer.write_block(packet)
        path.write_bytes(whole.getvalue()[:-30])
        status, said = microv2g("trace", "decode", path)
        assert status == 0 and "modem ready" in said and "the recording is cut off" in said, said
        assert "the second" not in said


def _raw(text):
    from host_tools.recordings.pcap import _RAW

    return _RAW + text.removeprefix("raw ")


def test_messages_are_taken_as_programs_copy_them():
    wanted = json.loads(microv2g("exi", "decode", given=(CASES / "exi_paste_colons.txt").read_bytes())[1])
    eq(wanted["SessionSetupReq"]["EVCCID"], "WMIV1234567890ABCDEX")
    text = (CASES / "exi_paste_colons.txt").read_text().split()[1]
    forms = [(CASES / "exi_paste_with_v2gtp_header.txt").read_text()]
    forms += ["0x8002 " + text.replace(":", mark) for mark in ("-", " ", "", ", ", "\t")]
    forms += ["0x8002 " + "".join("\\x" + pair for pair in text.split(":")), "0x8002 0x" + text.replace(":", ", 0x")]
    for form in forms:
        status, said = microv2g("exi", "decode", given=form.encode())
        eq((status, json.loads(said)), (0, wanted))
    head = "01fe800200000027"
    body = text.replace(":", "")
    for line, words in (
        ("0x8004 " + head + body, "its V2GTP header says 0x8002, the line 0x8004"),
        ("0x8002 " + head + body[:-2], "its V2GTP header announces 39 bytes, 38 follow"),
        ("0x8002 80:8", "not hexadecimal"),
    ):
        status, said = microv2g("exi", "decode", given=line.encode())
        assert status == 1 and words in said, said
