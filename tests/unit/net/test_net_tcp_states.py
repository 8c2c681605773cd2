"""Every kind of segment in every state of a TCP connection (RFC 9293 section 3.10.7, RFC 5961)."""

from firmware.net.tcp_conn import STATE_NAMES
from tests.lib.mtest import eq
from tests.lib.packets import ACK, FIN, PORT, PSH, RST, SYN, Peer, frame, tcp
from tests.lib.wire import CAR_MAC

STATES = (
    "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
)  # fmt: skip
PEER_DONE = ("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT")  # the peer's FIN is in: its next number is 2
WE_DONE = ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK", "TIME-WAIT")  # our FIN is out


def nxt(state):
    return 2 if state in PEER_DONE else 1


def una(state):
    return 2 if state in ("FIN-WAIT-2", "TIME-WAIT") else 1


def check(state, segment, wanted_state, wanted_flags, isn=0x12345678, seq=0x9ABCDEF0):
    """segment: keywords of Peer.send. wanted_flags: of the answers, in order."""
    p = Peer(isn, seq)
    conn = p.to(state)
    eq(STATE_NAMES[conn.state], state)
    answer = p.send(**segment)
    eq((state, STATE_NAMES[conn.state], [s.flags for s in answer]), (state, wanted_state, wanted_flags))
    return p, conn, answer


def test_rst_exactly_next_ends_every_state():
    for state in STATES:
        p, conn, _ = check(state, {"flags": RST, "seq": nxt(state)}, "CLOSED", [])
        if state in ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK"):
            eq((p.stack.event(), conn.reset), (4, 2))
            eq(p.trace.notes[-1], "tcp closed by RST 40001")


def test_rst_in_the_window_is_challenged():
    for state in STATES:
        check(state, {"flags": RST, "seq": nxt(state) + 5}, state, [ACK])


def test_rst_outside_the_window_is_dropped():
    for state in STATES:
        edge = nxt(state) + (4095 if state in PEER_DONE else 4096)  # first number behind the window
        for seq in (nxt(state) - 1, edge, nxt(state) + 5000, nxt(state) + 0x40000000, nxt(state) + 0x80000000):
            p, _, _ = check(state, {"flags": RST, "seq": seq}, state, [])
            assert p.stack.drops[14] == 1


def test_syn_is_challenged_in_every_state_but_time_wait():
    for state in STATES:
        if state != "TIME-WAIT":
            check(state, {"flags": SYN, "seq": nxt(state)}, state, [ACK])
        check(state, {"flags": SYN | ACK, "seq": nxt(state)}, state, [ACK])
        if state not in ("SYN-RECEIVED",):
            check(state, {"flags": SYN, "seq": 0 if state != "TIME-WAIT" else -1}, state, [ACK])


def test_syn_again_in_syn_received_gets_our_syn_again():
    _, _, answer = check("SYN-RECEIVED", {"flags": SYN, "seq": 0}, "SYN-RECEIVED", [SYN | ACK])
    eq(answer[0].options, b"\x02\x04\x05\xa0")


def test_syn_in_time_wait_opens_anew():
    p = Peer()
    conn = p.to("TIME-WAIT")
    eq(p.stack.event(), 4)
    p.rand.fixed = b"\x11\x22\x33\x44"
    (answer,) = p.send(SYN, 1000)
    eq((STATE_NAMES[conn.state], answer.flags, answer.seq), ("SYN-RECEIVED", SYN | ACK, 0x11223344))


def test_old_data_is_acknowledged_again():
    for state in STATES:
        _, _, answer = check(
            state, {"flags": ACK, "seq": nxt(state) - 1, "ack": una(state), "data": b"x"}, state, [ACK]
        )
        eq(answer[0].ack, 0x9ABCDEF0 + nxt(state))


def test_data_behind_the_window_is_answered_and_dropped():
    for state in STATES:
        _, conn, _ = check(
            state, {"flags": ACK, "seq": nxt(state) + 4096, "ack": una(state), "data": b"xyz"}, state, [ACK]
        )
        eq(conn.readable(), 0)


def test_far_away_numbers_never_count():
    for state in STATES:
        for far in (0x10000, 0x1FFFFFFF, 0x20000000, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xC0000000, 0xF0000000):
            check(state, {"flags": ACK | PSH, "seq": nxt(state) + far, "data": b"x"}, state, [ACK])


def test_ack_of_what_was_never_sent():
    for state in STATES:
        if state == "SYN-RECEIVED":
            _, _, answer = check(state, {"flags": ACK, "seq": 1, "ack": 9}, state, [RST])
            eq(answer[0].seq, 0x12345678 + 9)
            check(state, {"flags": ACK, "seq": 1, "ack": 0}, state, [RST])
        else:
            for ack in (9, 0x40000001, 0x80000001, -0x20000):
                check(state, {"flags": ACK, "seq": nxt(state), "ack": ack}, state, [ACK])


def test_segment_without_ack_is_dropped():
    for state in STATES:
        _, conn, _ = check(state, {"flags": PSH, "seq": nxt(state), "data": b"abc"}, state, [])
        eq(conn.readable(), 0)


def test_ack_of_our_fin():
    for state, wanted in (
        ("FIN-WAIT-1", "FIN-WAIT-2"), ("CLOSING", "TIME-WAIT"), ("LAST-ACK", "CLOSED"), ("FIN-WAIT-2", "FIN-WAIT-2"),
    ):  # fmt: skip
        p, conn, _ = check(state, {"flags": ACK, "seq": nxt(state), "ack": 2}, wanted, [])
        eq((p.stack.event(), conn.reset, p.stack.event()), (4, 1, 0))


def test_fin_of_the_peer():
    for state, ack, wanted in (
        ("SYN-RECEIVED", 1, "CLOSE-WAIT"),
        ("ESTABLISHED", 1, "CLOSE-WAIT"),
        ("FIN-WAIT-1", 1, "CLOSING"),
        ("FIN-WAIT-1", 2, "TIME-WAIT"),
        ("FIN-WAIT-2", 2, "TIME-WAIT"),
    ):
        _, conn, answer = check(state, {"flags": FIN | ACK, "seq": 1, "ack": ack}, wanted, [ACK])
        eq(answer[0].ack, 0x9ABCDEF0 + 2)
        eq(conn.at_end, wanted != "CLOSED")


def test_fin_with_data():
    for state, wanted in (("ESTABLISHED", "CLOSE-WAIT"), ("FIN-WAIT-1", "CLOSING"), ("FIN-WAIT-2", "TIME-WAIT")):
        segment = {"flags": FIN | ACK, "seq": 1, "ack": una(state), "data": b"last"}
        _, conn, answer = check(state, segment, wanted, [ACK])
        eq(answer[0].ack, 0x9ABCDEF0 + 6)
        if state == "ESTABLISHED":
            buf = bytearray(10)
            eq((conn.at_end, conn.read(buf), conn.at_end), (False, 4, True))


def test_fin_before_its_data_waits():
    p = Peer()
    conn = p.connect()
    eq([s.ack - p.first for s in p.send(FIN | ACK, 4, 1, b"def")], [1])
    eq((STATE_NAMES[conn.state], conn.readable()), ("ESTABLISHED", 0))
    eq([s.ack - p.first for s in p.send(ACK, 1, 1, b"abc")], [7])
    eq([s.ack - p.first for s in p.send(FIN | ACK, 7, 1)], [8])
    eq(STATE_NAMES[conn.state], "CLOSE-WAIT")


def test_fin_again_is_acknowledged_again():
    for state in PEER_DONE:
        check(state, {"flags": FIN | ACK, "seq": 1, "ack": una(state)}, state, [ACK])


def test_data_behind_the_fin_is_nothing():
    for state in ("CLOSE-WAIT", "CLOSING"):
        _, conn, answer = check(state, {"flags": ACK, "seq": 2, "ack": 1, "data": b"more"}, state, [ACK])
        eq((conn.readable(), answer[0].ack), (0, 0x9ABCDEF0 + 2))


def test_data_in_the_states_that_take_it():
    for state in ("SYN-RECEIVED", "ESTABLISHED"):
        wanted = "ESTABLISHED"
        _, conn, _ = check(state, {"flags": ACK, "seq": 1, "ack": 1, "data": b"abcd"}, wanted, [])
        eq(conn.readable(), 4)
    for state in ("FIN-WAIT-1", "FIN-WAIT-2"):  # nobody reads after close(): taken, acknowledged, thrown away
        p, conn, _ = check(state, {"flags": ACK, "seq": 1, "ack": una(state), "data": b"abcd"}, state, [])
        p.sleep(20)
        eq([(s.ack - p.first, s.window) for s in p.take()], [(5, 4092)])
        eq(conn.readable(), 0)


def test_first_data_may_overlap_what_is_here():
    p = Peer()
    conn = p.connect()
    p.send(ACK, 1, 1, b"abc")
    eq([s.ack - p.first for s in p.send(ACK, 2, 1, b"bcde")], [6])
    buf = bytearray(9)
    eq((conn.read(buf), bytes(buf[:5])), (5, b"abcde"))


def test_simultaneous_close():
    p = Peer()
    conn = p.connect()
    conn.close()
    eq([(s.flags, p.rel(s)) for s in p.take()], [(FIN | ACK, (1, 1))])
    eq([(s.flags, p.rel(s)) for s in p.send(FIN | ACK, 1, 1)], [(ACK, (2, 2))])
    eq(STATE_NAMES[conn.state], "CLOSING")
    eq(p.send(ACK, 2, 2), [])
    eq((STATE_NAMES[conn.state], p.stack.event(), conn.reset), ("TIME-WAIT", 4, 1))
    p.sleep(5999)
    eq([s.flags for s in p.send(FIN | ACK, 1, 2)], [ACK])  # our last ACK was lost: the wait begins again
    p.sleep(5999)
    eq(STATE_NAMES[conn.state], "TIME-WAIT")
    p.sleep(1)
    eq((STATE_NAMES[conn.state], p.stack.event()), ("CLOSED", 0))


def test_fin_wait_2_does_not_last():
    p = Peer()
    conn = p.to("FIN-WAIT-2")
    p.sleep(9999)
    eq(STATE_NAMES[conn.state], "FIN-WAIT-2")
    p.sleep(1)
    eq((STATE_NAMES[conn.state], p.take()), ("CLOSED", []))


def test_abort_in_every_state():
    for state in STATES:
        p = Peer()
        conn = p.to(state)
        while p.stack.event():
            pass
        conn.abort()
        answer = p.take()
        eq((state, STATE_NAMES[conn.state]), (state, "CLOSED"))
        eq([s.flags for s in answer], [] if state == "TIME-WAIT" else [RST | ACK])
        if answer:
            eq((state, p.rel(answer[0])), (state, (2 if state in WE_DONE else 1, nxt(state))))
        event = state in ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK")
        eq((state, p.stack.event()), (state, 4 if event else 0))
        eq(p.send(ACK, nxt(state), 1)[0].flags, RST)  # and what follows belongs to nothing


def test_link_gone_in_every_state_r_link_24():
    for state in STATES:
        p = Peer()
        conn = p.to(state)
        while p.stack.event():
            pass
        p.stack.stop(p.now)
        eq((STATE_NAMES[conn.state], p.frames(), p.stack.due), ("CLOSED", [], None))
        p.sleep(100)
        p.send(ACK, 1, 1)
        eq((p.frames(), p.stack.drops[0], p.stack.port, p.stack.sdp.ready), ([], 1, 0, False))
        event = p.stack.event()
        eq(
            (state, event),
            (state, 4 if state in ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK") else 0),
        )
        if event:
            eq(conn.reset, 5)


def test_nothing_listens_elsewhere():
    p = Peer()
    for flags, length in ((SYN, 1), (FIN, 1), (SYN | FIN, 2), (0, 0), (PSH, 3)):
        p.rx(frame(tcp(flags, 0xFFFFFFFF, 0, b"abc"[: 3 if flags == PSH else 0], target=PORT - 1), 6))
        (answer,) = p.take()
        eq((answer.flags, answer.seq, answer.ack), (RST | ACK, 0, 0xFFFFFFFF + length & 0xFFFFFFFF))
        eq((answer.source, answer.target, answer.mac), (PORT - 1, 40001, CAR_MAC))
    for flags in (ACK, SYN | ACK, FIN | ACK):  # where one listens, but no connection is
        (answer,) = p.send(flags, 7, 0x77777777 - p.isn, source=40002)
        eq((answer.flags, answer.seq, answer.target), (RST, 0x77777777, 40002))
    eq(p.send(RST, 7, source=40003), [])
    eq(p.send(RST | ACK, 7, source=40003), [])
    assert all([c.state == 0 for c in p.stack.conns])


def test_the_whole_table_at_the_wrap_of_the_sequence_space():
    """The same answers with both initial numbers just below 2**32, 2**16 and 2**31."""
    for number in (0xFFFFFFFF, 0xFFFFFFFE, 0x0000FFFF, 0x7FFFFFFF, 0):
        for state in STATES:
            check(state, {"flags": RST, "seq": nxt(state)}, "CLOSED", [], number, number)
            check(state, {"flags": RST, "seq": nxt(state) - 1}, state, [], number, number)
            check(state, {"flags": ACK, "seq": nxt(state) - 1, "data": b"x"}, state, [ACK], number, number)
        check("FIN-WAIT-1", {"flags": ACK, "seq": 1, "ack": 2}, "FIN-WAIT-2", [], number, number)
        check("ESTABLISHED", {"flags": ACK, "seq": 1, "ack": 2}, "ESTABLISHED", [ACK], number, number)
        _, _, answer = check("ESTABLISHED", {"flags": FIN | ACK, "seq": 1}, "CLOSE-WAIT", [ACK], number, number)
        eq((answer[0].seq, answer[0].ack), (number + 1 & 0xFFFFFFFF, number + 2 & 0xFFFFFFFF))


def test_challenges_are_limited():
    p = Peer()
    p.connect()
    eq(sum([len(p.send(SYN, 1)) for _ in range(20)]), 5)
    p.sleep(1000)
    eq(sum([len(p.send(RST, 9)) for _ in range(20)]), 5)
