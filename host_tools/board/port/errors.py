"""What can go wrong at a serial port. str() says what happened, what was tried and what to
check."""


class PortError(Exception):
    """The port cannot be used, or is gone."""


class NoAnswer(PortError):
    """The port is open, and nobody answered."""


class Refusal(Exception):
    """The station answered and refused; str() is its reason."""
