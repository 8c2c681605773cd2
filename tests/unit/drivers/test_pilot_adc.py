"""drivers/pilot_adc.py at the waveform of the circuit: the plateaus at every duty, in all three
ways."""

from drivers.pilot import A, B, C, D, E, Pilot, classify
from drivers.pilot_adc import FreeFrontEnd, PeakFrontEnd, Scale, SyncFrontEnd, reads_needed
from firmware.clock import ticks_add
from tests.lib.mtest import eq, raises
from twin.pilot import PilotCircuit

# A divider that puts -16..+16 V on the ADC.
SCALE = Scale(0, -16000, 65536, 16000)
DUTIES = (1000, 970, 900, 533, 100, 50, 30)


class Board:
    """PWM, ADC and timer of a board with the circuit at its pins; time is in us and passes by
    reading and waiting."""

    def __init__(self, load=A, read_us=7):
        self.circuit = PilotCircuit()
        self.circuit.load = load
        self.us = 123
        self.read_us = read_us
        self.late_us = []  # of the next waits
        self.held = [0, 0]
        self.duty = None

    def duty_u16(self, value):
        self.duty = value
        self.circuit.set_duty((value * 1000 + 32767) // 65535)

    def read_u16(self):
        mv = self.circuit.level_mv(self.us)
        self.us += self.read_us
        return (mv + 16000) * 65536 // 32000

    def at(self, us):
        self.us += 1000 - self.us % 1000 + us
        if self.late_us:
            self.us += self.late_us.pop(0)

    # Peak detectors.
    def reset(self, on):
        self.following = not on
        if on:
            self.held = [0, 0]

    def sleep_us(self, us):
        for _ in range(us):
            if self.following:
                mv = self.circuit.level_mv(self.us)
                self.held = [max(self.held[0], mv), min(self.held[1], mv)]
            self.us += 1


class Held:
    def __init__(self, board, which):
        self.board, self.which = board, which

    def read_u16(self):
        return (self.board.held[self.which] + 16000) * 65536 // 32000


def sync(board):
    return SyncFrontEnd(board, board, SCALE, board.at)


def peak(board):
    return PeakFrontEnd(board, Held(board, 0), Held(board, 1), SCALE, SCALE, board.reset, board.sleep_us)


def free(board):
    return FreeFrontEnd(board, board, SCALE)


def same(front, circuit):
    """What the front end measured is what the circuit has, to one step of the ADC."""
    circuit.sample()
    assert abs(front.high_mv - circuit.high_mv) <= 2, (front.high_mv, circuit.high_mv)
    if circuit.duty > 970:
        eq(front.low_mv, None)
    else:
        assert abs(front.low_mv - circuit.low_mv) <= 2, (front.low_mv, circuit.low_mv)


def test_scale_through_two_points():
    for raw_a, mv_a, raw_b, mv_b in (
        (0, -16000, 65535, 16000),
        (5000, -12050, 61000, 11980),
        (60000, -12000, 5000, 12000),  # an inverting divider
        (30000, 0, 30100, 100),
    ):
        scale = Scale(raw_a, mv_a, raw_b, mv_b)
        assert abs(scale.mv(raw_a) - mv_a) <= 1
        assert abs(scale.mv(raw_b) - mv_b) <= 9, (scale.mv(raw_b), mv_b)
        assert abs(scale.mv((raw_a + raw_b) // 2) - (mv_a + mv_b) // 2) <= 6


def test_scale_that_cannot_be():
    raises(ValueError, Scale, 100, 0, 100, 12000)
    raises(ValueError, Scale, 100, 0, 200, 200)
    raises(ValueError, Scale, 100, 0, 200, -300)
    Scale(100, 0, 200, 199)


def test_reads_needed():
    eq(reads_needed(50), 270)
    eq(reads_needed(40), 339)
    eq(reads_needed(500), 20)
    for us in (30, 40, 50, 100, 500):
        n = reads_needed(us)
        miss = 1.0
        for _ in range(n):
            miss *= 1 - us / 1000
        assert miss < 1e-6, us
        assert miss / (1 - us / 1000) >= 0.999e-6, us


def test_duty_of_the_pwm():
    for make in (sync, peak, free):
        board = Board()
        front = make(board)
        for permille, value in ((0, 0), (1000, 65535), (50, 3276), (533, 34930)):
            front.set_duty(permille)
            eq(board.duty, value)
            eq(board.circuit.duty, permille)


def test_both_plateaus_at_every_duty():
    for make in (sync, peak, free):
        for load in (A, B, C, D):
            board = Board(load)
            front = make(board)
            for duty in DUTIES:
                front.set_duty(duty)
                front.sample()
                same(front, board.circuit)


def test_states_through_every_front_end():
    for make, sampling in ((sync, "sync"), (peak, "peak"), (free, "free")):
        board = Board()
        front = make(board)
        eq(front.sampling, sampling)
        pilot = Pilot(front)
        now = ticks_add(0, -300)
        pilot.start(now)
        pilot.set_duty(50, now)
        for load in (A, B, C, D, C, B, A):
            board.circuit.load = load
            for _ in range(2):
                pilot.poll(now)
                now = ticks_add(now, 20)
            eq((sampling, pilot.state), (sampling, load))
        board.circuit.load = B
        board.circuit.diode_shorted = True
        for _ in range(2):
            pilot.poll(now)
            now = ticks_add(now, 20)
        assert not pilot.diode_ok, sampling


def test_steady_minus_12_v():
    for make in (sync, peak, free):
        board = Board(B)
        front = make(board)
        front.set_duty(0)
        front.sample()
        assert abs(front.high_mv + 12000) <= 2 and front.low_mv == front.high_mv


def test_shorted_pilot_is_0_v():
    for make in (sync, peak, free):
        board = Board(B)
        board.circuit.short_ohm = 0
        front = make(board)
        front.set_duty(50)
        front.sample()
        eq(classify(front.high_mv, B), E)


def test_sync_reads_within_the_plateau_and_not_at_its_edges():
    board = Board(C)
    front = sync(board)
    moments = []
    at = board.at

    def note(us):
        moments.append(us)
        at(us)

    front._at = note
    for duty, high_us, low_us in ((50, 30, 950), (30, 18, 950), (10, 6, 950), (900, 30, 960), (960, 30, 984)):
        del moments[:]
        front.set_duty(duty)
        front.sample()
        eq((duty, moments), (duty, [high_us, low_us]))


def test_sync_tries_again_when_a_read_comes_late():
    for late_us in ([40], [40, 40]):
        board = Board(C)
        front = sync(board)
        front.set_duty(50)
        board.late_us = late_us
        front.sample()
        same(front, board.circuit)
    board = Board(C)
    front = sync(board)
    front.set_duty(50)
    board.late_us = [0, 60, 60]  # the negative plateau is met in the next period
    front.sample()
    same(front, board.circuit)


def test_sync_gives_up_after_three_late_reads():
    board = Board(C)
    front = sync(board)
    front.set_duty(50)
    board.late_us = [40, 40, 40]
    start = board.us
    front.sample()
    assert abs(front.high_mv + 12000) <= 2
    assert board.us - start < 8000
    board.late_us = []
    front.sample()
    same(front, board.circuit)


def test_sync_waits_for_no_edge_of_a_steady_level():
    board = Board(B)
    front = sync(board)
    front._at = None
    for duty in (1000, 0):
        front.set_duty(duty)
        front.sample()


def test_peak_sees_only_what_came_after_its_reset():
    board = Board(D)
    front = peak(board)
    front.set_duty(50)
    board.held = [12000, -12000]
    front.sample()
    same(front, board.circuit)
    start = board.us
    front.sample()
    eq(board.us - start, 3500)


def test_free_can_miss_for_ever_when_reads_keep_step_with_the_pwm():
    """Why SYNC or PEAK are to be preferred: the number of reads does not help against a spacing of
    100 us."""
    board = Board(C, read_us=100)
    front = FreeFrontEnd(board, board, SCALE, reads=5000)
    front.set_duty(50)
    board.us = 60
    front.sample()
    assert front.high_mv < -11990
    board.read_us = 49  # closer than the plateau, 25 reads are more than a period: cannot be missed
    for phase in range(0, 1000, 7):
        board.us = phase
        short = FreeFrontEnd(board, board, SCALE, reads=25)
        short.set_duty(50)
        short.sample()
        same(short, board.circuit)
