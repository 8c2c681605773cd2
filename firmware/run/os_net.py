"""IPv6 sockets of the operating system: the differences of MicroPython's unix port and CPython, and
nothing else.

MicroPython takes and gives raw sockaddr bytes and has no getsockname(); CPython has tuples.
Addresses are 16 bytes here. CPython is served so that tests can run on the desk; the product runs
on MicroPython.
"""

import socket
import struct
import sys

from firmware.run.errors import StartError
from micropython import const

_MICROPYTHON = sys.implementation.name == "micropython"

LOOPBACK = b"\0" * 15 + b"\1"

_AF_INET6 = const(10)
_SOL_SOCKET = const(1)
_SO_REUSEADDR = const(2)
_SO_LINGER = const(13)
_SO_BINDTODEVICE = const(25)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)
_IPPROTO_IPV6 = const(41)
_IPV6_JOIN_GROUP = const(20)
_IPV6_V6ONLY = const(26)
_ALL_NODES = b"\xff\x02" + b"\0" * 13 + b"\1"
_AGAIN = const(11)  # EAGAIN
_NO_INTERFACE = const(19)  # ENODEV
_NO_ADDRESS = const(99)  # EADDRNOTAVAIL


class NetError(StartError):
    """The network cannot be used as asked; str() says why and what can be done."""


def interface(name):
    """Return (index, address) of an interface: its link-local address, or ::1 for the loopback
    interface.

    Raises NetError if there is no such interface or it has no usable IPv6 address.
    """
    try:
        with open("/sys/class/net/%s/ifindex" % name) as f:
            index = int(f.read())
    except OSError:
        raise NetError("no network interface named %s" % name)
    address = None
    try:
        with open("/proc/net/if_inet6") as f:
            for line in f:
                # address, index, prefix length, scope, flags, name; flag 40: tentative, not usable
                # yet
                words = line.split()
                if len(words) != 6 or words[5] != name or int(words[4], 16) & 0x40:
                    continue
                if words[0].startswith("fe8") or (name == "lo" and int(words[0], 16) == 1):
                    address = bytes([int(words[0][i : i + 2], 16) for i in range(0, 32, 2)])
    except OSError:
        raise NetError("this system has no IPv6")
    if address is None:
        raise NetError("%s has no %s; is it up, and IPv6 on?" % (name, "::1" if name == "lo" else "link-local address"))
    return index, address


def text(address):
    """16 bytes as text, with the longest run of zero groups shortened."""
    groups = ["%x" % (address[i] << 8 | address[i + 1]) for i in range(0, 16, 2)]
    best, at = 1, -1  # one zero alone is not shortened
    for i in range(8):
        n = 0
        while i + n < 8 and groups[i + n] == "0":
            n += 1
        if n > best:
            best, at = n, i
    if at < 0:
        return ":".join(groups)
    return ":".join(groups[:at]) + "::" + ":".join(groups[at + best :])


def sockaddr(address, port, scope):
    """What bind, connect and sendto take."""
    if _MICROPYTHON:
        return struct.pack("@H", _AF_INET6) + struct.pack(">HI", port, 0) + address + struct.pack("@I", scope)
    return (socket.inet_ntop(socket.AF_INET6, address), port, 0, scope)


def parse(addr):
    """(address, port, scope) of what recvfrom and accept give."""
    if _MICROPYTHON:
        return addr[8:24], addr[2] << 8 | addr[3], struct.unpack("@I", addr[24:28])[0]
    return socket.inet_pton(socket.AF_INET6, addr[0].split("%")[0]), addr[1], addr[3]


def udp_server(name, index, port):
    """A non-blocking UDP socket on one interface, member of ff02::1. Second value: the kernel
    filters the interface."""
    s = socket.socket(_AF_INET6, socket.SOCK_DGRAM)
    try:
        s.setsockopt(_IPPROTO_IPV6, _IPV6_V6ONLY, 1)
        s.setsockopt(_SOL_SOCKET, _SO_BINDTODEVICE, name.encode() + b"\0")
    except OSError:
        pass  # refused to some users on old kernels: the caller looks at the scope of each sender anyway
    try:
        # No SO_REUSEADDR: a second station on this interface must fail, not steal every other
        # request.
        s.bind(sockaddr(b"\0" * 16, port, 0))
        s.setsockopt(_IPPROTO_IPV6, _IPV6_JOIN_GROUP, _ALL_NODES + struct.pack("@I", index))
    except OSError as e:
        s.close()
        raise NetError("UDP port %d on %s: %s" % (port, name, _reason(e)))
    s.setblocking(False)
    return s


def tcp_listener(address, port, index):
    """A non-blocking listener on the address of one interface. Raises OSError: the port may be in
    use."""
    s = socket.socket(_AF_INET6, socket.SOCK_STREAM)
    try:
        s.setsockopt(_SOL_SOCKET, _SO_REUSEADDR, 1)  # a restart must not wait for old connections in TIME_WAIT
        s.bind(sockaddr(address, port, 0 if address == LOOPBACK else index))
        s.listen(2)
    except OSError:
        s.close()
        raise
    s.setblocking(False)
    return s


def accept(listener):
    """(socket, sender), or (None, None) if the caller has gone already."""
    try:
        conn, addr = listener.accept()
    except OSError:
        return None, None
    conn.setblocking(False)
    conn.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)  # an answer is one small segment: it must not wait for an ACK
    return conn, addr


def read(sock, buf):
    """Read into buf: bytes read, 0 at the end of the stream, None if there is nothing now. OSError:
    connection lost."""
    if _MICROPYTHON:
        return sock.readinto(buf)
    try:
        return sock.recv_into(buf)
    except BlockingIOError:
        return None


def write(sock, view):
    """Write as much as goes now; return the number of bytes. OSError: connection lost."""
    try:
        return sock.send(view)
    except OSError as e:
        if e.args[0] == _AGAIN:
            return 0
        raise


def reset_on_close(sock):
    """close() breaks the connection off: RST, and what waits is lost."""
    sock.setsockopt(_SOL_SOCKET, _SO_LINGER, struct.pack("@ii", 1, 0))


def receive(sock, size):
    """One datagram: (data, sender); (None, None) if there is none. Longer ones are cut to
    `size`."""
    try:
        return sock.recvfrom(size)
    except OSError:
        return None, None


def send_to(sock, data, addr):
    """Send one datagram; False if the system refuses it."""
    try:
        sock.sendto(data, addr)
    except OSError:
        return False
    return True


def _reason(e):
    number = e.args[0] if e.args else 0
    if number == 98:
        return "in use by another program"
    if number == 13:
        return "not permitted"
    return "error %s" % number
