"""For pytest, as an editor runs it: the paths of tests/run.py, its skip(), and which files run on
CPython."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from host_tools.root import import_paths

import_paths()

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
