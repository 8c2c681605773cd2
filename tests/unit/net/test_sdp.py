"""firmware/net/sdp.py: R-SDP-01, -02, -04, -05, -06, -07."""

from firmware.net.sdp import TLS_ALLOWED, TLS_NONE, TLS_REQUIRED, SdpServer, policy_of, security_answer

ADDRESS = b"\xfe\x80" + bytes(6) + b"\x00\xfc\x00\xff\xfe\x00\x00\x01"
REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00"


def ask(server, data):
    out = bytearray(40)
    n = server.answer(data, len(data), out)
    return bytes(out[:n])


def test_answer_of_28_bytes_r_sdp_05():
    answer = ask(SdpServer(ADDRESS, 0xC123), REQUEST)
    assert answer == b"\x01\xfe\x90\x01\x00\x00\x00\x14" + ADDRESS + b"\xc1\x23\x10\x00"
    assert len(answer) == 28


def test_recorded_answer_is_matched():
    # Corpus, session_DC_dynamic: request and answer of an independent station.
    recorded = (
        b"\x01\xfe\x90\x01\x00\x00\x00\x14"
        b"\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x0e\x02\xd5\x1d\x10\x00"
    )
    assert ask(SdpServer(recorded[8:24], 0xD51D), REQUEST) == recorded


def test_only_the_exact_request_is_answered_r_sdp_02():
    server = SdpServer(ADDRESS, 50000)
    bad = [REQUEST[:n] for n in range(10)] + [REQUEST + b"\x00", REQUEST + REQUEST]
    for at in range(8):
        for bit in range(8):
            data = bytearray(REQUEST)
            data[at] ^= 1 << bit
            bad.append(bytes(data))
    bad.append(b"\x01\xfe\x90\x01\x00\x00\x00\x02\x10\x00")
    for data in bad:
        assert ask(server, data) == b""
    assert server.dropped == len(bad) and server.answered == 0
    assert len(ask(server, REQUEST)) == 28  # and the service goes on
    assert server.answered == 1


def test_security_policy_r_sdp_04():
    table = (
        (TLS_NONE, 0x00, 0x10),
        (TLS_NONE, 0x10, 0x10),
        (TLS_NONE, 0x7F, 0x10),
        (TLS_ALLOWED, 0x00, 0x00),
        (TLS_ALLOWED, 0x10, 0x10),
        (TLS_ALLOWED, 0x7F, 0x00),
        (TLS_REQUIRED, 0x00, 0x00),
        (TLS_REQUIRED, 0x10, 0x00),
        (TLS_REQUIRED, 0x7F, 0x00),
    )
    for policy, asked, wanted in table:
        assert security_answer(policy, asked) == wanted
        request = REQUEST[:8] + bytes([asked, 0])
        assert ask(SdpServer(ADDRESS, 50000, policy), request)[26] == wanted


def test_policy_of_a_configuration_r_sdp_04():
    table = (
        (False, True, TLS_NONE),
        (True, True, TLS_ALLOWED),
        (True, False, TLS_REQUIRED),
        (False, False, TLS_REQUIRED),
    )
    for tls, plain, wanted in table:
        assert policy_of(tls, plain) == wanted


def test_nothing_of_the_request_is_copied_r_sdp_04():
    server = SdpServer(ADDRESS, 50000, TLS_ALLOWED)
    for security in range(256):
        for transport in (0, 0x10, 0x7F, 0xFF):
            answer = ask(server, REQUEST[:8] + bytes([security, transport]))
            assert answer[26] in (0x00, 0x10) and answer[27] == 0x00


def test_same_answer_to_every_repeat_r_sdp_06():
    server = SdpServer(ADDRESS, 50000)
    first = ask(server, REQUEST)
    for _ in range(50):
        assert ask(server, REQUEST) == first
    assert server.answered == 51


def test_silence_until_the_data_link_is_ready_r_sdp_01():
    server = SdpServer(ADDRESS, 50000)
    server.ready = False
    assert ask(server, REQUEST) == b"" and server.not_ready == 1
    server.ready = True
    assert len(ask(server, REQUEST)) == 28
