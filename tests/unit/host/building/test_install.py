"""What `pip install .` makes: the package with its tree, laid out as the wheel has it, works from a
folder that is no checkout. Commands that need a checkout say so in one line. Host only."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.building.tree import copy_tree
from host_tools.cli import COMMANDS, OF_A_CHECKOUT
from host_tools.root import TOOLS
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)
MESSAGE = "0x8002 8008042624ae4790371b4d8d8908ad8062\n"


class Installed:
    """`with Installed() as microv2g`: call it with the words of a command line; (status, stdout,
    stderr)."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="with space ")
        self.base = Path(self._folder.name)
        ignore = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(TOOLS, self.base / "site" / "host_tools", ignore=ignore)
        copy_tree(self.base / "site" / "host_tools")
        (self.base / "here").mkdir()
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def __call__(self, *words, stdin=""):
        # The editable install of the environment stands behind this folder in sys.path.
        start = "import sys; sys.path.insert(0, %r); from host_tools.cli import main; sys.exit(main())"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "MICROV2G", "XDG_"))}
        env.update(HOME=str(self.base / "home"), PYTHONPATH=str(self.base / "site"))
        done = subprocess.run(
            [sys.executable, "-c", start % str(self.base / "site"), *words], cwd=self.base / "here", env=env, input=stdin,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr


def test_every_command_loads_and_those_of_a_checkout_say_so():
    with Installed() as microv2g:
        status, out, err = microv2g("--help")
        eq((status, err, "CANNOT" in out), (0, "", False))
        for name in OF_A_CHECKOUT:
            assert name in COMMANDS, name
            status, out, err = microv2g(name)
            eq((name, status, out, len(err.splitlines())), (name, 2, "", 1))
            assert "needs a checkout of microv2g" in err, err
        status, out, err = microv2g("exi", "decode", "--runtime", "unix", stdin=MESSAGE)
        eq((status, out, len(err.splitlines())), (2, "", 1))
        assert "checkout" in err and "--runtime cpython" in err, err


def test_codec_configuration_certificates_and_a_station_work():
    with Installed() as microv2g:
        status, out, _ = microv2g("exi", "decode", stdin=MESSAGE)
        assert status == 0 and "AuthorizationSetupReq" in out, out
        status, out, err = microv2g("secc", "--print-config")
        assert status == 0 and "setpoint_w" in out, err
        status, out, err = microv2g("pki", "new", "pki")
        assert status == 0 and (microv2g.base / "here" / "pki").is_dir(), err
        status, out, err = microv2g("selftest", "--sim", "--fault", "swapped", "--yes")
        assert "spi-swapped" in out, (status, out, err)


def test_modules_for_a_board_are_compiled():
    """Without a board: what `microv2g deploy` copies, from the sources of the installed tree into a
    cache of the user."""
    code = (
        "from host_tools.root import import_paths, BUILD, ROOT; import_paths()\n"
        "from host_tools.board.deploy import parts\n"
        "found = parts.files('rpi_pico', 'armv6m')\n"
        "print(len(found), '/main.py' in found, ROOT, BUILD)"
    )
    with Installed() as microv2g:
        site = microv2g.base / "site"
        env = dict(os.environ, PYTHONPATH=str(site), HOME=str(microv2g.base / "home"))
        env.pop("XDG_CACHE_HOME", None)
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.path.insert(0, %r)\n%s" % (str(site), code)],
            cwd=microv2g.base / "here", env=env, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        count, has_main, rest = done.stdout.split(" ", 2)
        assert int(count) > 60 and has_main == "True", done.stdout
        assert (
            str(site / "host_tools" / "tree") in rest and str(microv2g.base / "home" / ".cache" / "microv2g") in rest
        ), rest
