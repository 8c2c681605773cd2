"""host_tools/building: sources of apt, missing packages and stamps. Host only; fetches and builds
nothing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from host_tools.building import step, system
from host_tools.building.build import EVCC, SDM, refuse_odd_paths
from host_tools.building.source import source_entries
from host_tools.building.step import Missing
from tests.lib.mtest import eq, raises

RUNTIMES = ("cpython",)  # a tool of the host

DEB822 = """Types: deb
# a note
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
FOREIGN = "Types: deb\nURIs: https://tool.example/linux/debian\nSuites: bookworm\nComponents: stable\n"
ONE_LINE = """# main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://mirror.example/debian-security bookworm-security main
deb https://tool.example/apt stable tool
"""


WANTED = "Types: deb deb-src\nSuites: trixie\nURIs: http://mirror.example/debian\nComponents: main\nSigned-By: "


def entries(files):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sources.list.d").mkdir()
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
        return source_entries(Path(folder), "trixie")


def test_source_entries_keep_mirror_and_key_and_leave_out_the_rest():
    found = entries({"sources.list.d/debian.sources": DEB822, "sources.list.d/tool.sources": FOREIGN})
    eq(found, [WANTED + "/usr/share/keyrings/debian-archive-keyring.gpg"])
    eq(entries({"sources.list": ONE_LINE}), [WANTED + "/usr/share/keyrings/a.gpg"])
    eq(entries({}), [])


def build(steps, path):
    """(exit status, output) of the build with nothing but these programs in PATH."""
    with tempfile.TemporaryDirectory() as folder:
        for name in path:
            os.symlink(sys.executable, os.path.join(folder, name))
        env = {"PATH": folder, "HOME": folder}
        command = [sys.executable, str(step.ROOT / "host_tools" / "building" / "build.py"), *steps]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def test_missing_packages_are_named():
    status, text = build(["packages-demo"], [])
    eq(status, 1)
    for name in ("gcc", "libc6-dev", "make", "xz-utils"):
        assert " " + name in text, text
    assert "java" not in text and "multilib" not in text, text  # the demo needs neither
    status, text = build(["packages-interop"], ["make", "xz"])
    assert "default-jre-headless" in text and "iproute2" in text and "xz-utils" not in text, text


def test_missing_packages_show_the_command_that_helps():
    which, geteuid, missing = system.shutil.which, os.geteuid, system.missing
    system.shutil.which = lambda name: "/bin/" + name
    os.geteuid = lambda: 1000  # root would go and install them
    system.missing = lambda goal: ["a", "b"]
    try:
        error = raises(step.Missing, system.packages, "demo")
    finally:
        system.shutil.which, os.geteuid, system.missing = which, geteuid, missing
    assert "sudo apt-get install -y a b" in str(error), error


def test_wrong_micropy_dir_is_named():
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(step.ROOT / "host_tools" / "building" / "build.py"), "source"]
        env = dict(os.environ, MICROPY_DIR=folder)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
    eq(done.returncode, 1)
    assert "MICROPY_DIR=" + folder in done.stderr, done.stderr


def test_a_path_that_makefiles_cannot_bear_is_refused_before_anything_is_done():
    """Tools and environment work there: only what the makefiles of others build is refused."""
    with tempfile.TemporaryDirectory(prefix="with space ") as folder:
        place = Path(folder)
        shutil.copytree(step.ROOT / "host_tools", place / "host_tools", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("codec", "boards", "tests"):
            shutil.copytree(step.ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
        (place / "firmware").mkdir()
        shutil.copy(step.ROOT / "pyproject.toml", place)
        command = [
            sys.executable,
            str(place / "host_tools" / "building" / "build.py"),
            "packages-venv",
            "unix",
            "mcu32",
        ]
        done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": folder})
        said = done.stderr.strip()
        eq((done.returncode, done.stdout, len(said.splitlines())), (1, "", 1))
        assert "unix and mcu32 cannot be built" in said and "a space" in said and folder in said, said
        assert not (place / "build").exists()


def test_the_same_of_a_source_that_is_given():
    saved = os.environ.get("MICROPY_DIR")
    os.environ["MICROPY_DIR"] = "/opt/micro:python"
    try:
        assert "micro:python" in str(raises(Missing, refuse_odd_paths, ["rpi_pico"]))
        refuse_odd_paths(["venv", "schemas", "packages-test"])
    finally:
        del os.environ["MICROPY_DIR"]
        if saved is not None:
            os.environ["MICROPY_DIR"] = saved


def test_failing_command_shows_its_end_and_the_remedy():
    command = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    error = raises(step.Missing, step.run, "self-test", command, remedy="do this")
    assert "the reason" in str(error) and "do this" in str(error) and "self-test.log" in str(error), error
    error = raises(step.Missing, step.run, "self-test", ["sleep", "60"], limit_s=0.2)
    assert "took more than" in str(error), error


def test_stamp_follows_names_and_contents():
    with tempfile.TemporaryDirectory(dir=step.BUILD) as folder:
        one = Path(folder) / "a.py"
        one.write_text("x = 1")
        before = step.stamp_of(Path(folder))
        eq(step.stamp_of(Path(folder)), before)
        one.write_text("x = 2")
        changed = step.stamp_of(Path(folder))
        one.rename(Path(folder) / "b.py")
        eq(len({before, changed, step.stamp_of(Path(folder))}), 3)


def pinned(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 and ";" not in line and "/" not in line for line in lines), lines
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}


def test_what_is_asked_for_is_in_the_pins():
    """pyproject.toml, EVCC and SDM name what is used; pins/*.txt have it in the same version, with all
    that it needs in turn."""
    project = tomllib.loads((step.ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    for asked, file in ((wanted, "venv.txt"), (EVCC, "venv-evcc.txt"), (SDM, "venv-sdm.txt")):
        pins = pinned(step.ROOT / "host_tools" / "building" / "pins" / file)
        for line in asked:
            name, version = line.split("==")
            eq((name, pins.get(name.lower().replace("_", "-"))), (name, version))


def test_packages_of_node_come_with_digests_and_without_addresses():
    folder = step.ROOT / "host_tools" / "emu" / "js"
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    eq(lock[""]["dependencies"], json.loads((folder / "package.json").read_text())["dependencies"])
    others = [entry for place, entry in lock.items() if place]
    assert others and all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in others), (
        others
    )
