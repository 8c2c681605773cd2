"""The example of a host (host_tools/examples/price.py) against a simulated station and car: it
charges while power is cheap, gives back while it is dear, and what it wants ends with it."""

import threading

from host_tools.board.port import Station
from host_tools.ev import cable, options
from host_tools.examples import price
from tests.lib.patience import CAR, STATION, until
from tests.lib.pty_station import PtyStation

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
SLOW = True
CONFIG = {**STATION, "services": ["DC_BPT"], "cable_check_ms": 100, "export": "host", "authorization": "operator"}
PRICES = [("06:00", 10), ("12:00", 20), ("18:00", 40)]


def test_prices_and_wishes():
    clock = {"05:59": 40, "06:00": 10, "11:59": 10, "12:00": 20, "23:59": 40}
    assert {at: price.price(PRICES, at) for at in clock} == clock
    state = {"soc": 60, "charge_w": 7000, "discharge_w": 5000}
    assert [price.wanted(state, cents) for cents in (10, 20, 40)] == [7000, 0, -5000]
    assert price.wanted({**state, "soc": 40}, 40) == price.wanted({**state, "discharge_w": 0}, 40) == 0


def test_it_charges_and_gives_back_by_price():
    with PtyStation(CONFIG) as device:
        with Station.open(device.port) as station:
            station.wait_running()
        end = threading.Event()
        car = threading.Thread(
            target=lambda: cable.run(
                {**options.DEFAULTS, **CAR, "soc": 60, "unplug_after_ms": 200, "loops": 0},
                device.udp,
                lambda r: None,
                end.is_set,
            )
        )
        car.start()
        seen, at = [], ["06:00"]

        def stop(state):
            seen.append(state)
            if state["w"] > 5000:
                at[0] = "18:00"  # as soon as it has charged, power is dear
            return state["w"] < -5000

        try:
            with Station.open(device.port) as station:
                price.run(station, PRICES, lambda: at[0], stop)
                until(lambda: "ok" in station.ask("setpoint off") or True)
                station.ask("stop")
        finally:
            end.set()
            car.join()
    assert [state for state in seen if state["w"] > 5000] and seen[-1]["w"] < -5000
    assert seen[0]["decision"] == 0 and seen[-1]["decision"] == 1
    assert seen[-1]["source"] == "host" and 0 < seen[-1]["seconds"] <= 20
