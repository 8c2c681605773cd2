"""Certificates of ISO 15118-20 for tests and trials: make them, explain them, break them."""
