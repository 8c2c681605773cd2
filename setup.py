"""What pyproject.toml cannot say: the wheel carries the sources that the commands need
(host_tools/building/tree.py)."""

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))

from host_tools.building.tree import copy_tree


class BuildPy(build_py):
    def run(self):
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # an earlier build may have left files that are gone
        super().run()
        copy_tree(Path(self.build_lib) / "host_tools")


setup(cmdclass={"build_py": BuildPy})
