"""host_tools/ev/battery.py: energy is conserved, a full or empty battery stops, voltage follows
charge and current."""

from host_tools.ev.battery import Battery


def battery(capacity_wh, soc):
    return Battery(capacity_wh, soc, 50000, 30000)


def test_charge_and_discharge_balance():
    b = battery(1000, 50)
    for _ in range(3600):
        b.run(10000, 100)
        b.run(-10000, 100)
    assert b.soc_centi == 5000 and b.energy_in_wms == b.energy_out_wms == 3600 * 10000 * 100


def test_contents_stay_between_empty_and_full():
    b = battery(10, 99)
    b.run(36000, 60000)  # 600 Wh against 0.1 Wh that are missing
    assert b.soc_centi == 10000 and b.energy_in_wms == 10 * 36000 and b.wh_to(100) == 0
    b = battery(10, 1)
    b.run(-36000, 60000)
    assert b.soc_centi == 0 and b.energy_out_wms == 10 * 36000


def test_limits_go_down_in_the_last_percent():
    b = battery(100, 99)
    assert b.charge_w == 50000 and b.discharge_w == 30000
    b.run(1800, 1000)  # half a percent
    assert b.soc_centi == 9950 and b.charge_w == 25000
    b.run(1800, 1000)
    assert b.charge_w == 0 and b.discharge_w == 30000
    b = battery(100, 0)
    assert b.discharge_w == 0 and b.charge_w == 50000


def test_open_circuit_voltage():
    assert battery(60000, 0).open_mv == 330000
    assert battery(60000, 20).open_mv == 352000
    assert battery(60000, 35).open_mv == 359000  # half way between two points of the curve
    assert battery(60000, 100).open_mv == 402000
    last = 0
    for soc in range(101):
        mv = battery(60000, soc).open_mv
        assert mv > last
        last = mv


def test_terminal_voltage():
    b = battery(60000, 50)
    b.run(-36600, 1)
    assert b.ma == -100000 and 359990 <= b.mv <= 360000  # 100 A over 60 mOhm
    b.run(36600, 1)
    assert 99990 <= b.ma <= 100010 and 371990 <= b.mv <= 372010


def test_missing_energy():
    b = battery(60000, 50)
    assert b.wh_to(80) == 18000 and b.wh_to(20) == -18000
