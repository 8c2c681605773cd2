"""host_tools/cli.py: help, exit statuses, errors in one line. Host only."""

import os
import shlex
import subprocess
import sys

from host_tools import cli
from host_tools.root import ROOT
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # the command line of the host
# The command line with one more command, whose handler is the text that follows.
FAKE = """
import argparse, sys
from host_tools import cli
def fail(args):
    %s
cli.parser = lambda: type("P", (), {"parse_args": lambda self, argv: argparse.Namespace(func=fail)})()
sys.exit(cli.main([]))
"""


def microv2g(*arguments, text="", stdin=None, **env):
    command = [sys.executable, *(["-c", text] if text else ["-m", "host_tools"]), *arguments]
    env = dict({k: v for k, v in os.environ.items() if k != "MICROV2G_DEBUG"}, **env)
    done = subprocess.run(command, cwd=ROOT, env=env, input=stdin, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_help_shows_every_command_and_examples():
    status, out, _ = microv2g("--help")
    eq(status, 0)
    for name in cli.COMMANDS:
        assert "\n    %s " % name in out or "\n    %s\n" % name in out, name
    assert "examples:" in out, out


def test_every_command_has_help_with_examples():
    for name in cli.COMMANDS:
        status, out, _ = microv2g(name, "--help")
        eq((name, status), (name, 0))
        assert "microv2g %s" % name in out.partition("example")[2], (name, out)


def test_the_message_of_the_help_can_be_pasted():
    line = next(line for line in cli._EPILOG.splitlines() if line.strip().startswith("echo "))
    words = shlex.split(line)
    bar = words.index("|")
    status, out, err = microv2g("exi", "decode", stdin=" ".join(words[1:bar]) + "\n")
    eq((status, err), (0, ""))
    assert "AuthorizationSetupReq" in out, out


def test_no_command_and_wrong_command_are_usage_errors():
    eq(microv2g()[0], 2)
    eq(microv2g("nonsense")[0], 2)


def test_unexpected_error_is_one_line_unless_debugging():
    text = FAKE % "raise ValueError('the reason')"
    status, _, err = microv2g(text=text)
    eq((status, len(err.splitlines())), (1, 1))
    assert "the reason" in err and "MICROV2G_DEBUG" in err, err
    status, _, err = microv2g(text=text, MICROV2G_DEBUG="1")
    assert status == 1 and "Traceback" in err, err


def test_interrupt_is_130_and_quiet():
    eq(microv2g(text=FAKE % "raise KeyboardInterrupt"), (130, "", ""))


def test_status_of_the_command_is_the_exit_status():
    eq(microv2g(text=FAKE % "return 3")[0], 3)


def _with_broken_status(*arguments, **env):
    """The command line with a module of `status` that cannot be imported."""
    text = (
        "import sys\nfrom host_tools import cli\n"
        "class No:\n    def find_spec(self, name, path, target=None):\n"
        "        if name == 'host_tools.commands.status':\n            import host_tools.no_such_tool\n"
        "sys.meta_path.insert(0, No())\nsys.exit(cli.main(%r))" % (list(arguments),)
    )
    return microv2g(text=text, **env)


def test_a_command_that_cannot_be_imported_says_so_and_the_others_work():
    for arguments in (["status"], ["status", "--port", "x"], ["status", "--help"]):
        status, out, err = _with_broken_status(*arguments)
        eq((status, out, len(err.splitlines())), (1, "", 1))
        assert err.startswith("microv2g status: cannot be loaded: ModuleNotFoundError: "), err
        assert "no_such_tool" in err, err
    status, _, err = _with_broken_status("status", MICROV2G_DEBUG="1")
    assert status == 1 and "Traceback" in err, err
    status, out, _ = _with_broken_status("--help")
    assert status == 0 and "CANNOT BE LOADED: ModuleNotFoundError" in out, out
    eq(_with_broken_status("setpoint", "--help")[0], 0)
    eq(_with_broken_status("exi", "decode", "--nonsense")[0], 2)


def test_a_name_without_a_module_is_no_silence():
    text = "import sys\nfrom host_tools import cli\ncli.COMMANDS += ('nosuch',)\nsys.exit(cli.main(['nosuch']))"
    status, _, err = microv2g(text=text)
    assert status == 1 and "microv2g nosuch: cannot be loaded" in err, err
