"""A recorded session, played to the session machine in simulated time, and its answers compared
with the recorded ones.

plan.py makes steps out of records; player.py runs them in MicroPython, against the frozen firmware;
compare.py finds the differences.
"""
