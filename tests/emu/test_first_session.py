"""The way of the README from a bare board to the first session, by its own commands, on the
emulated RP2040: no configuration, services, PKI, certificates onto the board, clock, a car over TLS
1.3 that is authorised, charges and gives back."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 600

import json
import tempfile
from pathlib import Path

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.bridge import Served
from host_tools.emu.observer import Observer
from host_tools.ev import options
from host_tools.ev import tls as car_tls
from tests.lib.emulator import need_image
from tests.lib.mtest import eq
from tests.lib.patience import until
from tests.lib.tool_cases import bad, good

IMAGE = need_image()


def test_from_a_bare_board_to_the_first_session():
    with tempfile.TemporaryDirectory() as folder, Served(EmulatedBoard(IMAGE, files.image({}))) as line:
        port = line.path
        until(lambda: line.call(lambda board: board.ms) > 1500)
        bad(1, "evse.run()", "status", port=port)
        good("config", "set", "services", '["DC_BPT"]', port=port)
        good("config", "set", "lab", "true", port=port)
        good("config", "set", "export", "free", port=port)
        pki = str(Path(folder) / "pki")
        good("pki", "new", pki)
        said = good("pki", "install", pki, port=port)
        assert "/tls/secc.key" in said and "PRIVATE" not in said and "clock set" in said, said
        off_s = json.loads(good("clock", "--json", port=port))["off_s"]
        # The emulated clock falls behind the one on the wall by as much as the emulator is slower;
        # not set, it would be years.
        assert abs(off_s) < 86400, off_s
        found = json.loads(good("config", "get", "--json", port=port))
        eq((found["tls"], found["allow_plain"], found["services"]), ("strict", False, ["DC_BPT"]))
        until(lambda: json.loads(good("status", "--json", port=port))["station"] == "Unplugged")
        cfg = dict(options.DEFAULTS, tls_dir=pki + "/car")

        def plug(board):
            return board.world.plug(
                tls=car_tls.stage(cfg, Observer(lambda record: None)), service="DC_BPT", duration_ms=600000,
                capacity_wh=400, tls_dir=cfg["tls_dir"],
            )  # fmt: skip

        car = line.call(plug)
        until(lambda: json.loads(good("status", "--json", port=port))["session_state"] == "Authorization")
        good("authorize", port=port)
        good("setpoint", "5000", "--for", "600", port=port)
        until(lambda: json.loads(good("status", "--json", port=port))["session_state"] == "DC_ChargeLoop")
        battery = car.evcc.battery
        until(lambda: battery.energy_in_wms > 0, "it charges")
        good("setpoint", "-5000", "--for", "600", port=port)
        until(lambda: battery.energy_out_wms > 0, "it gives back")
        line.call(lambda board: car.request_stop())
        until(lambda: car.done)
        assert car.ok, car.why
        eq(line.call(lambda board: board.world.contactor.closed), False)


def test_what_does_not_fit_is_not_installed():
    with tempfile.TemporaryDirectory() as folder:
        assert bad(1, "must hold", "pki", "install", folder, port="/dev/null") is None
        good("pki", "new", folder + "/pki")
        chain = Path(folder) / "pki" / "device" / "secc_chain.pem"
        chain.write_bytes((Path(folder) / "pki" / "car" / "vehicle_chain.pem").read_bytes())
        bad(1, "WRONG", "pki", "install", folder + "/pki", port="/dev/null")
