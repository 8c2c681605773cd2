"""The station program behind its simulated modem, in 200 kB (and 16 kB for its models) on 32 bits,
and a car with OpenSSL: one session over TLS 1.3.

Host only; skipped without the images.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from host_tools.lab import LAB
from host_tools.root import ROOT
from tests.lib.mtest import eq, skip
from tests.lib.patience import CAR, LIMIT_S, STATION

RUNTIMES = ("cpython",)  # it starts the images itself
WAITS = True
TIMEOUT_S = 240
SLOW = True

DATA = ROOT / "build" / "test-certs"
EVCCID = "WMIV1234567890ABCDEX"
HEAP_KB = 216  # 200 as on a board, and 16 for the models, as in host_tools/station/process.py
# A file of its own: with -m the 32-bit image has less of the stack of C left than the imports need.
START = """import sys
from firmware import main
main.main(sys.argv[1:])
"""

try:
    from host_tools.ev import cable, options
    from host_tools.recordings import records
    from host_tools.recordings.replay.run import replay
except ImportError as error:
    skip(str(error))


def session(image, heap_kb, port, ev=None, **changes):
    """(what the station has said, the car) of one session. ev: options of the car."""
    binary = ROOT / "build" / image / "micropython"
    if not binary.exists():
        skip("build/%s is not built" % image)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for source, target in (("secc.pem", "secc_chain.pem"), ("secc.key", "secc.key"), ("oem_root.pem", "roots.pem")):
            shutil.copy(DATA / ("strict_" + source), path / target)
        for source, target in (("vehicle.pem", "vehicle_chain.pem"), ("vehicle.key", "vehicle.key")):
            shutil.copy(DATA / ("strict_" + source), path / target)
        (path / "car").mkdir()
        for name in ("vehicle_chain.pem", "vehicle.key"):
            (path / name).rename(path / "car" / name)
        shutil.copy(DATA / "strict_v2g_root.pem", path / "car" / "roots.pem")
        config = {"tls": "strict", "tls_dir": folder, "allow_plain": False, **STATION, **changes}
        (path / "config.json").write_text(json.dumps(config))
        (path / "start.py").write_text(START)
        command = [binary, "-X", "heapsize=%dk" % heap_kb, path / "start.py", "sim:%d" % port, path / "config.json"]
        station = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            cfg = {**options.DEFAULTS, **CAR, "loops": 3, "evcc_id": EVCCID, "tls_dir": str(path / "car"), **(ev or {})}
            car = cable.run(cfg, port, lambda record: None)
            said = station.communicate(b"quit\n", timeout=LIMIT_S)[0].decode()
        finally:
            station.kill()
        return said, car


def test_session_in_200_kb_on_32_bits():
    said, car = session("mcu32", HEAP_KB, 15191)
    assert car.ok, (car.why, said[-1500:])
    eq(car.evcc.loops, 3)
    assert "tls 1.3, suite 0x1302, vehicle " + EVCCID in said, said[-1500:]
    assert "KEY_LOG" not in said and "the EVCCID is not" not in said


def test_pause_in_200_kb_on_32_bits_and_its_replay_r_session_05_10():
    """The certificate is what OpenSSL has shown, on a new connection; the recording gives the same
    answers once more."""
    said, car = session("mcu32", HEAP_KB, 15193, {"loops": 8, "pause_loops": 4, "pause_ms": 2500})
    assert car.ok, (car.why, said[-1500:])
    eq((car.evcc.joined, car.evcc.loops, car.slac.attempts), (True, 8, 1))
    assert "old session joined by vehicle " + EVCCID in said, said[-1500:]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lines:
        lines.write(said)
        lines.flush()
        result = replay(records.read(lines.name)[0], {**LAB, "tls": "strict"}, "unix32")
    eq((result["sessions"], result["differences"]), (2, []))
    assert result["compared"] == result["requests"] > 30, result


def test_key_log_is_loud_and_what_wireshark_reads():
    with tempfile.NamedTemporaryFile() as keys:
        said, car = session("unix", 2000, 15192, tls_key_log=keys.name)
        assert car.ok, car.why
        assert "tls_key_log: who reads that file can read the sessions" in said
        lines = [line.split() for line in keys.read().decode().splitlines()]
        eq(
            [line[0] for line in lines],
            [
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                "CLIENT_TRAFFIC_SECRET_0",
                "SERVER_TRAFFIC_SECRET_0",
            ],
        )
        for line in lines:
            assert line[2] not in said
