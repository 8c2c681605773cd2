"""The source of MicroPython 1.25: a folder that is given, or the distribution's source package, or a git clone."""

import os
import shutil
from pathlib import Path

from host_tools.building.step import BUILD, Missing, done, fresh, run

TAG = "v1.25.0"
GIT = "https://github.com/micropython/micropython"
SUITE = "trixie"  # the release of Debian that has 1.25
_FETCH_LIMIT_S = 300


def source():
    """Folder of the MicroPython source; fetched into build/micropython unless MICROPY_DIR names one."""
    given = os.environ.get("MICROPY_DIR")
    if given:
        path = Path(given).expanduser().resolve()
        if not (path / "ports" / "unix" / "Makefile").is_file():
            raise Missing("MICROPY_DIR=%s holds no source of MicroPython (ports/unix is not there)" % given)
        return path
    path = BUILD / "micropython"
    if fresh("source", TAG) and path.is_dir():
        return path
    tries = []
    for how in (_from_debian, _from_git):
        shutil.rmtree(path, ignore_errors=True)
        try:
            how(path)
        except (Missing, OSError) as error:
            tries.append(str(error).strip())
            continue
        done("source", TAG)
        return path
    raise Missing(
        "the source of MicroPython %s cannot be had.\n  %s\n" % (TAG, "\n  ".join(tries))
        + "Connect to a network, or unpack it by hand and name the folder: make demo MICROPY_DIR=/path/to/micropython"
    )


def _from_debian(path):
    """By a private apt configuration below build/apt; the system's own state of apt is only read."""
    if not shutil.which("apt-get"):
        raise Missing("no apt-get here to fetch the source package of Debian with")
    entries = source_entries(Path("/etc/apt"), SUITE)
    if not entries:
        raise Missing("no entry for Debian's main archive in the sources of apt to derive the one for %s from" % SUITE)
    apt = BUILD / "apt"
    for sub in ("parts", "lists/partial", "cache/archives/partial", "dl"):
        (apt / sub).mkdir(parents=True, exist_ok=True)
    (apt / "parts" / "source.sources").write_text("\n\n".join(entries) + "\n")
    (apt / "apt.conf").write_text(
        'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "%s/parts";\nDir::State::Lists "%s/lists";\n'
        'Dir::Cache "%s/cache";\nAPT::Sandbox::User "root";\nAcquire::Retries "2";\nAPT::Update::Error-Mode "any";\n'
        % (apt, apt, apt)
    )
    env = dict(os.environ, APT_CONFIG=str(apt / "apt.conf"))
    title = "fetching the source of MicroPython (source package of Debian %s)" % SUITE
    run("source-update", ["apt-get", "update"], title, limit_s=_FETCH_LIMIT_S, env=env)
    fetch = ["apt-get", "source", "--download-only", "micropython"]
    run("source-fetch", fetch, limit_s=_FETCH_LIMIT_S, env=env, cwd=apt / "dl")
    archives = sorted((apt / "dl").glob("micropython_%s*.orig.tar.xz" % TAG.lstrip("v")))
    if not archives:
        raise Missing("the source package of Debian is not MicroPython " + TAG)
    path.mkdir(parents=True)
    run("source-unpack", ["tar", "xf", str(archives[-1]), "-C", str(path), "--strip-components=1"], "unpacking it")


def source_entries(etc_apt, suite):
    """deb-src entries (deb822 text) for `suite`, one for each entry of Debian's main archive below `etc_apt`.

    Only the suite changes: mirror, key and options stay as the system has them. Security and foreign archives are left
    out: they have no such suite.
    """
    out = []
    for file in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        for block in file.read_text().split("\n\n"):
            lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
            fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].split() for line in lines if ":" in line}
            if "main" in fields.get("components", ()) and any("-" not in s for s in fields.get("suites", ())):
                keep = [line for line in lines if not line.lower().startswith(("types:", "suites:", "enabled:"))]
                out.append("\n".join(["Types: deb-src", "Suites: " + suite, *keep]))
    lists = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for file in lists:
        for line in file.read_text().splitlines() if file.is_file() else ():
            head, _, tail = line.partition("]") if "[" in line else ("", "", line.removeprefix("deb"))
            words = tail.split()
            if not line.startswith("deb ") or len(words) < 3 or "-" in words[1] or "main" not in words[2:]:
                continue
            entry = ["Types: deb-src", "Suites: " + suite, "URIs: " + words[0], "Components: main"]
            key = [option for option in head.partition("[")[2].split() if option.startswith("signed-by=")]
            out.append("\n".join(entry + ["Signed-By: " + option.split("=", 1)[1] for option in key]))
    return out


def _from_git(path):
    if not shutil.which("git"):
        raise Missing("no git here to clone the source with")
    env = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    command = ["git", "clone", "-q", "--depth", "1", "--branch", TAG, GIT, str(path)]
    run("source-clone", command, "cloning the source of MicroPython %s" % TAG, limit_s=_FETCH_LIMIT_S, env=env)
