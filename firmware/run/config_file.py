"""The configuration in the file system of the device: read, change one key, check. One JSON object
(app/config.py).

It is written beside the old one and then renamed over it: a cut of the power leaves one of the two,
whole.
"""

import json
import os

from firmware.app import config

DEFAULT = "/config.json"


class ConfigFile:
    """path: of the file; what is written first stands beside it as .new. Errors are
    config.ConfigError."""

    def __init__(self, path=DEFAULT):
        self.path = path
        self._new = (path[:-5] if path.endswith(".json") else path) + ".new"

    def exists(self):
        try:
            os.stat(self.path)
        except OSError:
            return False
        return True

    def changes(self):
        """What the file says: a dict of the keys that differ from the defaults. {} without a
        file."""
        try:
            text = read(self.path)
        except OSError:
            return {}
        return config.parse(text)

    def check(self):
        """The whole configuration that the next start would use."""
        return config.merge(self.changes())

    def value(self, key):
        """The value of a key at the next start."""
        return self._key(key, self.check())

    def set(self, key, text):
        """Give a key the value in `text` (JSON; a bare word is a text), if the whole is valid with
        it. Return the value."""
        changes = self.changes()
        self._key(key, config.defaults())
        value = _value(key, text)
        changes[key] = value
        config.merge(changes)
        self._write(changes)
        return value

    def reset(self, key):
        """Back to the default of a key; "all" for every key. Return the default, None for all."""
        changes = self.changes() if key != "all" else {}
        value = None if key == "all" else self._key(key, config.defaults())
        changes.pop(key, None)
        config.merge(changes)
        self._write(changes)
        return value

    def _key(self, key, cfg):
        if key not in cfg:
            raise config.ConfigError("%s: unknown key" % key)
        return cfg[key]

    def _write(self, changes):
        try:
            with open(self._new, "w") as f:
                f.write(json.dumps(changes))
            os.rename(self._new, self.path)
        except OSError as e:
            raise config.ConfigError("cannot write %s: %s" % (self.path, e))


def read(path):
    """The text of a configuration file. OSError; ConfigError if it is no text."""
    with open(path, "rb") as f:
        data = f.read()
    try:
        if 0 not in data:  # UTF-16, of which MicroPython would make one text or another
            return str(data, "utf-8")
    except ValueError:
        pass
    raise config.ConfigError("%s: not text in UTF-8" % path)


def _value(key, text):
    """The JSON value in a text; what is no JSON is a text itself."""
    ends = {"[": "]", "{": "}", '"': '"'}.get(text[:1])
    if ends is not None and (len(text) < 2 or text[-1] != ends):
        # MicroPython's parser takes half a list for a whole one.
        raise config.ConfigError("%s: not JSON, it ends too early: %s" % (key, text))
    try:
        return json.loads(text)
    except ValueError:
        return text
