"""The settings of desk and CI, in one place: demo, interop, emulator, bench and tests put their own
configuration over it. Never of a station at a car: what is simulated counts as real here."""

LAB = {"lab": True}
