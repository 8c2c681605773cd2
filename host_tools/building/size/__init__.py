"""Code size and heap of the firmware, by part, against a committed budget."""
