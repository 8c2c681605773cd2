"""What the firmware imports from `micropython`, for CPython: names without effect."""


def const(value):
    return value


def native(function):
    return function


viper = native
bytecode = native


def heap_lock():
    pass


heap_unlock = heap_lock
