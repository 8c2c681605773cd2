"""Sources of others that the images are built from: a folder that is given, or the distribution's
source package, or a git clone."""

import os
import shutil
from pathlib import Path

from host_tools.building.step import Missing, done, fresh, run
from host_tools.root import BUILD

TAG = "v1.25.0"
SUITE = "trixie"  # the release of Debian that has 1.25
_FETCH_LIMIT_S = 300


class Source:
    """One source: where it may come from, and `proof`, a file by which a folder is known to hold
    it.

    The folder of the tree goes by `name`, the name of Debian's source package; `env` is the
    variable that names another.
    """

    def __init__(self, name, title, env, tag, archive, git, proof):
        self.name = name
        self.title = title
        self.env = env
        self.tag = tag
        self.archive = archive
        self.git = git
        self.proof = proof

    def given(self):
        """The folder that the environment names, or None."""
        text = os.environ.get(self.env)
        if not text:
            return None
        path = Path(text).expanduser().resolve()
        if not (path / self.proof).is_file():
            raise Missing("%s=%s holds no source of %s (no %s there)" % (self.env, text, self.title, self.proof))
        return path

    def fetched(self):
        """The folder below build/, fetched if it is not there."""
        path = BUILD / self.name
        stamp = "source" if self is MICROPYTHON else "source-" + self.name
        if fresh(stamp, self.tag) and path.is_dir():
            return path
        tries = []
        for how in (_from_debian, _from_git):
            shutil.rmtree(path, ignore_errors=True)
            try:
                how(self, path)
            except (Missing, OSError) as error:
                tries.append(str(error).strip())
                continue
            done(stamp, self.tag)
            return path
        raise Missing(
            "the source of %s %s cannot be had.\n  %s\n" % (self.title, self.tag, "\n  ".join(tries))
            + "Connect to a network, or unpack it by hand and name the folder: make demo %s=/path/to/%s"
            % (self.env, self.name)
        )


MICROPYTHON = Source(
    "micropython", "MicroPython", "MICROPY_DIR", TAG, "micropython_%s*.orig.tar.xz" % TAG.lstrip("v"),
    "https://github.com/micropython/micropython", "ports/unix/Makefile",
)  # fmt: skip
# The suite has the latest of the long-term branch 3.6. A clone needs a tag: releases carry their
# generated files.
MBEDTLS = Source(
    "mbedtls", "mbedTLS", "MBEDTLS_DIR", "mbedtls-3.6.6", "mbedtls_3.6.*.orig.tar.bz2",
    "https://github.com/Mbed-TLS/mbedtls", "library/ssl_tls13_server.c",
)  # fmt: skip


def source():
    """Folder of the MicroPython source; fetched into build/micropython unless MICROPY_DIR names
    one."""
    return MICROPYTHON.given() or MICROPYTHON.fetched()


def mbedtls():
    """Folder of the mbedTLS source: what MBEDTLS_DIR names, or what a whole checkout of MicroPython
    carries, or build/mbedtls."""
    given = MBEDTLS.given()
    if given:
        return given
    carried = os.environ.get("MICROPY_DIR") and source() / "lib" / "mbedtls"
    if carried and (carried / MBEDTLS.proof).is_file():
        return carried
    return MBEDTLS.fetched()


# Packages of the same suite whose files are the source of something.
PACKAGES = {"pico-sdk": "pico-sdk-source", "tinyusb": "tinyusb-source"}


def port_source():
    """The MicroPython source with what the rp2 port wants below lib/: pico-sdk, TinyUSB, mbedTLS. A
    whole checkout that MICROPY_DIR names is taken as it is."""
    tree = source()
    wanted = {"pico-sdk": "pico_sdk_init.cmake", "tinyusb": "src/tusb.h", "mbedtls": MBEDTLS.proof}
    absent = [name for name, proof in wanted.items() if not (tree / "lib" / name / proof).is_file()]
    if not absent:
        return tree
    if os.environ.get("MICROPY_DIR"):
        raise Missing("MICROPY_DIR has no %s below lib/; run there: make -C ports/rp2 submodules" % ", ".join(absent))
    for name in absent:
        folder = mbedtls() if name == "mbedtls" else _package(name, wanted[name])
        place = tree / "lib" / name
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        place.unlink(missing_ok=True)
        place.symlink_to(os.path.relpath(folder, place.parent))
    return tree


def _package(name, proof):
    """build/NAME, out of the distribution's package that carries that source."""
    path = BUILD / name
    if fresh("source-" + name, SUITE) and (path / proof).is_file():
        return path
    env = _apt()
    package = PACKAGES[name]
    run("package-" + name, ["apt-get", "download", package], "fetching " + package, limit_s=_FETCH_LIMIT_S, env=env,
        cwd=BUILD / "apt" / "dl")  # fmt: skip
    archive = sorted((BUILD / "apt" / "dl").glob(package + "_*.deb"))[-1]
    unpacked = BUILD / "apt" / "dl" / package
    run("unpack-" + name, ["dpkg-deb", "-x", str(archive), str(unpacked)])
    shutil.rmtree(path, ignore_errors=True)
    shutil.move(unpacked / "usr" / "src" / name, path)
    shutil.rmtree(unpacked)
    done("source-" + name, SUITE)
    return path


def _from_debian(what, path):
    env = _apt()
    apt = BUILD / "apt"
    title = "fetching the source of %s (source package of Debian %s)" % (what.title, SUITE)
    fetch = ["apt-get", "source", "--download-only", what.name]
    run("source-fetch", fetch, title, limit_s=_FETCH_LIMIT_S, env=env, cwd=apt / "dl")
    archives = sorted((apt / "dl").glob(what.archive))
    if not archives:
        raise Missing("the source package of Debian is not %s %s" % (what.title, what.tag))
    path.mkdir(parents=True)
    run("source-unpack", ["tar", "xf", str(archives[-1]), "-C", str(path), "--strip-components=1"], "unpacking it")


def _apt():
    """Environment of a private apt configuration below build/apt, up to date; the system's own
    state of apt is only read."""
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
    title = "reading the index of Debian " + SUITE
    run("source-update", ["apt-get", "update"], title, limit_s=_FETCH_LIMIT_S, env=env)
    return env


def source_entries(etc_apt, suite):
    """Entries (deb822 text, sources and packages) for `suite`, one for each entry of Debian's main
    archive below `etc_apt`.

    Only the suite changes: mirror, key and options stay as the system has them. Security and
    foreign archives are left out: they have no such suite.
    """
    out = []
    for file in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        for block in file.read_text().split("\n\n"):
            lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
            fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].split() for line in lines if ":" in line}
            if "main" in fields.get("components", ()) and any("-" not in s for s in fields.get("suites", ())):
                keep = [line for line in lines if not line.lower().startswith(("types:", "suites:", "enabled:"))]
                out.append("\n".join(["Types: deb deb-src", "Suites: " + suite, *keep]))
    lists = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for file in lists:
        for line in file.read_text().splitlines() if file.is_file() else ():
            head, _, tail = line.partition("]") if "[" in line else ("", "", line.removeprefix("deb"))
            words = tail.split()
            if not line.startswith("deb ") or len(words) < 3 or "-" in words[1] or "main" not in words[2:]:
                continue
            entry = ["Types: deb deb-src", "Suites: " + suite, "URIs: " + words[0], "Components: main"]
            key = [option for option in head.partition("[")[2].split() if option.startswith("signed-by=")]
            out.append("\n".join(entry + ["Signed-By: " + option.split("=", 1)[1] for option in key]))
    return out


def _from_git(what, path):
    if not shutil.which("git"):
        raise Missing("no git here to clone the source with")
    env = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    command = ["git", "clone", "-q", "--depth", "1", "--branch", what.tag, what.git, str(path)]
    run(
        "source-clone", command, "cloning the source of %s %s" % (what.title, what.tag), limit_s=_FETCH_LIMIT_S, env=env
    )
