"""What the steps of the build share: progress lines, commands with a log, stamps, and one run at a
time."""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from host_tools.root import BUILD, ROOT

LOGS = BUILD / "log"

_begin = time.monotonic()


class Missing(Exception):
    """Something cannot be had; str() says what and how to get it."""


def say(text):
    """One line of progress, with the seconds since the start."""
    print("[%5.1f s] %s" % (time.monotonic() - _begin, text), flush=True)


def run(name, command, title="", remedy="", limit_s=1800, **more):
    """Run a command with its output in build/log/NAME.log.

    `title` is its line of progress; on a terminal the seconds run on in it. Missing with the end of the log and the
    `remedy` if it fails or takes more than `limit_s` seconds. `more` goes to Popen.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (name + ".log")
    # `make` hands its own options down, and they are not meant for the builds below.
    env = {k: v for k, v in (more.pop("env", None) or os.environ).items() if k not in ("MAKEFLAGS", "MFLAGS")}
    live = bool(title) and sys.stdout.isatty()
    if title and not live:
        say(title)
    begin = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, start_new_session=True,
            **more,
        )  # fmt: skip
        try:
            while process.poll() is None and time.monotonic() - begin < limit_s:
                if live:
                    print("\r[%5.1f s] %s" % (time.monotonic() - _begin, title), end="", flush=True)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5 if live else limit_s - (time.monotonic() - begin))
        finally:
            late = process.poll() is None
            if late:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if live:
                print(flush=True)
    if process.returncode:
        tail = log.read_text(errors="replace").splitlines()[-25:]
        why = "took more than %d s" % limit_s if late else "failed"
        text = "%s %s; the end of %s:\n    %s" % (name, why, log.relative_to(ROOT), "\n    ".join(tail))
        raise Missing(text + ("\n" + remedy if remedy else ""))


def stamp_of(*parts):
    """Digest of texts, and of the names and contents of files and folders."""
    h = hashlib.sha256()
    for part in parts:
        if not isinstance(part, Path):
            h.update(str(part).encode() + b"\0")
            continue
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if path.is_file() and path.suffix != ".pyc":
                h.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return h.hexdigest()


def fresh(name, stamp):
    """Was step `name` done with exactly this stamp?"""
    path = BUILD / "stamp" / name
    return path.exists() and path.read_text() == stamp


def done(name, stamp):
    path = BUILD / "stamp" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stamp)


@contextlib.contextmanager
def alone():
    """Two builds at a time in one checkout would write the same files: the second waits."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another build is running in this checkout, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
