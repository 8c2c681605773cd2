"""firmware/run/os_net.py: interfaces by name, addresses as text."""

from firmware.run import os_net


def test_interface_errors_are_clear():
    for name, word in (("nosuch0", "nosuch0"), ("", "no network interface")):
        try:
            os_net.interface(name)
        except os_net.NetError as e:
            assert word in str(e)
            continue
        raise AssertionError(name)
    assert os_net.interface("lo") == (1, os_net.LOOPBACK)


def test_addresses_as_text():
    for data, text in (
        (os_net.LOOPBACK, "::1"),
        (bytes(16), "::"),
        (b"\xfe\x80" + bytes(6) + b"\x00\xfc\x00\xff\xfe\x00\x00\x01", "fe80::fc:ff:fe00:1"),
        (bytes(range(16)), "1:203:405:607:809:a0b:c0d:e0f"),
        (b"\x00\x01\x00\x00\x00\x02" + bytes(10), "1:0:2::"),
    ):
        assert os_net.text(data) == text
        assert os_net.parse(os_net.sockaddr(data, 50000, 3))[:2] == (data, 50000)
