"""What a board freezes, read from its manifest.py: the one list that image, deploy and sizes
share."""

from pathlib import Path

from host_tools.root import ROOT

BOARDS = ROOT / "boards"


class Manifest:
    """modules: {path on the target, "codec/exi.py": Path of the source}. foreign: what MicroPython
    itself brings."""

    def __init__(self, board):
        self.folder = BOARDS / board
        self.modules = {}
        self.foreign = []
        path = self.folder / "manifest.py"
        words = {"package": self._package, "module": self._module, "include": self._include, "freeze": self._freeze}
        exec(compile(path.read_text(), str(path), "exec"), {**words, "require": self._include})
        self.modules = dict(sorted(self.modules.items()))

    def _package(self, name, base_path=".", **_):
        base = (self.folder / base_path).resolve()
        found = sorted((base / name).rglob("*.py"))
        if not found:
            raise FileNotFoundError("%s/manifest.py: no package %s in %s" % (self.folder.name, name, base))
        self.modules.update((path.relative_to(base).as_posix(), path) for path in found)

    def _module(self, name, base_path=".", **_):
        path = (self.folder / base_path / name).resolve()
        if not path.is_file():
            raise FileNotFoundError("%s/manifest.py: no module %s" % (self.folder.name, path))
        self.modules[name] = path

    def _include(self, name, *_, **__):
        self.foreign.append(name)

    def _freeze(self, folder, *_, **__):
        self.foreign.append(folder)


def group(name):
    """Package by which sizes are shown: "codec", "codec/tables", "firmware/net", … or the module
    itself."""
    parts = Path(name).with_suffix("").parts
    if parts[0] in ("firmware", "codec") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]
