"""For pytest, as an editor runs it: the paths of tests/run.py, its skip(), and which files run on CPython."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT),
    str(ROOT / "host_tools" / "shim"),
    str(ROOT / "boards" / "unix"),
    str(ROOT / "boards" / "common"),
]
sys.path.append(str(ROOT / "host_tools"))

from tests.lib.mtest import Skip
from tests.run import Module


def pytest_ignore_collect(collection_path):
    if collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        return "cpython" not in Module(collection_path).options.get("RUNTIMES", ("cpython",)) or None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except Skip as reason:
        pytest.skip(str(reason))
