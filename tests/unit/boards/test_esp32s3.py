"""The definition of the board esp32s3, as far as it can be proved without ESP-IDF."""

import os
import re

from host_tools import boardfile
from host_tools.board.flash import esp_image
from host_tools.building import esp32
from host_tools.building.manifest import Manifest
from host_tools.building.mpy import compiled
from host_tools.building.step import Missing
from host_tools.root import ROOT
from tests.lib.controller.boot import Controller
from tests.lib.controller.machine_common import Reset
from tests.lib.mtest import raises, skip

RUNTIMES = ("cpython",)
FLASH = 0x800000
BOARD = boardfile.find("esp32s3")
CSV = (BOARD.folder / "partitions.csv").read_text()
OPTIONS = (BOARD.folder / "sdkconfig.board").read_text()


def test_every_frozen_module_compiles_for_the_chip():
    modules = Manifest("esp32s3").modules
    assert {"main.py", "evse.py", "board/hardware.py", "mcu/board.py", "codec/exi_in.py"} <= set(modules)
    for name, path in modules.items():
        assert compiled(path, name, BOARD.march)[:1] == b"M", name


def test_the_partition_table_is_one_that_the_chip_takes():
    entries = esp32.partitions(CSV)
    assert esp32.table_faults(entries, FLASH) == []
    data = esp32.table(entries)
    assert len(data) == 0xC00 and esp_image.table(data) == entries, "read by another reader than wrote it"
    assert esp_image.app_partition(entries) == (0x10000, 0x2F0000)


def test_faults_of_a_partition_table_are_named():
    def faults(*rows):
        return " / ".join(esp32.table_faults(esp32.partitions("\n".join(rows)), FLASH))

    app, vfs = "factory, app, factory, 0x10000, 0x2f0000", "vfs, data, fat, 0x300000, 0x500000"
    assert faults(app, vfs) == ""
    assert "overlaps" in faults(app, "vfs, data, fat, 0x2ff000, 0x1000")
    assert "overlaps" in faults(app, vfs, "nvs, data, nvs, 0x8000, 0x1000"), "that is the table's own sector"
    assert "steps of 0x10000" in faults("factory, app, factory, 0x11000, 0x1000", vfs)
    assert "steps of 0x1000" in faults(app, "vfs, data, fat, 0x300800, 0x1000")
    assert "end at 0x900000, the flash at 0x800000" in faults(app, "vfs, data, fat, 0x300000, 0x600000")
    assert "no data partition vfs" in faults(app)
    assert "no partition for the application" in faults(vfs)
    assert "a name of its own" in faults(app, vfs, vfs)
    for bad in ("factory, app, nonsense, 0x10000, 0x1000", "factory, app, factory, here, 0x1000", "one, two"):
        try:
            esp32.partitions(bad)
            raise AssertionError(bad)
        except Missing as error:
            assert "partitions.csv:1" in str(error)


def test_the_application_fits_its_partition():
    need, room, frozen = esp32.estimate(BOARD)
    assert 150_000 < frozen < 400_000 and need < room, (need, room, frozen)


def test_every_option_of_the_sdk_is_known_once_and_says_why():
    try:
        known = esp32.known_options(BOARD)
    except Missing as error:
        skip("the source of MicroPython: %s" % str(error).splitlines()[0])
    assert esp32.option_faults(OPTIONS, known) == []
    kconfig = (BOARD.folder / "kconfig.txt").read_text()
    for name in re.findall(r"^(\w+) ", kconfig, re.M):
        assert "CONFIG_%s=" % name in OPTIONS, "kconfig.txt names an option that is not set: " + name


def test_faults_of_options_are_named():
    text = "# why\nCONFIG_A=y\nCONFIG_A=n\n\nCONFIG_B=y\n# why\nCONFIG_C=maybe\nCONFIG_NEW=7\n"
    faults = " / ".join(esp32.option_faults(text, {"A", "B", "C"}))
    assert "board:3: CONFIG_A comes twice" in faults and "board:5: CONFIG_B says no reason" in faults
    assert "board:7: CONFIG_C: no value" in faults and "board:8: CONFIG_NEW is no option" in faults
    assert faults.count("/") == 3


def test_the_profile_of_the_standard_is_switched_on():
    for option in ("SSL_PROTO_TLS1_3", "CHACHAPOLY_C", "ECP_DP_SECP521R1_ENABLED", "SSL_KEEP_PEER_CERTIFICATE"):
        assert "CONFIG_MBEDTLS_%s=y\n" % option in OPTIONS
    header = (BOARD.folder / "tls13_esp_config.h").read_text()
    assert "#define MBEDTLS_ECP_DP_CURVE448_ENABLED\n" in header
    own = (ROOT / "boards/common/tls13/tls13_mbedtls_config.h").read_text()
    for size in ("IN", "OUT"):
        number = re.search(r"#define MBEDTLS_SSL_%s_CONTENT_LEN (\d+)" % size, own)[1]
        assert "CONFIG_MBEDTLS_SSL_%s_CONTENT_LEN=%s\n" % (size, number) in OPTIONS, "records as on the other boards"


def _pins():
    """{name: number} of board/pins.py."""
    text = (BOARD.folder / "board" / "pins.py").read_text()
    return {name: int(number) for name, number in re.findall(r"^(\w+) = const\((\d+)\)", text, re.M)}


def test_pins_are_unique_and_free_on_the_module():
    pins = _pins()
    assert len(set(pins.values())) == len(pins) >= 14
    flash_and_psram, usb, console, strapping = set(range(26, 38)), {19, 20}, {43, 44}, {0, 3, 45, 46}
    absent = {22, 23, 24, 25} | set(range(49, 64))
    for name, number in pins.items():
        assert number not in flash_and_psram | usb | console | strapping | absent, (name, number)
    for name in ("CP_HIGH_ADC", "CP_LOW_ADC", "PP_ADC"):
        assert 1 <= pins[name] <= 10, "%s needs ADC1" % name
    assert pins["CONTACTOR"] != 18, "18 glitches high at power-up"


def test_pins_csv_and_readme_say_the_same_as_the_code():
    pins = _pins()
    named = dict(line.split(",GPIO") for line in (BOARD.folder / "pins.csv").read_text().split())
    for name, number in pins.items():
        assert named.get(name.replace("_ADC", "")) == str(number), name
    readme = (BOARD.folder / "README.md").read_text()
    told = {int(number) for number in re.findall(r"^\| GPIO(\d+) ", readme, re.M)}
    assert set(pins.values()) <= told


def test_without_the_sdk_the_word_is_clear():
    old = os.environ.pop("IDF_PATH", None)
    try:
        esp32.build(BOARD, lambda: "")
        raise AssertionError("built without ESP-IDF")
    except Missing as error:
        assert "ESP-IDF v5.4" in str(error) and "export.sh" in str(error), error
    finally:
        if old is not None:
            os.environ["IDF_PATH"] = old


# -- the hardware package over a model of `machine`


def test_the_hardware_starts_with_the_contactor_open_and_the_pilot_at_x1():
    with Controller("esp32s3") as controller:
        place = controller.place
        pins = _pins()
        place.pad(pins["CONTACTOR"]).mode = "out"  # as a start in the middle of something could find it
        place.pad(pins["CONTACTOR"]).latch = 1
        place.changed(pins["CONTACTOR"])
        assert place.contactor.coil == 1
        hw = controller.hardware()
        assert place.contactor.coil == 0, "by the constructor"
        hw.start()
        assert place.contactor.coil == 0 and place.circuit.duty == 1000
        assert len(hw.mac) == 6 and hw.mac[0] & 3 == 2, "locally administered, not a group"
        hw.drive(1)
        assert place.contactor.coil == 1
        hw.stop()
        assert place.contactor.coil == 0 and place.circuit.duty == 0


def test_the_pilot_is_read_in_volts_of_the_contact():
    with Controller("esp32s3") as controller:
        circuit = controller.place.circuit
        hw = controller.hardware()
        hw.start()
        hw.front.set_duty(50)
        for load in range(1, 5):
            circuit.load = load
            hw.front.sample()
            high_mv, low_mv = circuit.plateaus()
            assert abs(hw.front.high_mv - high_mv) < 40 and abs(hw.front.low_mv - low_mv) < 40, load
        circuit.offset_mv = 3000  # beyond the ADC's end
        circuit.load = 1
        hw.front.sample()
        assert hw.front.high_mv > 13000, "no state of the standard"


def test_the_guard_opens_when_the_firmware_pauses():
    with Controller("esp32s3") as controller:
        place = controller.place
        hw = controller.hardware()
        hw.start()
        hw.enable(1)
        hw.drive(1)
        for _ in range(20):
            place.pass_us(480000)
            hw.front.sample()
            place.pass_us(480000)
            hw.front.sample()
            hw.alive()
        assert place.contactor.coil == 1 and place.enabled == 1 and hw.notes() == ()
        for ms, pilot in ((1060, True), (560, False)):
            for _ in range(ms // 20):
                place.pass_us(20000)
                if pilot:
                    hw.front.sample()
                else:
                    hw.alive()
            assert (place.contactor.coil, place.enabled) == (0, 0), (ms, pilot)
            hw.drive(1)
            hw.enable(1)
            assert (place.contactor.coil, place.enabled, hw.tripped()) == (0, 0, True), "asked to open first"
            assert len(hw.notes()) == 1 and hw.notes() == (), "said once"
            hw.drive(0)
            hw.drive(1)
            hw.enable(1)
            hw.alive()
            assert (place.contactor.coil, place.enabled, hw.tripped()) == (1, 1, False)
        place.pass_us(10000000)  # the timer feeds the watchdog: no reset
        hw.stop()
        place.pass_us(20000000)
        hw.start()
        hw._timer.deinit()  # what stops the timer too
        raises(Reset, place.pass_us, 3100000)
