"""Address and neighbour discovery byte by byte: DAD (RFC 4862), listener reports (RFC 3810), NS and
NA (RFC 4861).

Expected bytes are written down from the RFCs; checksums are computed by tests/lib/packets.py on its
own.
"""

from firmware.net import iface
from firmware.net.stack import ADDRESS, CONFLICT
from tests.lib.mtest import eq
from tests.lib.packets import ALL_NODES, CAR, GROUP, STATION, SYN, Peer, frame, icmp, sealed, tcp, udp
from tests.lib.wire import CAR_MAC, STATION_MAC, Rand

NOWHERE = bytes(16)
REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00"
REPORTERS = b"\xff\x02" + bytes(13) + b"\x16"


def solicit(target=STATION, src=CAR, dst=GROUP, option=b"\x01\x01" + CAR_MAC, hop=255, mac_src=CAR_MAC):
    return frame(icmp(135, bytes(4) + target + option, src, dst), 58, src, dst, hop, mac_src=mac_src)


def advertise(target, flags=0x20, src=CAR, dst=ALL_NODES, option=b"\x02\x01" + CAR_MAC, hop=255):
    return frame(icmp(136, bytes([flags, 0, 0, 0]) + target + option, src, dst), 58, src, dst, hop)


def advertisement(flags, mac, dst):
    """The answer of the station, whole."""
    body = bytes([flags, 0, 0, 0]) + STATION + b"\x02\x01" + STATION_MAC
    return frame(icmp(136, body, STATION, dst), 58, STATION, dst, 255, mac, STATION_MAC)


def report(kind, src, group=GROUP):
    body = bytes(2) + b"\0\1" + bytes([kind, 0, 0, 0]) + group
    data = b"\x3a\x00\x05\x02\x00\x00\x01\x00" + icmp(143, body, src, REPORTERS)
    return frame(data, 0, src, REPORTERS, 1, mac_src=STATION_MAC)


def started(rand=None):
    return Peer(rand=rand or Rand(1))


def probe(address):
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + address[13:]
    return frame(icmp(135, bytes(4) + address, NOWHERE, group), 58, NOWHERE, group, 255, mac_src=STATION_MAC)


# -- address


def test_address_is_made_from_the_mac_and_proved():
    p = started()
    eq(bytes(p.stack.address), b"\xfe\x80" + bytes(6) + b"\x00\x53\x45\xff\xfe\x43\x43\x01")
    eq(p.frames(), [report(4, NOWHERE), probe(STATION)])
    eq(p.stack.event(), 0)
    p.sleep(999)
    eq((p.stack.event(), p.frames()), (0, []))
    p.sleep(1)
    eq((p.stack.event(), p.frames()), (ADDRESS, [report(4, STATION)]))
    eq((p.stack.event(), p.stack.due), (0, None))


def test_probe_waits_for_a_wire_that_is_slow_to_take_it():
    p = started()
    p.sleep(5000)
    eq((p.stack.event(), len(p.frames())), (0, 2))
    p.sleep(999)
    eq(p.stack.event(), 0)
    p.sleep(1)
    eq(p.stack.event(), ADDRESS)


def test_silence_while_tentative():
    p = started()
    p.frames()
    for data in (
        solicit(),
        frame(icmp(128, b"\0\1\0\1hello"), 58),
        frame(icmp(128, b"\0\1\0\1hello", CAR, ALL_NODES), 58, dst=ALL_NODES),
        frame(udp(REQUEST), 17),
        frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES),
        frame(tcp(SYN, 1), 6),
    ):
        p.rx(data)
        eq(p.frames(), [])
    eq((p.stack.sdp.answered, [c.state for c in p.stack.conns]), (0, [0, 0]))
    p.sleep(1000)
    eq(p.stack.event(), ADDRESS)


def test_conflicts_end_with_an_event():
    for conflict in (
        lambda a: solicit(a, NOWHERE, b"\xff\x02" + bytes(9) + b"\x01\xff" + a[13:], b""),
        lambda a: advertise(a, 0x20, a),
        lambda a: advertise(a, 0x00, a, option=b""),
    ):
        p = started(Rand(1, b"\x11\x22\x33\x44\x55\x66\x77\x88\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8"))
        tried = []
        for _ in range(3):
            p.frames()
            p.sleep(500)
            tried.append(bytes(p.stack.address))
            p.rx(conflict(tried[-1]))
        eq(
            tried[1:],
            [
                b"\xfe\x80" + bytes(6) + b"\x11\x22\x33\x44\x55\x66\x77\x88",
                tried[1][:8] + b"\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8",
            ],
        )
        eq((p.stack.event(), p.frames(), p.stack.due), (CONFLICT, [], None))
        p.sleep(10000)
        p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
        eq((p.frames(), p.stack.event()), ([], 0))
        p.stack.start(p.now)
        eq(p.frames(), [report(4, NOWHERE), probe(STATION)])


def test_second_address_works():
    p = started(Rand(1, b"\x11\x22\x33\x44\x55\x66\x77\x88"))
    p.frames()
    p.rx(advertise(STATION, src=STATION))
    address = b"\xfe\x80" + bytes(6) + b"\x11\x22\x33\x44\x55\x66\x77\x88"
    eq(p.frames()[1], probe(address))
    p.sleep(1000)
    eq(p.stack.event(), ADDRESS)
    p.frames()
    p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
    (answer,) = p.frames()
    eq((answer[22:38], answer[70:86]), (address, address))
    p.rx(frame(udp(REQUEST), 17))
    eq(p.frames(), [])


def test_own_probe_come_back_is_no_conflict():
    p = started()
    for data in p.frames():
        p.rx(data)
    p.sleep(1000)
    eq((p.stack.event(), p.stack.drops[iface.MAC]), (ADDRESS, 2))


def test_resolution_of_our_tentative_address_is_no_conflict():
    p = started()
    p.frames()
    p.rx(solicit())
    p.sleep(1000)
    eq(p.stack.event(), ADDRESS)


# -- neighbour discovery


def test_solicitations_are_answered():
    p = Peer()
    p.rx(solicit())
    eq(p.frames(), [advertisement(0x60, CAR_MAC, CAR)])
    p.rx(solicit(dst=STATION, option=b""))  # reachability
    eq(p.frames(), [advertisement(0x60, CAR_MAC, CAR)])
    p.rx(solicit(option=b"\x01\x01\x02\x77\x77\x77\x77\x77"))  # the option is what counts
    eq(p.frames(), [advertisement(0x60, b"\x02\x77\x77\x77\x77\x77", CAR)])
    p.rx(solicit(option=b"\x0e\x01abcdef\x01\x01" + CAR_MAC))  # an unknown option before it (nonce)
    eq(p.frames(), [advertisement(0x60, CAR_MAC, CAR)])
    p.rx(solicit(src=NOWHERE, option=b""))  # somebody else proves our address
    eq(p.frames(), [advertisement(0x20, b"\x33\x33\0\0\0\1", ALL_NODES)])


def test_bad_solicitations_are_not():
    p = Peer()
    bad_sum = bytearray(solicit())
    bad_sum[57] ^= 1
    bad_code = frame(sealed(CAR, GROUP, 58, b"\x87\x01\0\0" + bytes(4) + STATION, 2), 58, dst=GROUP, hop=255)
    for data, reason in (
        (solicit(hop=254), iface.HOP_LIMIT),
        (bytes(bad_sum), iface.CHECKSUM),
        (bad_code, iface.ICMP),
        (solicit(option=b"\x01\x00" + CAR_MAC), iface.ICMP),
        (solicit(option=b"\x01\x02" + CAR_MAC), iface.ICMP),
        (solicit(option=b"\x01"), iface.ICMP),
        (solicit(target=ALL_NODES), iface.ICMP),
        (solicit(target=CAR), iface.ICMP),
        (frame(icmp(135, bytes(19), CAR, GROUP), 58, dst=GROUP, hop=255), iface.ICMP),
        (frame(icmp(135, b"", CAR, GROUP), 58, dst=GROUP, hop=255), iface.LENGTH),
        (solicit(src=NOWHERE), iface.SOURCE),
        (solicit(src=NOWHERE, dst=STATION, option=b""), iface.SOURCE),
        (solicit(src=NOWHERE, dst=ALL_NODES, option=b""), iface.SOURCE),
        (advertise(CAR, 0x60), iface.SOURCE),
        (advertise(STATION), iface.ICMP),
        (advertise(STATION, src=STATION), iface.SOURCE),
    ):
        before = p.stack.drops[reason]
        p.rx(data)
        eq((p.frames(), p.stack.drops[reason]), ([], before + 1))
    eq(p.stack.event(), 0)


def test_unknown_mac_is_asked_for_three_times():
    p = Peer()
    p.connect()
    p.stack._neighbours.reset()
    p.stack.conns[0].write(b"x", 0, 1)
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + CAR[13:]
    body = bytes(4) + CAR + b"\x01\x01" + STATION_MAC
    wanted = frame(icmp(135, body, STATION, group), 58, STATION, group, 255, mac_src=STATION_MAC)
    for _ in range(3):
        eq(p.frames(), [wanted])
        p.sleep(999)
        eq(p.frames(), [])
        p.sleep(1)
    eq((p.stack.event(), p.stack.conns[0].reset), (4, 3))


def test_advertisement_is_taken_only_if_asked_for():
    p = Peer()
    conn = p.connect()
    p.rx(advertise(CAR, 0x00, option=b"\x02\x01\x02\x88\x88\x88\x88\x88"))  # no override: known already
    conn.write(b"x", 0, 1)
    eq(p.frames()[0][:6], CAR_MAC)
    p.rx(advertise(CAR, 0x20, option=b"\x02\x01\x02\x88\x88\x88\x88\x88"))
    conn.write(b"x", 0, 1)
    eq(p.frames()[0][:6], b"\x02\x88\x88\x88\x88\x88")
    p.stack._neighbours.reset()
    p.rx(advertise(CAR))
    conn.write(b"x", 0, 1)
    eq(p.frames()[0][54], 135)
    p.rx(advertise(CAR, 0x40, dst=STATION))
    eq([f[:6] for f in p.frames()], [CAR_MAC])


def test_listener_query_is_answered():
    p = Peer()
    query = b"\x3a\x00\x05\x02\x00\x00\x01\x00" + icmp(130, bytes(24), CAR, ALL_NODES)
    p.rx(frame(query, 0, dst=ALL_NODES, hop=1))
    eq(p.frames(), [report(2, STATION)])
    p.rx(frame(query, 0, dst=ALL_NODES, hop=2))
    eq(p.frames(), [])
