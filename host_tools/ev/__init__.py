"""A simulated car: battery, limits and the vehicle side of ISO 15118-20, on the machine contract of
the firmware."""
