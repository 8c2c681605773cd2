"""Finish a copy of modules onto this board (`microv2g deploy`) that was cut off, before anything of
it is imported.

New files lie in a folder of their own, by number, until all of them are there. Then the file TODO
appears: `12 /lib/codec/exi.mpy` puts number 12 in its place, `- /lib/old.mpy` removes. Whatever of
it is done already is passed over, so that it can be begun again.
"""

import os

STAGE = "/microv2g.new"
TODO = "/microv2g.todo"


def _there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _folders(path):
    at = path.find("/", 1)
    while at > 0:
        if not _there(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)


def _remove(path):
    """And the folders that are empty then: an empty one would hide a frozen package of its name."""
    try:
        os.remove(path)
        while path.rfind("/") > 0:
            path = path[: path.rfind("/")]
            os.rmdir(path)
    except OSError:
        pass


def finish():
    """True if there was something to do."""
    if not _there(TODO):
        return False
    with open(TODO) as todo:
        for line in todo:
            what, path = line.strip().split(" ", 1)
            new = STAGE + "/" + what
            if what == "-":
                _remove(path)
            elif _there(new):
                _folders(path)
                try:
                    os.rename(new, path)
                except OSError:
                    if not _there(path):
                        raise
                    os.remove(path)  # FAT does not replace
                    os.rename(new, path)
    if _there(STAGE):
        os.rmdir(STAGE)
    os.remove(TODO)
    return True
