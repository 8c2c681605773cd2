"""Frames in and out of the stack: what every frame must have, extension headers, echo, and SDP
(R-SDP-02, -05, -06, -07).

Expected bytes are written down from the RFCs; checksums are computed by tests/lib/packets.py on its
own.
"""

from firmware.net import iface
from tests.lib.mtest import eq
from tests.lib.packets import ACK, ALL_NODES, CAR, GROUP, PORT, STATION, SYN, Peer, frame, icmp, tcp, udp
from tests.lib.wire import CAR_MAC, STATION_MAC, Wire

NOWHERE = bytes(16)
REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00"


# -- echo


def test_echo():
    p = Peer()
    for n in (0, 1, 56, 98):
        data = bytes([i & 0xFF for i in range(n)])
        p.rx(frame(icmp(128, b"\x12\x34\x00\x07" + data), 58))
        wanted = frame(icmp(129, b"\x12\x34\x00\x07" + data, STATION, CAR), 58, STATION, CAR, 64, CAR_MAC, STATION_MAC)
        eq(p.frames(), [wanted])
    p.rx(frame(icmp(128, b"\x12\x34\x00\x07abc", CAR, ALL_NODES), 58, dst=ALL_NODES))
    eq([f[22:38] for f in p.frames()], [STATION])
    p.rx(frame(icmp(128, bytes(4 + 99)), 58))
    eq(p.frames(), [])


def test_replies_are_bounded():
    p = Peer()
    for _ in range(10):
        p.rx(frame(icmp(128, b"\x12\x34\x00\x07"), 58))
    eq((len(p.frames()), p.stack.drops[iface.REPLIES]), (4, 6))


# -- SDP


def test_sdp_over_frames_r_sdp_05():
    p = Peer()
    p.rx(frame(udp(REQUEST, 50123, dst=ALL_NODES), 17, dst=ALL_NODES, hop=1))
    data = b"\x01\xfe\x90\x01\x00\x00\x00\x14" + STATION + PORT.to_bytes(2, "big") + b"\x10\x00"
    wanted = frame(udp(data, 15118, 50123, STATION, CAR), 17, STATION, CAR, 64, CAR_MAC, STATION_MAC)
    eq(p.frames(), [wanted])
    p.rx(frame(udp(REQUEST, 50123), 17))  # unicast
    eq(p.frames(), [wanted])
    assert p.connect()  # the port that was told listens


def test_sdp_malformed_r_sdp_02():
    p = Peer()
    bad = [REQUEST[:n] for n in range(10)] + [REQUEST + b"\0", REQUEST + bytes(1000)]
    bad += [bytes([REQUEST[i] ^ (1 if i == at else 0) for i in range(10)]) for at in range(8)]
    for data in bad:
        p.rx(frame(udp(data, dst=ALL_NODES), 17, dst=ALL_NODES))
        eq(p.frames(), [])
    p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
    eq((len(p.frames()), p.stack.sdp.dropped), (1, len(bad)))


def test_sdp_50_requests_50_equal_answers_r_sdp_06():
    p = Peer()
    found = []
    for _ in range(50):
        p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
        found += p.frames()
        p.sleep(250)
    eq((len(found), found[1:] == found[:-1], [c.state for c in p.stack.conns]), (50, True, [0, 0]))


def test_sdp_probe_without_connection_r_sdp_07():
    p = Peer()
    p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
    eq(len(p.frames()), 1)
    p.sleep(5000)
    other = b"\xfe\x80" + bytes(13) + b"\x77"
    p.rx(frame(udp(REQUEST, 1, src=other, dst=ALL_NODES), 17, other, ALL_NODES, mac_src=b"\x02\0\0\0\0\x77"))
    (answer,) = p.frames()
    eq((answer[:6], answer[38:54], answer[56:58]), (b"\x02\0\0\0\0\x77", other, b"\0\1"))


def test_udp_checksum_and_lengths():
    p = Peer()
    good = udp(REQUEST)
    for data, reason in (
        (good[:6] + b"\0\0" + good[8:], iface.CHECKSUM),
        (good[:6] + bytes([good[6] ^ 1]) + good[7:], iface.CHECKSUM),
        (good[:4] + b"\0\x07" + good[6:], iface.LENGTH),
        (good[:4] + b"\0\x13" + good[6:], iface.LENGTH),
        (good[:4] + b"\xff\xff" + good[6:], iface.LENGTH),
        (good[:7], iface.LENGTH),
        (udp(REQUEST, target=15119), iface.PORT),
    ):
        before = p.stack.drops[reason]
        p.rx(frame(data, 17))
        eq((p.frames(), p.stack.drops[reason]), ([], before + 1))
    padded = frame(good + b"\0\0\0\0", 17)  # IPv6 longer than UDP: the rest is not ours
    p.rx(padded)
    eq(len(p.frames()), 1)


def test_checksum_that_comes_out_as_zero():
    """It is sent as FFFF (RFC 8200 section 8.1); zero means none and is refused, even where it
    would be right."""
    p = Peer()
    base = udp(REQUEST, 0)
    port = base[6] << 8 | base[7]  # as source port it makes the sum FFFF
    request = udp(REQUEST, port)
    eq(request[6:8], b"\xff\xff")
    p.rx(frame(request[:6] + b"\0\0" + request[8:], 17))
    eq((p.frames(), p.stack.drops[iface.CHECKSUM]), ([], 1))
    p.rx(frame(request, 17))
    eq(len(p.frames()), 1)
    out = bytearray(frame(request, 17))
    iface.finish(out, 54, 18, 17, 60)
    eq(bytes(out[60:62]), b"\xff\xff")


def test_nothing_is_left_of_an_old_link():
    p = Peer()
    p.rx(frame(udp(REQUEST), 17))
    p.stack.stop(p.now)
    p.stack.start(p.now)
    eq([f[38:40] for f in p.frames()], [b"\xff\x02", b"\xff\x02"])  # report and probe, no answer
    p.sleep(1000)
    eq((len(p.frames()), p.stack.event(), p.stack._neighbours.find(CAR, 0)), (1, 1, -1))


# -- what every frame must have


def test_headers_are_checked():
    p = Peer()
    good = frame(udp(REQUEST), 17)

    def changed(at, value):
        return good[:at] + value + good[at + len(value) :]

    for data, reason in (
        (good[:53], iface.SHORT),
        (b"", iface.SHORT),
        (changed(12, b"\x08\x00"), iface.TYPE),
        (changed(12, b"\x88\xe1"), iface.TYPE),
        (changed(6, STATION_MAC), iface.MAC),
        (changed(6, b"\x33\x33"), iface.MAC),
        (changed(0, b"\x02\0\0\0\0\1"), iface.MAC),
        (changed(0, b"\xff" * 6), iface.MAC),
        (changed(14, b"\x40"), iface.VERSION),
        (changed(18, b"\0\0"), iface.LENGTH),
        (changed(18, b"\0\xff"), iface.LENGTH),
        (changed(18, b"\xff\xff"), iface.LENGTH),
        (changed(22, ALL_NODES), iface.SOURCE),
        (changed(22, STATION), iface.SOURCE),
        (changed(22, b"\x20\x01"), iface.SOURCE),
        (changed(22, b"\xfe\xc0"), iface.SOURCE),
        (changed(22, bytes(15) + b"\1"), iface.SOURCE),
        (changed(22, NOWHERE), iface.SOURCE),
        (changed(38, CAR), iface.DESTINATION),
        (changed(38, NOWHERE), iface.DESTINATION),
        (changed(38, b"\xff\x02" + bytes(13) + b"\2"), iface.DESTINATION),
        (changed(38, b"\xff\x05" + bytes(13) + b"\1"), iface.DESTINATION),
        (changed(38, GROUP[:13] + b"\1\1\1"), iface.DESTINATION),
        (frame(tcp(SYN, 5, dst=ALL_NODES), 6, dst=ALL_NODES), iface.DESTINATION),
        (frame(tcp(SYN, 5, dst=GROUP), 6, dst=GROUP), iface.DESTINATION),
        (frame(tcp(SYN, 5, src=NOWHERE), 6, NOWHERE), iface.SOURCE),
        (frame(tcp(SYN, 5, source=0), 6), iface.PORT),
        (frame(tcp(SYN, 5)[:19], 6), iface.LENGTH),
        (frame(bytes(8) + bytes(4) + b"\x40\x02" + bytes(6), 6), iface.LENGTH),
        (frame(bytes(8) + bytes(4) + b"\x60\x02" + bytes(6), 6), iface.LENGTH),
        (frame(bytes(8) + bytes(4) + b"\x50\x02" + bytes(6), 6), iface.CHECKSUM),
        (frame(icmp(1, bytes(20)), 58), iface.ICMP),
        (frame(icmp(134, bytes(20)), 58, hop=255), iface.ICMP),
        (frame(b"abcd", 132), iface.EXTENSION),
        (frame(b"", 59) + b"", iface.LENGTH),
    ):
        before = p.stack.drops[reason]
        p.rx(data)
        eq((data[:60], p.frames(), p.stack.drops[reason]), (data[:60], [], before + 1))
    p.rx(good)
    eq(len(p.frames()), 1)


def test_length_of_the_frame_is_what_the_caller_says():
    """A short frame in a long buffer: nothing behind it is read."""
    p = Peer()
    good = frame(udp(REQUEST), 17)
    for n in range(72):
        p.stack.rx(good + bytes(1000), n, p.now)
        eq(p.frames(), [])
    p.stack.rx(good + bytes(1000), 72, p.now)
    eq(len(p.frames()), 1)


def test_extension_headers():
    p = Peer()
    request = udp(REQUEST)
    for headers, kind, fine in (
        (b"\x11\x00\x05\x02\x00\x00\x01\x00", 0, True),  # router alert, padding
        (b"\x11\x00\x01\x04\x00\x00\x00\x00", 60, True),
        (b"\x11\x00" + bytes(6), 60, True),  # six times Pad1
        (b"\x3c\x00" + bytes(6) + b"\x11\x01\x01\x0c" + bytes(12), 0, True),
        (b"\x11\x00\x1e\x04\x00\x00\x00\x00", 0, True),  # unknown option that may be skipped
        (b"\x11\x00\x5e\x04\x00\x00\x00\x00", 0, False),  # ... that may not
        (b"\x11\x00\x9e\x04\x00\x00\x00\x00", 0, False),
        (b"\x11\x00\xde\x04\x00\x00\x00\x00", 0, False),
        (b"\x11\x00\x01\x05\x00\x00\x00\x00", 0, False),  # option beyond its header
        (b"\x11\x00\x00\x00\x00\x00\x00\x01", 0, False),
        (b"\x11\x07" + bytes(6), 0, False),  # header beyond the packet
        (b"\x11\xff" + bytes(6), 0, False),
        (b"\x11\x00" + bytes(6), 43, False),  # routing
        (b"\x11\x00" + bytes(6), 44, False),  # fragment
        (b"\x11\x00" + bytes(6), 51, False),
        (b"\x00\x00" + bytes(6) + b"\x11\x00" + bytes(6), 60, False),  # hop-by-hop only in the first place
        (b"\x3c\x00" + bytes(6) + b"\x2c\x00" + bytes(6) + b"\x11" + bytes(7), 0, False),
        ((b"\x3c\x00" + bytes(6)) * 3 + b"\x11\x00" + bytes(6), 60, True),
        ((b"\x3c\x00" + bytes(6)) * 4 + b"\x11\x00" + bytes(6), 60, False),  # too many
    ):
        before = p.stack.drops[iface.EXTENSION]
        p.rx(frame(headers + request, kind))
        eq((headers, len(p.frames()), p.stack.drops[iface.EXTENSION] - before), (headers, int(fine), int(not fine)))


def test_headers_without_anything_behind():
    p = Peer()
    p.rx(frame(b"\x11\x00" + bytes(6), 0))
    p.rx(frame(b"\x11\x00", 0))
    eq((p.frames(), p.stack.drops[iface.EXTENSION]), ([], 2))


def test_frames_of_the_stack_are_padded_with_zeros():
    w = Wire()
    w.log = True
    w.ready()
    for _, _, data in w.frames:
        assert len(data) == max(60, 54 + (data[18] << 8 | data[19]))
        eq(data[54 + (data[18] << 8 | data[19]) :].strip(b"\0"), b"")


def test_car_gives_up_after_50_requests():
    w = Wire(car=None)
    w.start()
    w.run(1500)
    w.station.stop(w.now)
    w.car.discover(w.now)
    w.log = True
    w.run(20000)
    eq((len(w.frames), [t - w.frames[0][0] for t, _, _ in w.frames[:3]], w.events[1][-1][0]), (50, [0, 250, 500], 6))


def test_acknowledged_data_goes_to_where_the_car_is_now():
    """A car whose MAC changes during a connection is followed: its frames are valid ones."""
    p = Peer()
    conn = p.connect()
    p.rx(frame(tcp(ACK, p.first + 1, p.isn + 1, b"hi"), 6, mac_src=b"\x02\x99\x99\x99\x99\x99"))
    conn.write(b"x", 0, 1)
    eq([f[:6] for f in p.frames()], [b"\x02\x99\x99\x99\x99\x99"])
