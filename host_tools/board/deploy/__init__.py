"""Our modules onto a board with a stock image of MicroPython: what is needed, what is there, what
changes."""

TODO = "/microv2g.todo"  # on the board, see boards/common/update.py
STAGE = "/microv2g.new"
MANIFEST = "/microv2g.json"  # on the board: {"files": {path: sha256}} of what lies there of ours
STATION = "microv2g_main"  # boards/common/main.py under a name that main.py can import
