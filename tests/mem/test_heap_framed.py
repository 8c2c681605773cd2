"""A whole station behind a modem in the 200 kB of a microcontroller: what it takes at boot, and
what is left."""

import gc
import os

import firmware.main
from firmware.app import config
from tests.mem.budget import FRAMED_BUILT, FRAMED_FREE, FRAMED_IMPORT

RUNTIMES = ("unix32",)
PORT = 17000 + ord(os.urandom(1)) * 8  # of the simulated cable; several runs at a time on one machine


def test_station_behind_a_modem_fits():
    gc.collect()
    before = gc.mem_alloc()
    from board import cable, packet, sim_board
    from firmware.app import station
    from firmware.run import frame_loop

    gc.collect()
    imported = gc.mem_alloc() - before
    assert 0 < imported <= FRAMED_IMPORT, imported
    desk = firmware.main.Desk("none.json", 0)
    link = firmware.main.build("sim:%d" % PORT, config.load(None), desk)
    try:
        gc.collect()
        built = gc.mem_alloc() - before - imported
        print("framed station: %d B imported, %d B built, %d B free" % (imported, built, gc.mem_free()))
        assert built <= FRAMED_BUILT, built
        assert gc.mem_free() >= FRAMED_FREE, gc.mem_free()
        assert cable and packet and sim_board and station and frame_loop
    finally:
        link.board.close()
