"""firmware/run/os_conn.py: a socket that behaves as a TcpConn, over loopback."""

import os
import socket
import struct

from firmware.clock import ticks_add, ticks_ms
from firmware.run import os_net
from firmware.run.os_conn import OsConn
from firmware.run.poller import IN, OUT, Poller
from tests.lib.mtest import eq
from tests.lib.patience import AtLeast, Stretch, until

_AGAIN = 11


def listener():
    for _ in range(20):
        port = 40000 + (os.urandom(1)[0] << 8 | os.urandom(1)[0]) % 20000
        try:
            return os_net.tcp_listener(os_net.LOOPBACK, port, 1), port
        except OSError:
            pass
    raise AssertionError("no free port")


class Line:
    """conn: the station's end. car: the socket of the other."""

    def __init__(self, rest=False):
        server, port = listener()
        self.car = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.car.connect(os_net.sockaddr(os_net.LOOPBACK, port, 0))
        sock = None
        while sock is None:
            sock, _ = os_net.accept(server)
        server.close()
        self.car.setblocking(False)
        self.poller = Poller()
        self.conn = OsConn(sock, self.poller, b"", rest)

    def wait(self, timeout_ms=100000):
        """What poll() says of the connection, which is told; 0 if nothing happens."""
        self.conn.watch()
        said = 0
        for obj, events in self.poller.wait(timeout_ms):
            assert obj is self.conn.sock
            self.conn.happened(events)
            said = events
        return said

    def hear(self):
        """What the car gets: bytes, b"" at the end, "broken" after a reset."""
        buf = bytearray(1000)

        def read():
            try:
                n = os_net.read(self.car, buf)
            except OSError:
                return ("broken",)
            return None if n is None else (bytes(buf[:n]),)

        return until(read, "something for the car")[0]

    def fill(self):
        """Write until the system takes nothing any more; returns how many bytes it took."""
        data = bytes(8000)
        total = 0
        still = 0
        while still < 5:
            took = self.conn.write(data, 0, len(data))
            total += took
            still = 0 if took else still + 1
            if not took:
                self.poller.wait(5)
        return total

    def over(self):
        self.conn.end()
        self.car.close()
        eq(self.poller.wait(0), [])  # nothing is left in the poller


def test_bytes_both_ways_and_the_end():
    line = Line()
    conn = line.conn
    eq((conn.readable(), conn.at_end), (0, False))
    line.car.send(b"x" * 700)
    assert line.wait() & IN
    eq(conn.readable(), 512)
    small, large = bytearray(100), bytearray(1000)
    eq(conn.read(small), 100)
    eq((conn.read(large), conn.read(large)), (412, 188))  # what was fetched, then the rest
    eq(conn.write(b"..answer..", 2, 6), 6)
    assert conn.wrote
    eq(line.hear(), b"answer")
    line.car.send(b"last")
    line.car.close()
    assert line.wait() & IN
    eq((conn.readable(), conn.at_end), (4, False))
    eq((conn.read(large), conn.readable(), conn.at_end, conn.broken), (4, 0, True, False))
    line.over()


def test_end_of_the_stream_does_not_wake_the_loop_again():
    line = Line()
    line.car.close()
    assert line.wait() & IN
    eq((line.conn.readable(), line.conn.at_end), (0, True))
    with AtLeast(55):
        eq(line.wait(60), 0)
    line.over()


def test_car_that_does_not_read_is_not_waited_for_by_its_own_bytes_r_v2gtp_07():
    line = Line()
    total = line.fill()
    line.car.send(b"more")
    for _ in range(20):
        said = line.wait(10)
        assert not said & IN  # no reason to look at what it has sent
        if said & OUT:  # the system has found some room after all
            total += line.conn.write(bytes(8000), 0, 8000)
    got = 0
    while got < total:
        data = line.hear()
        assert data and data == bytes(len(data))
        got += len(data)
    eq(got, total)
    assert line.wait() & OUT
    eq(line.conn.write(b"again", 0, 5), 5)
    eq(line.hear(), b"again")
    assert line.wait() & IN
    eq(line.conn.readable(), 4)
    line.over()


def test_reset_is_a_broken_connection_and_no_exception():
    for act in (
        lambda conn: conn.readable(),
        lambda conn: conn.read(bytearray(10)),
        lambda conn: conn.write(b"x", 0, 1),
    ):
        line = Line()
        line.car.setsockopt(1, 13, struct.pack("@ii", 1, 0))
        line.car.close()
        line.wait()
        eq((act(line.conn), line.conn.broken, line.conn.at_end), (0, True, False))
        eq((line.conn.readable(), line.conn.write(b"x", 0, 1)), (0, 0))
        line.over()


def test_reset_of_a_car_whose_answer_waits():
    line = Line()
    line.fill()
    line.car.setsockopt(1, 13, struct.pack("@ii", 1, 0))
    line.car.close()
    assert line.wait()
    eq(line.conn.write(b"x", 0, 1), 0)
    assert line.conn.broken
    line.over()


def test_close_is_fin_behind_what_was_written_though_something_was_not_read():
    line = Line()
    line.car.send(b"not read")
    assert line.wait()
    line.conn.write(b"bye", 0, 3)
    line.conn.close()
    assert line.conn.gone
    eq((line.hear(), line.hear()), (b"bye", b""))
    eq((line.conn.readable(), line.conn.write(b"x", 0, 1)), (0, 0))
    line.over()


def test_abort_is_rst():
    line = Line()
    line.conn.abort()
    assert line.conn.gone
    eq(line.hear(), "broken")
    line.conn.abort()
    line.conn.close()
    line.over()


def test_rest_before_the_fin_until_the_car_leaves():
    """What still comes in is thrown away: no RST overtakes the last words."""
    line = Line(True)
    conn = line.conn
    conn.write(b"alert", 0, 5)
    conn.close()
    eq((conn.open, conn.gone), (False, False))
    line.car.send(b"the rest of a flight")
    assert line.wait() & IN
    conn.settle(ticks_ms())
    eq((conn.readable(), conn.write(b"x", 0, 1), conn.gone), (0, 0, False))
    eq(line.hear(), b"alert")
    line.car.close()
    assert line.wait() & IN
    conn.settle(ticks_ms())
    assert conn.gone
    line.over()


def test_rest_has_an_end():
    line = Line(True)
    with Stretch() as stretch:
        line.conn.close()
    stretch.holds(line.conn.due, 500)
    line.conn.settle(ticks_add(line.conn.due, -1))
    assert not line.conn.gone
    line.conn.settle(line.conn.due)
    assert line.conn.gone
    eq(line.hear(), b"")
    line.over()
