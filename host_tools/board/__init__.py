"""A board at a serial port or in its boot ROM."""
