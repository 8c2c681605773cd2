"""Proof that a path allocates nothing (docs/design.md, frames). It means something on the 32-bit
image only: the 64-bit one keeps other objects, and CPython has no heap lock."""

import gc

import micropython


def locked(call):
    """call() while the heap is locked: the first allocation raises MemoryError. `call` takes no
    argument."""
    gc.collect()
    micropython.heap_lock()
    try:
        call()
    finally:
        micropython.heap_unlock()
