"""Checks of the sources: python -m host_tools.checks lint gen-check"""
