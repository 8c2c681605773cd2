"""The example of tests/README.md: copy it, and change what is asked."""

from codec.slots import ResponseCode
from tests.lib.driver import DC_BPT, DYNAMIC, STOP
from tests.lib.mtest import eq
from tests.lib.world import World


def test_stop_opens_before_it_is_answered_r_power_02():
    w = World(setpoint_w=5000)  # a station; what it is given is its configuration
    eq(w.to_loop(DC_BPT, DYNAMIC).code, ResponseCode.OK)  # up to PowerDelivery(Start)
    w.sleep(100)  # simulated: nothing waits
    answer = w.loop(DC_BPT, DYNAMIC, soc=50)  # one ChargeLoop; soc is a number of the car
    assert answer.code == ResponseCode.OK and answer.MeterInfo is not None
    assert w.power.closed
    eq(w.power_delivery(STOP).code, ResponseCode.OK)
    assert w.dead and not w.power.closed
    eq((w.stop().code, w.state), (ResponseCode.OK, "Ended"))
