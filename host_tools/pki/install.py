"""Certificates and key of a station onto its board, with the configuration that uses them, and the
clock that judges others.

Files are written beside the old ones, read back and renamed. The key goes over the serial line to
the board and nowhere else; it is never printed.
"""

import time
from pathlib import Path

from firmware.run.tls_files import CHAIN, KEY, ROOTS

PLACE = "/tls"
_MAKE_PLACE = """
import os
try:
    os.mkdir(%r)
except OSError:
    pass
"""
_CONFIGURE = """
from firmware.run.config_file import ConfigFile
c = ConfigFile()
c.set("tls_dir", %r)
c.set("tls", %r)
c.set("allow_plain", "false")
"""


class InstallError(Exception):
    """The files are not fit for a station; str() says why."""


def files(folder, profile):
    """{name: bytes} of the folder DIR/device of `microv2g pki new DIR` (or DIR itself).
    InstallError if something is wrong with them."""
    from host_tools.pki import explain

    folder = Path(folder)
    if (folder / "device").is_dir():
        folder = folder / "device"
    try:
        out = {name: (folder / name).read_bytes() for name in (CHAIN, KEY, ROOTS)}
    except OSError as error:
        raise InstallError("%s: %s; it must hold %s, %s and %s" % (folder, error.strerror, CHAIN, KEY, ROOTS))
    facts = explain.report([folder], profile)
    if not facts["ok"]:
        raise InstallError("\n".join([*explain.lines(facts), explain.summary(facts)]))
    return out


def install(port, folder, profile, say=lambda text: None):
    """Onto the board at `port`; it is restarted, and its clock set from this computer. say(text):
    progress."""
    from host_tools.board.deploy.copy import Copier
    from host_tools.board.flash.repl import Repl
    from host_tools.board.port import Station

    wanted = files(folder, profile)
    with Repl(port) as board:
        board.run(_MAKE_PLACE % PLACE)
        copier = Copier(board)
        for name, data in wanted.items():
            path = PLACE + "/" + name
            copier.write(path + ".new", data)
            board.run("os.rename(%r, %r)" % (path + ".new", path))
            say("%s, %d bytes" % (path, len(data)))
        board.run(_CONFIGURE % (PLACE, profile))
        say("tls %s, tls_dir %s, allow_plain false" % (profile, PLACE))
        board.leave("import machine; machine.reset()")
    time.sleep(1)  # USB comes anew
    with Station.open(port) as station:
        station.wait_running(30)
        station.ask("clock %d" % time.time())
    say("restarted, clock set")
