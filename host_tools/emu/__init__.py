"""The emulated bench: the true RP2040 image in rp2040js, in lock-step with the models of
host_tools/twin and a simulated car."""
