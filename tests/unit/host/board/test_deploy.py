"""`microv2g deploy`: what is planned and what is said before, without a board."""

import ast

from host_tools.board.deploy import parts, plan, probe

RUNTIMES = ("cpython",)
STOCK = {
    "name": "micropython", "version": (1, 25, 0), "mpy": 6 | 3 << 8 | 10 << 10, "platform": "esp32",
    "machine": "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "heap": 8_000_000, "free": 1_500_000,
    "size": 6_000_000, "missing": [], "frozen": False,
}  # fmt: skip


def facts(**other):
    return probe.Facts(repr({**STOCK, **other}))


def kinds(findings):
    return [(finding.kind, finding.topic) for finding in findings]


def test_everything_of_the_manifest_is_compiled_for_the_processor():
    wanted = parts.files("esp32s3", "xtensawin")
    assert {"/main.py", "/lib/microv2g_main.mpy", "/lib/evse.mpy", "/lib/board/pins.mpy"} <= set(wanted)
    assert "/lib/main.mpy" not in wanted and "/lib/firmware/run/os_net.mpy" not in wanted
    block = {march: parts.files("esp32s3", march)["/lib/firmware/net/block.mpy"] for march in ("xtensawin", "armv6m")}
    assert block["xtensawin"] != block["armv6m"], "it holds machine code"
    assert block["armv6m"][2] >> 2 == 4, "armv6m, as py/persistentcode.h numbers it"


def test_a_choice_of_packages():
    wanted = parts.files("rpi_pico", "armv6m", ("drivers", "evse"), "/")
    assert "/evse.mpy" in wanted and "/drivers/pilot.mpy" in wanted
    assert all(path.startswith(("/drivers/", "/evse")) for path in wanted)
    try:
        parts.names("rpi_pico", ("driver",))
        raise AssertionError("taken")
    except KeyError as error:
        assert "no package driver; there are board, codec, drivers" in error.args[0]


def test_what_the_image_must_bring_is_read_from_the_sources():
    needs = parts.needs("esp32s3")
    assert {"machine", "micropython", "hashlib", "tls13"} <= set(needs) and "cp_guard" not in needs
    assert needs["machine"][0] == ["board/hardware.py"] or "board/hardware.py" in needs["machine"][0]
    assert "cp_guard" in parts.needs("rpi_pico"), "the C module of that board"
    tree = ast.parse("try:\n import a\nexcept ImportError:\n import b\nif x:\n import c\ndef f():\n from d import e")
    assert dict(parts._imports(tree)) == {"a": True, "b": False, "c": False, "d": False}


def test_only_what_changed_is_copied():
    wanted = {"/lib/a.mpy": b"new", "/lib/b.mpy": b"same", "/lib/c.mpy": b"gone from the board"}
    hashes = parts.digests(wanted)
    manifest = {**hashes, "/lib/a.mpy": "old", "/lib/d.mpy": "no longer"}
    made = plan.make(wanted, hashes, manifest, {"/lib/a.mpy": 3, "/lib/b.mpy": 4, "/lib/d.mpy": 9})
    assert sorted(made.copy) == ["/lib/a.mpy", "/lib/c.mpy"] and made.same == ["/lib/b.mpy"]
    assert made.remove == ["/lib/d.mpy"] and made.manifest == hashes
    cut = plan.make(wanted, hashes, hashes, {"/lib/a.mpy": 2, "/lib/b.mpy": 4, "/lib/c.mpy": 19})
    assert sorted(cut.copy) == ["/lib/a.mpy"], "another size than the manifest's file"
    part = plan.make({}, {}, manifest, {"/lib/d.mpy": 9}, lambda path: path == "/lib/a.mpy")
    assert not part.remove and "/lib/d.mpy" in part.manifest and "/lib/a.mpy" not in part.manifest


def test_a_stock_image_that_fits_raises_no_word():
    assert probe.judge_image(facts(), "esp32s3", ()) == []
    assert facts().march == "xtensawin" and facts().board == "esp32s3"


def test_what_a_stock_image_cannot_do_is_said():
    needs = {"tls13": (["firmware/net/tls_stage.py"], False), "cp_guard": (["board/hardware.py"], False)}
    lacks_tls = probe.judge_needs(facts(missing=["tls13"]), needs, "esp32s3")
    assert kinds(lacks_tls) == [("ask", "tls")] and "allow_plain" in lacks_tls[0].text
    lacks_guard = probe.judge_needs(facts(missing=["cp_guard"]), needs, "rpi_pico")
    assert kinds(lacks_guard) == [("stop", "module")] and "board/hardware.py" in lacks_guard[0].text


def test_images_that_do_not_fit_are_named():
    for other, topic, words in (
        ({"name": "circuitpython"}, "interpreter", "not MicroPython"),
        ({"mpy": 6 | 2 << 8 | 10 << 10}, "mpy", "version 6.2, ours are 6.3"),
        ({"mpy": 6 | 3 << 8}, "native", "no native code"),
        ({"platform": "stm32"}, "board", "no board of ours"),
        ({"machine": "Generic ESP32 module with ESP32"}, "board", "the pins of esp32s3"),
        ({"frozen": True}, "frozen", "has our modules already"),
    ):
        found = probe.judge_image(facts(**other), "esp32s3", ())
        assert ("stop", topic) in kinds(found), (other, kinds(found))
        assert any(words in finding.text for finding in found), (words, [finding.text for finding in found])
    newer = probe.judge_image(facts(version=(1, 27, 0)), "esp32s3", ())
    assert kinds(newer) == [("note", "version")]
    ours = probe.judge_image(facts(frozen=True), "esp32s3", ("drivers",))
    assert kinds(ours) == [("note", "frozen")]


def test_too_little_flash_or_heap_is_said_with_figures():
    wanted = parts.files("esp32s3", "xtensawin")
    made = plan.make(wanted, parts.digests(wanted), {}, {})
    size = sum(map(len, wanted.values()))
    assert probe.judge_room(facts(), made, size, "esp32s3") == []
    small = probe.judge_room(facts(free=100_000), made, size, "esp32s3")
    assert kinds(small) == [("stop", "flash")] and "97 kB are" in small[0].text
    # A Pico has 190 kB of heap with a stock image: modules from files and a session do not fit
    # both.
    pico = probe.judge_room(facts(heap=190_000), made, size, "rpi_pico")
    assert kinds(pico) == [("stop", "heap")] and "185 kB are free" in pico[0].text
    # The whole of firmware/ before a frozen one does not fit a Pico either; a driver does.
    for packages, bad in ((("firmware",), True), (("drivers", "board"), False)):
        some = parts.files("rpi_pico", "armv6m", packages, "/")
        made = plan.make(some, parts.digests(some), {}, {})
        assert bool(probe.judge_room(facts(heap=236_000), made, parts.in_ram(some), "rpi_pico")) == bad
    # What is imported only where the configuration asks for it takes no heap elsewhere.
    assert parts.in_ram({"/drivers/bender.mpy": b"123", "/drivers/pilot.mpy": b"12", "/main.py": b"1"}) == 2
