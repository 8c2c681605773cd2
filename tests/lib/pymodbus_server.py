"""PyPI's pymodbus as slaves on a serial line, in a thread: what is in their registers is encoded by
pymodbus alone."""

import asyncio
import logging
import os
import threading
import tty

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.lib.patience import LIMIT_S

_NO_BITS = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
_NO_WORDS = [SimData(65000, values=[0], datatype=DataType.REGISTERS)]
FLOAT, U16, S16, U32, TEXT = DataType.FLOAT32, DataType.UINT16, DataType.INT16, DataType.UINT32, DataType.STRING


def device(address, holding=(), inputs=()):
    """A slave. holding, inputs: (register, type, values)."""
    blocks = [[SimData(at, values=v, datatype=t) for at, t, v in block] or _NO_WORDS for block in (holding, inputs)]
    return SimDevice(address, (_NO_BITS, _NO_BITS, blocks[0], blocks[1]))


class Server:
    """with Server(devices) as server: server.master is the other end of the line, a descriptor.
    written: [(address, register, words)] of what was written to the slaves."""

    def __init__(self, devices):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.written = []
        self._devices = devices
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it tells each register that is not there
        self._thread.start()
        assert self._ready.wait(LIMIT_S), "pymodbus has not opened its port"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(LIMIT_S)
        os.close(self.master)
        os.close(self._slave)

    def _heard(self, sending, pdu):
        if not sending and pdu.function_code == 16:
            self.written.append((pdu.dev_id, pdu.address, list(pdu.registers)))
        return pdu

    def _run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        # Parity and speed mean nothing on a pseudo terminal, and this kernel refuses parity there.
        server = ModbusSerialServer(
            self._devices,
            port=os.ttyname(self._slave),
            baudrate=19200,
            trace_pdu=self._heard,
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        self._ready.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await server.shutdown()
