"""What pyproject.toml cannot say: the wheel carries the sources that the commands need, below host_tools/tree.

The firmware runs on CPython, is compiled for boards and explains its records: codec/, drivers/, firmware/ and boards/ belong
to the tools, but not as four packages of everybody's site-packages.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
TREE = ("boards", "codec", "drivers", "firmware")


def copy_tree(target):
    """Copy what is in TREE below `target`."""
    for name in TREE:
        shutil.copytree(HERE / name, target / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


class BuildPy(build_py):
    def run(self):
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # an earlier build may have left files that are gone
        super().run()
        if not self.editable_mode:
            copy_tree(Path(self.build_lib) / "host_tools" / "tree")


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildPy})
