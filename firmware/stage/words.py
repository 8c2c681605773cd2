"""Numbers of the contract `power stage` (boards/contract.py), and what a stage says of itself."""

from micropython import const

# state
OFF = const(0)
READY = const(1)
TESTING = const(2)
PRECHARGE = const(3)
RUN = const(4)
STOPPING = const(5)
FAULT = const(6)

# Sources of readings, each with an age.
OUT = const(0)  # mv_out
IN = const(1)  # mv_in
CURRENT = const(2)  # ma, w
INSULATION = const(3)  # insulation_ohm
ENERGY = const(4)  # charged_wh, discharged_wh
LINES = const(5)  # l_mv, l_ma, l_w, var

# Caps.kind, bits
AC = const(1)
DC = const(2)


class Caps:
    """What a stage can do, from start(); `seq` rises when it changes.

    kind            AC | DC
    phases          lines of AC
    simulated       nothing of it is real: no DC and no MeterInfo without the lab switch
    bidirectional   power can flow out of the car
    max_mv, min_mv  output of DC
    max_charge_ma, max_discharge_ma, max_charge_w, max_discharge_w
                    most each way, magnitudes; a maximum of None (max_mv too) bounds nothing
    has_out         mv_out is measured at the car's side of the contact: without it pre-charge and
                    welding cannot be proved
    has_monitor, has_meter, has_lock, has_grid_guard
    meter_id        "" = none
    limit_ms        for each source the age from which its reading is stale while power may flow
    contactors      it has contacts of its own, and `closed` says where they are
    """

    def __init__(self):
        self.seq = 0
        self.kind = 0
        self.phases = 3
        self.simulated = self.bidirectional = False
        self.max_mv = None
        self.min_mv = 0
        self.max_charge_ma = self.max_discharge_ma = None
        self.max_charge_w = self.max_discharge_w = None
        self.has_out = self.has_monitor = self.has_meter = self.has_lock = self.has_grid_guard = False
        self.meter_id = ""
        self.limit_ms = [100, 100, 100, 2000, 1000, 1000]
        self.contactors = False
