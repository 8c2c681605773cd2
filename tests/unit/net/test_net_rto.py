"""When a connection sends again (firmware/net/rto.py, tcp_send.py)."""

from tests.lib.mtest import eq
from tests.lib.packets import ACK, PSH, SYN, Peer


def repeats(p, limit_ms):
    """Milliseconds from now to each retransmission within limit_ms."""
    begin, found = p.t, []
    while p.t - begin < limit_ms:
        p.sleep(1)
        found += [p.t - begin] * len(p.take())
    return found


def answered(p, conn):
    """The car asks, the station answers and the answer is lost."""
    p.send(PSH | ACK, 1, 1, b"question")
    conn.write(b"answer", 0, 6)
    eq([s.data for s in p.take()], [b"answer"])


def test_a_lost_answer_comes_again_before_the_loop_times_out():
    """The car waits 0.5 s for the answer of a charge loop; the handshake has measured the round
    trip."""
    p = Peer()
    conn = p.connect()
    answered(p, conn)
    eq(repeats(p, 1500), [200, 600, 1400])


def test_a_lost_first_answer_after_a_lost_syn_comes_again_within_the_timeout_of_a_message():
    """A second SYN-ACK leaves no measured round trip; V2G_EVCC_Msg_Timeout is 2 s."""
    for lost, limit_ms in ((1, 300), (2, 700)):
        p = Peer()
        p.send(SYN, 0, options=b"\x02\x04\x05\xa0")
        eq(len(repeats(p, limit_ms)), lost)
        eq(p.send(ACK, 1, 1), [])
        eq(p.stack.event(), 3)
        answered(p, p.stack.conns[p.stack.which])
        eq(repeats(p, 2000), [500, 1500])


def test_a_round_trip_that_was_a_lost_ack_does_not_hold_the_timer_up():
    """The ACK of the handshake is lost, and the request that carries it too: it comes a second
    later."""
    p = Peer()
    p.send(SYN, 0, options=b"\x02\x04\x05\xa0")
    p.sleep(199)  # before the SYN-ACK goes out again: the sample is taken as it is
    p.send(PSH | ACK, 1, 1, b"question")
    eq(p.stack.event(), 3)
    conn = p.stack.conns[p.stack.which]
    conn.write(b"answer", 0, 6)
    eq([s.data for s in p.take()], [b"answer"])
    eq(repeats(p, 2000), [500, 1500])
