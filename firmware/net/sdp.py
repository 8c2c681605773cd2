"""SDP, the discovery protocol: a car asks by UDP where the station's TCP port is (ISO 15118-20,
7.10.1).

Pure: one datagram in, one answer or nothing out. Every valid request gets the same answer without
any side effect (R-SDP-06), so a probe that is never followed by a connection blocks nobody
(R-SDP-07).
"""

from codec.v2gtp import HEADER, write_header
from micropython import const

PORT = const(15118)  # UDP
ANSWER_SIZE = const(28)  # bytes: header 8, address 16, port 2, security 1, transport 1

# Policy: what the station can and wants to do about TLS.
TLS_NONE = const(0)  # no TLS here: plain TCP for everybody
TLS_ALLOWED = const(1)  # TLS unless the car asks for plain TCP
TLS_REQUIRED = const(2)  # TLS only

_REQUEST_SIZE = const(10)
_SECURITY_TLS = const(0x00)
_SECURITY_PLAIN = const(0x10)
_TRANSPORT_TCP = const(0x00)

_REQUEST_HEADER = b"\x01\xfe\x90\x00\x00\x00\x00\x02"
_ANSWER_TYPE = const(0x9001)
_ANSWER_PAYLOAD = const(20)


def is_request(buf, n):
    """True for exactly 10 bytes with version 01 FE, type 0x9000 and payload length 2 (R-SDP-02)."""
    if n != _REQUEST_SIZE:
        return False
    for i in range(HEADER):  # noqa: SIM110 - all() of a generator would allocate
        if buf[i] != _REQUEST_HEADER[i]:
            return False
    return True


def policy_of(tls, plain):
    """The policy of a station that has TLS or not and takes cars without it or not. With neither it
    says "TLS only", which no car can use then."""
    if not plain:
        return TLS_REQUIRED
    return TLS_ALLOWED if tls else TLS_NONE


def security_answer(policy, asked):
    """Security byte of the answer for the byte that the car sent (R-SDP-04).

    | policy   | asked TLS 00 | asked plain 10 | anything else |
    | none     | 10           | 10             | 10            |
    | allowed  | 00           | 10             | 00            |
    | required | 00           | 00             | 00            |

    What the car sent is never copied. A value that the standard does not define gets the safer
    answer.
    """
    if policy == TLS_NONE or (policy == TLS_ALLOWED and asked == _SECURITY_PLAIN):
        return _SECURITY_PLAIN
    return _SECURITY_TLS


class SdpServer:
    """Answers requests with one address and port.

    address: 16 bytes, the link-local address of the vehicle interface. port: TCP port that listens already (R-SDP-05).
    `ready` is the state of the data link: no answer without it (R-SDP-01). Counters: `answered`, `dropped` (not a
    request), `not_ready`.
    """

    def __init__(self, address, port, policy=TLS_NONE):
        self.address = address
        self.port = port
        self.policy = policy
        self.ready = True
        self.answered = 0
        self.dropped = 0
        self.not_ready = 0

    def answer(self, buf, n, out):
        """Judge the datagram buf[0:n]; write the answer into out (28 bytes or more). Return its
        size, or 0 for silence."""
        if not is_request(buf, n):
            self.dropped += 1
            return 0
        if not self.ready:
            self.not_ready += 1
            return 0
        at = write_header(out, 0, _ANSWER_TYPE, _ANSWER_PAYLOAD)
        out[at : at + 16] = self.address
        out[at + 16] = self.port >> 8
        out[at + 17] = self.port & 0xFF
        out[at + 18] = security_answer(self.policy, buf[HEADER])
        out[at + 19] = _TRANSPORT_TCP  # always TCP: the standard has no other transport for V2GTP sessions
        self.answered += 1
        return ANSWER_SIZE
