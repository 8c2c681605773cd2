"""A host in forty lines: charge while power is cheap, give back while it is dear.

    python -m host_tools.examples.price PRICES.txt [--port /dev/ttyACM0]      a line: HH:MM cents

The station needs `export` host, and pushes its state; nothing is polled. Every set-point is a lease
of twenty seconds: should this program die, the car gets `setpoint_fallback_w` and gives nothing.
"""

import argparse
import time

from host_tools.board.port import Refusal, Station
from host_tools.station.process import Decoder

CHEAP, DEAR = 15, 30  # cents per kWh
CHARGE_W, GIVE_W, FLOOR_SOC = 11000, -10000, 40
RENEW_S, HOLD_S = 5, 20


def wanted(state, cents):
    """W for a state of the station and a price."""
    if cents >= DEAR and state["soc"] > FLOOR_SOC and state["discharge_w"] > 0:
        return max(GIVE_W, -state["discharge_w"])
    return min(CHARGE_W, state["charge_w"]) if cents <= CHEAP else 0


def price(prices, clock):
    """Cents at "HH:MM": those of the last line that is not later, before the first that of yesterday."""
    return ([c for at, c in prices if at <= clock] or [prices[-1][1]])[-1]


def run(station, prices, clock=lambda: time.strftime("%H:%M"), stop=lambda state: False):
    """Serve until stop(state)."""
    decoder, said, renewed = Decoder(), None, -RENEW_S
    for line in station.stream(trace=False, watch_hz=2):
        state = decoder.record(line).get("state") if line and line.startswith("W ") else None
        if state is None:
            continue
        if stop(state):
            return
        if state["decision"] == 0 and state["pilot"] in "BCD":
            station.ask("authorize")
        w, now = wanted(state, price(prices, clock())), time.monotonic()
        if state["service"] and (w != said or now - renewed >= RENEW_S):
            said, renewed = w, now
            try:
                station.ask(f"grid yes for {HOLD_S}")
                station.ask(f"setpoint {w} for {HOLD_S}")
            except Refusal as why:
                print(why)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prices")
    parser.add_argument("--port")
    args = parser.parse_args()
    with open(args.prices) as f, Station.open(args.port) as station:
        run(station, sorted((at, int(cents)) for at, cents in (line.split() for line in f if line.strip())))


if __name__ == "__main__":
    main()
