"""What an installed package has of a checkout: the sources that the commands need, as
host_tools/tree (setup.py, root.py).

The firmware runs on CPython, is compiled for boards and explains its records: codec/, drivers/,
firmware/ and boards/ belong to the tools, but not as four packages of everybody's site-packages.
"""

import shutil

from host_tools.root import ROOT

TREE = ("boards", "codec", "drivers", "firmware")


def copy_tree(package):
    """Copy what is in TREE into `package`, a folder host_tools that is made or built."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in TREE:
        shutil.copytree(ROOT / name, package / "tree" / name, ignore=ignore, dirs_exist_ok=True)
