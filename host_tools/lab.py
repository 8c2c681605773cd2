"""What desks, demos and CI set in the configuration of a station, and a station in the field must
not: its power stage may be simulated, everybody is authorised, power may flow out of the car.

Runs on MicroPython too: the worlds of the tests take it.
"""

LAB = {"lab": True, "export": "free", "authorization": "free"}


def lab(changes=None):
    """LAB with `changes` over it, a new dict."""
    out = dict(LAB)
    out.update(changes or {})
    return out
