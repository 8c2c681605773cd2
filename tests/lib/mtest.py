"""Helpers of test files; run on CPython and MicroPython."""


class Skip(Exception):
    """Raised by skip(): the test does not apply here."""


def skip(reason):
    raise Skip(reason)


def eq(a, b):
    """Assert a == b and show both."""
    if a != b:
        raise AssertionError("%r != %r" % (a, b))


def raises(exception, function, *args, **kwargs):
    """Assert that the call raises `exception`; return what was raised."""
    try:
        function(*args, **kwargs)
    except exception as e:
        return e
    raise AssertionError("%s was not raised" % exception.__name__)
