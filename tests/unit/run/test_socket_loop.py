"""firmware/run/socket_loop.py on the loopback interface, with a stand-in for the session machine.

Station and car are in one process: the car connects and writes, then the station takes a few turns.
"""

import os
import socket
import struct

from firmware.app import config
from firmware.clock import ticks_add, ticks_ms
from firmware.run import os_net
from firmware.run.poller import IN
from firmware.run.safe import Safe
from firmware.run.socket_loop import SocketLoop
from firmware.run.trace_lines import TraceLines
from firmware.trace import Trace
from tests.lib.fake_secc import BIG, FakePower, FakeSecc, Output
from tests.lib.patience import AtLeast, Stretch, until

WAITS = True

REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00"
# Not the port of the standard: a station may run on this machine, and these tests more than once at
# a time.
SDP_PORT = 20000 + (os.urandom(1)[0] << 8 | os.urandom(1)[0]) % 20000


class Station:
    def __init__(self, **changes):
        changes["sdp_port"] = SDP_PORT
        self.calls = []
        self.power = FakePower()
        self.out = Output()
        self.trace = Trace(4000, ticks_ms())
        self.safe = Safe(lambda: FakeSecc(self.calls), self.power, self.trace)
        report = TraceLines(self.trace, self.out, self.power)
        self.link = SocketLoop("lo", config.merge(changes), self.safe, self.power, self.trace, report, None, self.out)
        self.link.open()
        self.port = int(self.out.lines[0].split("port=")[1].split()[0])

    def turns(self, n=4):
        for _ in range(n):
            self.link.turn(10)

    def until(self, done):
        """Turns until done()."""
        until(done, turn=lambda: self.link.turn(10))

    def until_stuck(self):
        """Turns until the system has taken nothing of the answer for some time: its buffers are
        full."""
        seen = []

        def turn():
            self.link.turn(5 if self.link.link._take_due else 0)
            now = (self.link.link._take_due, self.link.link._at)
            if not now[0] or (seen and now != seen[-1]):
                del seen[:]
            seen.append(now)

        until(lambda: len(seen) > 8, "the system takes no more", turn)

    def said(self, text):
        return [line for line in self.out.lines if text in line]

    def connect(self):
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.connect(os_net.sockaddr(os_net.LOOPBACK, self.port, 0))
        self.turns(2)
        return Car(s, self)

    def ask(self, data):
        """Send one datagram; return the answer or None."""
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setblocking(False)
        s.sendto(data, os_net.sockaddr(os_net.LOOPBACK, SDP_PORT, 0))
        self.turns(2)
        answer = os_net.receive(s, 100)[0]
        s.close()
        return answer


class Car:
    def __init__(self, sock, station):
        self.sock = sock
        self.station = station
        sock.setblocking(False)

    def say(self, data):
        self.sock.send(data)
        self.station.turns(2)
        return self.hear()

    def hear(self):
        """What is there: bytes, b"" at the end, None if nothing; "broken" after a reset."""
        buf = bytearray(20000)
        try:
            n = os_net.read(self.sock, buf)
        except OSError:
            return "broken"
        return None if n is None else bytes(buf[:n])

    def close(self):
        self.sock.close()
        self.station.turns(2)


def with_station(test, **changes):
    station = Station(**changes)
    try:
        test(station)
    finally:
        station.link.close()


def watch(poller, sock, stuck):
    """What poll() says of a socket from now on while stuck() was true before: a list that grows."""
    seen, wait = [], poller.wait

    def watched(ms):
        was = stuck()
        for obj, events in wait(ms):
            if obj is sock and was:
                seen.append(events)
            yield obj, events

    poller.wait = watched
    return seen


def waits(poller):
    """How long it is asked to wait from now on, ms: a list that grows."""
    seen, wait = [], poller.wait
    poller.wait = lambda ms: seen.append(ms) or wait(ms)
    return seen


def test_answer_names_a_port_that_listens_r_sdp_05():
    def test(station):
        answer = station.ask(REQUEST)
        assert len(answer) == 28 and answer[8:24] == os_net.LOOPBACK
        assert answer[24] << 8 | answer[25] == station.port >= 49152
        car = station.connect()
        assert car.say(b"hello") == b"hello"
        car.close()

    with_station(test)


def test_malformed_datagrams_do_not_end_the_service_r_sdp_02():
    def test(station):
        for i in range(20):
            assert station.ask(REQUEST[: i % 10] + b"\xff" * (i * 7 % 90)) is None
        assert len(station.ask(REQUEST)) == 28

    with_station(test)


def test_repeats_get_the_same_answer_during_a_session_too_r_sdp_06():
    def test(station):
        first = station.ask(REQUEST)
        car = station.connect()
        for _ in range(10):
            assert station.ask(REQUEST) == first
        assert car.say(b"still here") == b"still here"
        car.close()

    with_station(test)


def test_a_raising_discovery_does_not_end_the_service_r_sdp_03():
    def test(station):
        sdp, good = station.link._sdp, station.link._sdp.answer

        def bad(buf, n, out):
            raise ValueError("test seam in answer")

        car = station.connect()
        sdp.answer = bad
        assert station.ask(REQUEST) is None
        sdp.answer = good
        assert len(station.ask(REQUEST)) == 28
        assert station.said("test seam in answer")
        assert car.say(b"still here") == b"still here"
        car.close()

    with_station(test)


def test_a_fault_ends_that_session_and_the_next_car_is_served_r_errors_09():
    def test(station):
        car = station.connect()
        station.power.contactor = 1
        assert car.say(b"!rx") in (b"", "broken")
        assert station.power.contactor == 0
        assert station.said("test seam in rx")
        assert len(station.ask(REQUEST)) == 28
        car.close()
        car = station.connect()
        assert car.say(b"next") == b"next"
        car.close()

    with_station(test)


def test_a_fault_outside_of_the_session_opens_the_contactor_and_the_next_car_is_served():
    def test(station):
        link = station.link.link
        for name in ("pump", "accept"):
            car = station.connect()
            assert car.say(b"hello") == b"hello"
            station.power.contactor = 1
            good = getattr(link, name)

            def bad(*args, name=name):
                raise ValueError("test seam in " + name)

            setattr(link, name, bad)
            other = None if name == "pump" else station.connect()
            station.turns(2)
            setattr(link, name, good)
            assert station.power.contactor == 0 and station.said("test seam in " + name)
            assert car.hear() in (b"", "broken")
            assert not station.link.occupied() and station.calls[-1] == "lost"
            car.close()
            if other:
                other.close()
        car = station.connect()
        assert car.say(b"next") == b"next"
        car.close()

    with_station(test)


def test_plain_only_by_switch_r_sdp_04():
    def test(station):
        assert station.ask(REQUEST)[26] == 0x00  # TLS or nothing

    with_station(test, allow_plain=False)


def test_end_of_stream_is_told_to_the_machine_and_the_next_car_is_served():
    def test(station):
        for i in range(3):
            car = station.connect()
            assert car.say(b"hello") == b"hello"
            car.close()
            station.until(lambda i=i: station.calls == ["start", "lost"] * (i + 1))

    with_station(test)


def test_reset_is_told_to_the_machine():
    def test(station):
        car = station.connect()
        car.sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0: close() sends a reset
        car.close()
        station.until(lambda: station.calls == ["start", "lost"])

    with_station(test)


def test_one_car_at_a_time_a_second_connection_is_refused():
    def test(station):
        one = station.connect()
        two = station.connect()
        assert two.hear() in (b"", "broken")
        assert one.say(b"mine") == b"mine"
        assert station.calls == ["start"] and station.said("second connection refused")
        two.close()
        one.close()

    with_station(test)


def test_a_connection_kept_after_its_session_gives_way_to_the_next_car():
    def test(station):
        one = station.connect()
        assert one.say(b"!end") == b"!end"
        two = station.connect()
        assert two.say(b"hello") == b"hello"
        assert one.hear() in (b"", "broken")
        assert station.calls == ["start", "lost", "start"]
        one.close()
        two.close()

    with_station(test)


def test_close_comes_after_the_answer():
    def test(station):
        car = station.connect()
        assert car.say(b"!close") == b"bye"
        assert car.hear() == b""
        assert station.calls == ["start", "lost"]
        car.close()

    with_station(test)


def test_a_car_that_never_reads_is_dropped_and_not_read_from_r_v2gtp_07():
    def test(station):
        car = station.connect()
        car.sock.send(b"!big")
        link = station.link.link
        conn = link.conn
        with Stretch() as stretch:
            station.until_stuck()
            station.safe.secc.heard = 0
            car.sock.send(b"more")  # must not be read while an answer is on its way
            woken = watch(station.link._poller, conn.sock, lambda: link._take_due is not None)
            station.turns(20)
            assert not [
                said for said in woken if said & IN
            ]  # nor wake the loop; the system may, when it finds some room after all
            station.until_stuck()
        assert link.conn is conn and station.safe.secc.heard == 0
        stretch.holds(link.due, 2000)  # from the last time that the system took some of the answer
        link._take_due = ticks_add(ticks_ms(), -1)  # two seconds later
        station.turns(1)
        assert link.conn is None and station.calls[-1] == "lost"
        assert station.said("does not take its answer")
        car.close()

    with_station(test)


def test_a_slow_reader_gets_every_byte():
    def test(station):
        car = station.connect()
        car.sock.send(b"!big")
        link = station.link.link
        station.until_stuck()
        station.safe.secc.big = False
        got = [0]

        def hear():
            data = car.hear() or b""
            assert data == b"B" * len(data) or link._take_due is None
            got[0] += len(data)
            station.link.turn(1)

        until(lambda: link._take_due is None, "the answer is taken", hear)
        # Whole messages, and the echo of "!big" after them; the window opens in its own time.
        until(lambda: got[0] % BIG == 4, "the rest", hear)
        assert car.say(b"hello") == b"hello"
        car.close()

    with_station(test)


def test_poll_comes_when_it_is_due_and_not_earlier_r_timers_06():
    def test(station):
        car = station.connect()
        with AtLeast(60):
            station.safe.secc.due = ticks_add(ticks_ms(), 60)
            station.until(lambda: "poll" in station.calls)
        assert station.calls == ["start", "poll"]
        car.close()

    with_station(test)


def test_nothing_due_means_sleep_and_due_for_ever_is_no_busy_loop():
    def test(station):
        with AtLeast(75):
            station.link.turn(80)
        secc = station.safe.secc
        secc.poll = lambda now: None  # a machine that never moves its due
        secc.due = ticks_add(ticks_ms(), -5)
        waits_ms = waits(station.link._poller)
        for _ in range(20):
            station.link.turn(100)
        assert len(waits_ms) == 20 and all(1 <= ms <= 5 for ms in waits_ms), waits_ms

    with_station(test)


def test_commands():
    def test(station):
        link, now = station.link, ticks_ms()
        link.operator.command("setpoint -5000", now)
        assert station.power.lease.set_w == -5000
        link.operator.command("stop", now)
        assert station.calls == ["request_stop"]
        link.operator.command("status", now)
        bad = ("setpoint 1,2", "setpoint x", "setpoint 1 2", "setpoint 9999999", "!", "nonsense", "stop now")
        for line in bad:
            link.operator.command(line, now)
        station.turns(1)
        told = [line for line in station.out.lines if line.startswith("E ")]
        assert len(told) == len(bad) and len(station.said("unknown command")) == 2
        assert len(station.said("setpoint: a whole number of W")) == 3 and station.said("stop stands alone")
        assert len(station.said("setpoint_w=-5000")) == 1
        assert station.power.lease.set_w == -5000 and not link.quit
        link.operator.command("quit", now)
        assert link.quit

    with_station(test)


def test_quit_during_a_session_opens_the_contactor():
    station = Station()
    car = station.connect()
    station.power.contactor = 1
    station.link.operator.command("quit", ticks_ms())
    station.link.run()
    station.link.close()
    assert station.power.contactor == 0 and station.calls == ["start", "lost"]
    car.sock.close()


def test_a_second_station_on_the_same_interface_is_a_clear_error():
    def test(station):
        try:
            Station()
        except os_net.NetError as e:
            assert str(SDP_PORT) in str(e) and "in use" in str(e)
            return
        raise AssertionError("two stations on one port")

    with_station(test)


def test_a_request_is_answered_in_the_turn_that_it_wakes_r_timers_07():
    """Nothing is waited for between a request and its answer: one poll() and one turn. How long
    that takes is in docs/benchmarks.md."""

    def test(station):
        car = station.connect()
        waits_ms = waits(station.link._poller)
        for number in range(50):
            car.sock.send(b"x" * 200)
            station.link.turn(1000)
            assert car.hear() == b"x" * 200
            assert len(waits_ms) == number + 1, waits_ms

    with_station(test)
