"""The MicroPython images of this machine, which the firmware is frozen in."""

from host_tools.root import BUILD, CHECKOUT

FOLDERS = {"unix": "unix", "unix32": "mcu32"}  # runtime -> folder below build/


class NoImage(Exception):
    """It is not built; str() says what to do."""


def image(runtime):
    """Path of the program of runtime "unix" or "unix32". NoImage if it is not there."""
    path = BUILD / FOLDERS[runtime] / "micropython"
    if path.exists():
        return path
    if CHECKOUT:
        raise NoImage("build/%s/micropython is missing: run `make firmware-unix` first" % FOLDERS[runtime])
    raise NoImage(
        "--runtime %s needs a MicroPython image, and those are built in a checkout of microv2g (make firmware-unix); "
        "here is --runtime cpython" % runtime
    )
