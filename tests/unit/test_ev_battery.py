"""host_tools/ev/battery.py: energy is conserved, a full or empty battery stops."""

from host_tools.ev.battery import Battery


def test_charge_and_discharge_balance():
    b = Battery(1000, 50)
    for _ in range(3600):
        assert b.run(10000, 100) == 10000  # 1 kWh in a tenth of an hour would be 1000 Wh
        b.run(-10000, 100)
    assert b.soc == 50 and b.energy_in_wms == b.energy_out_wms == 3600 * 10000 * 100


def test_full_and_empty():
    b = Battery(10, 99)
    while b.run(36000, 1000):
        pass
    assert b.soc >= 100 and b.wh_to(100) <= 0
    b = Battery(10, 1)
    while b.run(-36000, 1000):
        pass
    assert b.soc <= 0


def test_voltage():
    b = Battery(60000, 0)
    assert b.open_mv == 350000
    b = Battery(60000, 100)
    assert b.open_mv == 400000
    b.run(-40000, 1)
    assert b.ma == -100000 and 393900 < b.mv <= 394000  # 100 A over 60 mOhm
    b.run(40000, 1)
    assert b.ma > 100000 and b.mv > 405900  # a little below full now


def test_missing_energy():
    b = Battery(60000, 50)
    assert b.wh_to(80) == 18000 and b.wh_to(20) == -18000
