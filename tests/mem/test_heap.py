"""Heap on the 32-bit image against the committed budget."""

import gc
import sys

RUNTIMES = ("unix32",)
HEAP_KB = 400

_before = 0
gc.collect()
_before = gc.mem_alloc()
import firmware.main  # noqa: F401 - its size is what is measured

gc.collect()
_IMPORTED = gc.mem_alloc() - _before

from codec import exi
from codec.slots import (
    MSG,
    Authorization,
    AuthorizationReq,
    ContractCertificateChain,
    MessageHeader,
    PnC_AReqAuthorizationMode,
    SubCertificates,
)
from tests.lib import codec_cost
from tests.lib.driver import DC_BPT, DYNAMIC, STOP
from tests.lib.mtest import raises
from tests.lib.world import World
from tests.mem.budget import CODEC_HEAP, SESSIONS_LEFT, STATION_IMPORT


def root():
    return next(p for p in sys.path if p.startswith("/")).rstrip("/")


def test_modules_of_the_station():
    assert 0 < _IMPORTED <= STATION_IMPORT, _IMPORTED


def test_decode_and_encode_stay_in_budget():
    over = []
    seen = 0
    for name, schema, data in codec_cost.messages(root()):
        heap_in, heap_out, _, _ = codec_cost.cost(schema, data)
        seen += 1
        if heap_in > CODEC_HEAP[name][0] or heap_out > CODEC_HEAP[name][1]:
            over.append((name, heap_in, heap_out))
    assert seen == len(CODEC_HEAP) and not over, over


def test_a_request_with_four_certificates_takes_no_memory_for_them():
    """Its 4.4 kB lie in the buffer of the cutter already. (21 kB of heap when octets were
    copied.)"""
    header, sub = [None] * MessageHeader.LEN, [None] * SubCertificates.LEN
    header[MessageHeader.SessionID], header[MessageHeader.TimeStamp] = b"12345678", 1800000000
    sub[SubCertificates.Certificate] = [bytes([i]) * 1100 for i in (1, 2, 3)]
    chain, mode = [None] * ContractCertificateChain.LEN, [None] * PnC_AReqAuthorizationMode.LEN
    chain[ContractCertificateChain.Certificate], chain[ContractCertificateChain.SubCertificates] = b"\x09" * 1100, sub
    mode[PnC_AReqAuthorizationMode.Id], mode[PnC_AReqAuthorizationMode.GenChallenge] = "ID1", b"c" * 16
    mode[PnC_AReqAuthorizationMode.ContractCertificateChain] = chain
    req = [None] * AuthorizationReq.LEN
    req[AuthorizationReq.Header], req[AuthorizationReq.PnC_AReqAuthorizationMode] = header, mode
    req[AuthorizationReq.SelectedAuthorizationService] = Authorization.PnC
    buf = bytearray(5000)
    n = exi.encode(MSG.AuthorizationReq, req, buf, 0)
    data = bytes(buf[:n])

    def decode():
        buf[0:n] = data
        return exi.decode_here(exi.CM, buf, 0, n)

    assert decode() == (MSG.AuthorizationReq, req) and n > 4400
    used = codec_cost.heap(decode)
    assert used <= 1000, used


def test_message_larger_than_the_heap():
    """With 3 kB left, a message that needs 5 kB is an ExiError, and the next one decodes: nothing
    stays behind."""
    _name, schema, data = next(m for m in codec_cost.messages(root()) if m[0] == "ScheduleExchangeRes")
    small = next(m for m in codec_cost.messages(root()) if m[0] == "SessionStopReq")
    exi.decode(schema, data, 0, len(data))
    gc.collect()
    ballast = []
    while gc.mem_free() > 3000:
        ballast.append(bytearray(500))
    try:
        error = raises(exi.ExiError, exi.decode, schema, data, 0, len(data))
        gc.collect()
        exi.decode(small[1], small[2], 0, len(small[2]))
    finally:
        ballast.clear()
        gc.collect()
    assert error.code == exi.ExiError.MEMORY
    exi.decode(schema, data, 0, len(data))


def session(w):
    w.to_loop(DC_BPT, DYNAMIC)
    for _ in range(5):
        w.loop(DC_BPT, DYNAMIC, soc=50)
        w.sleep(100)
    w.power_delivery(STOP)
    w.welding()
    w.stop()
    w.secc.lost(w.now)
    w.sleep(100)
    w.trace.clear()


def test_free_heap_returns_to_its_mark():
    """20 sessions in one process: nothing is left behind."""
    w = World()
    session(w)
    session(w)
    gc.collect()
    mark = gc.mem_alloc()
    for _ in range(20):
        session(w)
    gc.collect()
    assert gc.mem_alloc() - mark <= SESSIONS_LEFT, gc.mem_alloc() - mark
