"""host_tools/recordings/replay, records and pcap: what is compared, what is left out, that a
changed answer is found, files and checksums."""

import copy
import os
import struct
import tempfile

from host_tools.recordings import pcap, records
from host_tools.recordings.lines import from_lines, to_line
from host_tools.recordings.replay import compare, plan
from host_tools.recordings.replay.run import replay
from host_tools.station.process import SeccProcess
from tests.lib.mtest import raises
from tests.lib.patience import LIMIT_S, STATION
from tests.unit.run.test_run_session import SDP_PORT, Car

RUNTIMES = ("cpython",)  # starts processes
_MADE = []


def recording():
    """Records and configuration of one AC_BPT session, made once."""
    if not _MADE:
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "t.jsonl")
            config = {"sdp_port": SDP_PORT, "setpoint_w": 5000, **STATION}
            with SeccProcess("lo", config, "unix", trace) as secc:
                secc.wait_ready(LIMIT_S)
                car = Car(SDP_PORT)
                mode = car.to_loop()
                for _ in range(5):
                    car.loop(mode)
                car.leave()
            _MADE.append(records.read(trace))
    found, config = _MADE[0]
    return copy.deepcopy(found), dict(config)


def index(found, name):
    return next(i for i, r in enumerate(found) if r.get("name") == name)


def test_the_same_answers_on_every_runtime():
    found, config = recording()
    for runtime in ("unix", "unix32", "cpython"):
        result = replay(found, config, runtime)
        assert result["differences"] == [] and result["compared"] == result["requests"] > 15, (runtime, result)


def test_a_changed_answer_is_found_with_its_place():
    found, config = recording()
    at = index(found, "AC_ChargeLoopRes")
    found[at]["json"]["AC_ChargeLoopRes"]["ResponseCode"] = "FAILED"
    (one,) = replay(found, config)["differences"]
    assert one["path"] == "AC_ChargeLoopRes.ResponseCode" and one["recorded"] == "FAILED" and one["replayed"] == "OK"
    assert one["request"] == "AC_ChargeLoopReq" and one["t_ms"] <= found[at]["t_ms"]


def test_an_answer_that_is_missing_is_found():
    found, config = recording()
    del found[index(found, "ServiceDetailRes")]
    (one,) = replay(found, config)["differences"]
    assert one["recorded"] is None and one["replayed"] == "ServiceDetailRes"


def test_a_request_that_the_firmware_refuses_now_is_found():
    found, config = recording()
    result = replay(found, {**config, "services": ["DC"]})
    paths = [d["path"] for d in result["differences"]]
    assert "supportedAppProtocolRes.ResponseCode" in paths, paths


def test_other_configuration_shows():
    found, config = recording()
    result = replay(found, {**config, "setpoint_w": 5000, "ac_max_charge_w": 4000})
    assert [d for d in result["differences"] if "EVSETargetActivePower" in d["path"]], result


def test_a_recording_that_begins_in_the_middle_is_said_and_left_out():
    found, config = recording()
    cut = found[index(found, "ServiceDiscoveryReq") :]
    raises(plan.PlanError, plan.sessions, cut)
    sessions, warnings = plan.sessions(cut + found)
    assert len(sessions) == 1 and "begins inside" in warnings[0]
    assert replay(cut + found, config)["differences"] == []


def test_lost_records_end_what_is_compared():
    found, _ = recording()
    at = index(found, "AC_ChargeLoopReq")
    found.insert(at, {"t_ms": found[at]["t_ms"], "error": "5 records lost: the output was not read in time"})
    sessions, warnings = plan.sessions(found)
    assert "5 records lost" in warnings[0] and "AC_ChargeLoopReq" not in [r["name"] for r in sessions[0].requests]


def test_compare_shows_paths_of_values_lists_and_what_is_missing():
    old = {"A": {"x": 1, "l": [1, 2], "SessionID": "a", "gone": 1}}
    new = {"A": {"x": 2, "l": [1, 3, 4], "SessionID": "b", "new": 5}}
    found = sorted(compare.differences(old, new))
    expected = [("A.gone", 1, None), ("A.l[1]", 2, 3), ("A.l[2]", None, 4), ("A.new", None, 5), ("A.x", 1, 2)]
    assert found == expected, found
    assert list(compare.differences(old, old)) == []


def test_every_kind_of_record_is_its_line_again():
    lines = [
        "M 1 rx 8001 0 8000f3ab9371d34b9b79d39ba321d34b9b79d189a98989c1d1699181d22218010000040040",
        "M 2 tx 8001 0 80400040", "P 3 -5000 -4999 365100 -13698 1 1 26", "S 4 a=1 b=2", "N 5 text with  blanks", "E 6 oh",
        "L 7 C 50 5996 -12000", "L 8 A 1000 12000 None", "A 9 02770e0a27100a1122", "T 10 1 3 data link up",
    ]  # fmt: skip
    assert [to_line(r) for r in from_lines(lines)] == lines


def test_pcapng_gives_the_records_back_and_its_packets_are_right():
    found, config = recording()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pcapng")
        n = pcap.write(path, found, 1700000000, config)
        again, kept = records.read(path)
    assert again == found and kept == config
    packets = list(pcap.packets(found))
    assert len(packets) == n
    following = {}
    for _, frame, _ in packets:
        length, protocol = struct.unpack(">HB", frame[18:21])
        segment = frame[54:]
        assert len(segment) == length and protocol in (6, 17)
        assert pcap.checksum(frame[22:54] + struct.pack(">IHBB", length, 0, 0, protocol) + segment) == 0
        if protocol == 6:
            source, target, seq, ack, _, flags = struct.unpack(">HHIIBB", segment[:14])
            assert following.get((source, target), seq) == seq  # no gap, no overlap
            following[source, target] = seq + len(segment) - 20 + (1 if flags & 3 else 0)
            if flags & 16:
                assert ack == following[target, source]


def test_a_long_message_is_several_segments_and_one_record():
    found = from_lines(["M 5 rx 8002 1 " + "ab" * 5000])
    frames = [frame for _, frame, comments in pcap.packets(found) if len(frame) > 80]
    assert len(frames) == 4 and max(len(f) for f in frames) <= 14 + 40 + 20 + 1440
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pcapng")
        pcap.write(path, found, 0)
        assert records.read(path)[0] == found


def test_checksum_of_rfc_1071():
    assert pcap.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    assert pcap.checksum(b"\xff") == 0x00FF
