"""Switch checksum and segmentation offloads of interfaces off: python -m tests.interop.offload
IFACE... (root).

Between the ends of a virtual cable the kernel leaves checksums to hardware that is not there, and
frames may be larger than the MTU. Whoever reads raw frames sees that: our TCP checks every
checksum. This is what `ethtool -K` does.
"""

import array
import fcntl
import socket
import struct
import sys

_SIOCETHTOOL = 0x8946
# ETHTOOL_SRXCSUM STXCSUM SSG STSO SGSO SGRO of linux/ethtool.h
_COMMANDS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)


def off(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in _COMMANDS:
            value = array.array("B", struct.pack("=II", command, 0))
            request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(sock, _SIOCETHTOOL, request)
            except OSError as error:
                if error.errno != 95:  # EOPNOTSUPP: what it has not it cannot do
                    raise


if __name__ == "__main__":
    for name in sys.argv[1:]:
        off(name)
