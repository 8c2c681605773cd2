"""The emulator of the RP2040 for `make emu`: rp2040js out of the npm registry, into build/emu."""

import shutil

from host_tools.building.step import Missing, done, fresh, run, stamp_of
from host_tools.root import BUILD, ROOT

PACKAGES = (("node", "nodejs"), ("npm", "npm"))  # probe, Debian package: for the goal "emu" of building/system.py


def emulator():
    """build/emu/node_modules: what host_tools/emu/js/package-lock.json pins, with its digests. The
    file is without addresses, so that any registry will do; after a change of package.json write it
    anew in that folder with npm install --package-lock-only --ignore-scripts
    --omit-lockfile-registry-resolved"""
    files = [ROOT / "host_tools" / "emu" / "js" / name for name in ("package.json", "package-lock.json")]
    folder = BUILD / "emu"
    stamp = stamp_of(*files)
    if fresh("emulator", stamp) and (folder / "node_modules" / "rp2040js").is_dir():
        return
    if not shutil.which("npm"):
        raise Missing("no npm here to fetch the emulator with (Debian: apt-get install nodejs npm)")
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    remedy = "npm needs the network; behind a mirror: npm config set registry URL"
    run("emulator", command, "installing into build/emu: rp2040js", remedy, limit_s=300, cwd=folder)
    done("emulator", stamp)
