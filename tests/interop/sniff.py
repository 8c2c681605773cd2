"""Record TCP payloads on an interface with the kernel's time stamps: sniff.py IFACE OUT. Ends on
SIGTERM; root.

One line for each packet with payload: `nanoseconds source-port destination-port hex`.
"""

import signal
import socket
import struct
import sys

_ALL = 3  # ETH_P_ALL
_TIMESTAMPNS = 35
_TCP = 6


def main(interface, path):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    sock.bind((interface, 0))
    sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(path, "w", buffering=1) as out:
        print("ready", flush=True)
        while True:
            frame, control, _, _ = sock.recvmsg(65536, 256)
            stamp = next((data for level, kind, data in control if kind == _TIMESTAMPNS), None)
            if stamp is None or frame[12:14] != b"\x86\xdd" or frame[20] != _TCP:
                continue
            seconds, nanos = struct.unpack("qq", stamp[:16])
            end = 54 + int.from_bytes(frame[18:20], "big")
            tcp = frame[54:end]
            payload = tcp[(tcp[12] >> 4) * 4 :]
            if payload:
                ports = struct.unpack(">HH", tcp[:4])
                out.write("%d %d %d %s\n" % (seconds * 10**9 + nanos, ports[0], ports[1], payload.hex()))


if __name__ == "__main__":
    main(*sys.argv[1:])
