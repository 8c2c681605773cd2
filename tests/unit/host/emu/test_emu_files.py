"""File systems of the emulated board, and what names it knows."""

import json

from host_tools.emu import files
from host_tools.emu.faults import Faults
from host_tools.emu.figures import messages
from host_tools.emu.observer import frames, tcp_payload

RUNTIMES = ("cpython",)


def test_an_image_gives_back_its_files():
    data = files.image({"/config.json": b"{}", "/tls/secc.key": b"k" * 5000})
    assert len(data) == files.STORAGE_BYTES
    assert files.content(data) == {"/config.json": b"{}", "/tls/secc.key": b"k" * 5000}


def test_a_station_has_its_configuration():
    content = files.content(files.station({"setpoint_w": 7}))
    assert json.loads(content["/config.json"]) == {"setpoint_w": 7}


def test_faults_by_name():
    assert Faults(**Faults.named(["swapped", "spi_limit_hz=8e6"])) == Faults(swapped=True, spi_limit_hz=8e6)
    try:
        Faults.named(["swaped"])
    except ValueError as error:
        assert "swapped" in str(error)
    else:
        raise AssertionError("a fault that is not there")


def test_tcp_payload_is_seen_in_a_burst():
    frame = (
        bytes(12)
        + b"\x86\xdd"
        + b"\x60\0\0\0"
        + bytes((0, 25, 6, 64))
        + bytes(32)
        + bytes(12)
        + b"\x50"
        + bytes(7)
        + b"abcde"
    )
    assert tcp_payload(frame) == 5
    assert tcp_payload(frame[:18] + bytes((0, 20)) + frame[20:]) == 0
    n = len(frame)
    framed = bytes((0, 0, 0, n + 10)) + b"\xaa" * 4 + bytes((n, 0, 0, 0)) + frame + b"\x55\x55"
    assert [bytes(f) for f in frames(framed + framed)] == [frame, frame]


def test_messages_are_condensed():
    assert messages([("a", 1.0, 9.0), ("b", 2.0, 3.0), ("a", 3.0, 4.0)]) == [
        ("a", 2, 2.0, 3.0, 9.0),
        ("b", 1, 2.0, 2.0, 3.0),
    ]
