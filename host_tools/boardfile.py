"""What there is to know of each board without asking its sources: boards/<board>/board.toml, the
one place for it. Build, flash, deploy, sizes, checks and tests read it here; a new board is a new
folder.

Standard library only: the build imports it before there is an environment.
"""

import tomllib

from host_tools.root import BUILD, ROOT

FOLDER = ROOT / "boards"
KINDS = ("controller", "host", "test")
CI = ("image", "size")
# Key -> type; a table in brackets. What stands behind `controller` is asked of those alone.
_KEYS = {"title": str, "kind": str, "port": str, "march": str, "ci": list, "image": dict}
_CONTROLLER = {"chip": dict, "circuit": dict}
_MORE = {"port_board": str, "packages": dict}
_TABLES = {
    "chip": {"name": str, "platform": str, "machines": list},
    "circuit": {"pilot_divider": int, "pilot_offset_mv": int},
    "image": {"file": str},
}


class BoardError(ValueError):
    """A board.toml that is not as it must be; str() says where."""


class Board:
    """name, folder; title, kind, port, port_board, march, ci, packages {program: Debian's
    packages}; chip, image, circuit: the tables of the file as dicts."""

    def __init__(self, folder):
        self.name = folder.name
        self.folder = folder
        where = "boards/%s/board.toml" % folder.name
        try:
            facts = tomllib.loads((folder / "board.toml").read_text())
        except tomllib.TOMLDecodeError as error:
            raise BoardError("%s: %s" % (where, error)) from None
        wanted = {**_KEYS, **(_CONTROLLER if facts.get("kind") == "controller" else {})}
        for key, kind in wanted.items():
            if not isinstance(facts.get(key), kind):
                raise BoardError("%s: %s is missing, or no %s" % (where, key, kind.__name__))
        for key in facts:
            if key not in {**wanted, **_CONTROLLER, **_MORE}:
                raise BoardError("%s: nobody reads %s" % (where, key))
        for table, keys in _TABLES.items():
            for key, kind in keys.items():
                if table in facts and not isinstance(facts[table].get(key), kind):
                    raise BoardError("%s: %s.%s is missing, or no %s" % (where, table, key, kind.__name__))
        if facts["kind"] not in KINDS or not set(facts["ci"]) <= set(CI):
            raise BoardError("%s: kind is one of %s, ci some of %s" % (where, ", ".join(KINDS), ", ".join(CI)))
        self.title = facts["title"]
        self.kind = facts["kind"]
        self.port = facts["port"]
        self.port_board = facts.get("port_board")
        self.march = facts["march"]
        self.ci = facts["ci"]
        self.packages = facts.get("packages", {})
        self.chip = facts.get("chip", {})
        self.image = facts["image"]
        self.circuit = facts.get("circuit", {})

    @property
    def image_path(self):
        """Where the build puts the image."""
        return BUILD / self.name / self.image["file"]

    @property
    def budget_path(self):
        """The ledger of memory, see building/size/budget.py."""
        return self.folder / "budget.json"


def names(kind=None, ci=None):
    """Names of the boards, sorted. kind: of that kind alone; ci: for which .ci/run does that."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/board.toml"))
    return [name for name in found if kind in (None, find(name).kind) and (ci is None or ci in find(name).ci)]


def find(name):
    """The Board of that name. BoardError says which there are."""
    if not (FOLDER / name / "board.toml").is_file():
        raise BoardError("no board %s; there are %s" % (name, ", ".join(names())))
    return Board(FOLDER / name)
