"""What to copy, remove and leave: wanted files against what a board says of itself. Pure."""

_BLOCK = 4096  # of the file systems that the boards have


class Plan:
    """copy: {path: bytes}; remove, same: [path]; manifest: {path: sha256} as it will be behind
    it."""

    def __init__(self, copy, remove, same, manifest):
        self.copy = copy
        self.remove = remove
        self.same = same
        self.manifest = manifest

    @property
    def bytes(self):
        return sum(len(data) for data in self.copy.values())

    @property
    def room(self):
        """Bytes that must be free: new files lie beside old ones until all of them are there."""
        return sum(-(-len(data) // _BLOCK) * _BLOCK for data in self.copy.values()) + 2 * _BLOCK

    @property
    def empty(self):
        return not self.copy and not self.remove


def make(wanted, hashes, manifest, present, replaced=lambda path: True):
    """wanted: {path: bytes}, hashes: {path: sha256} of it; manifest: what the board's says;
    present: {path: size} of what is really there; replaced(path): does this deployment take the
    place of what the manifest has there?"""
    copy, same = {}, []
    for path, data in wanted.items():
        if manifest.get(path) == hashes[path] and present.get(path) == len(data):
            same.append(path)
        else:
            copy[path] = data
    stale = [path for path in manifest if path not in wanted and replaced(path)]
    kept = {path: digest for path, digest in manifest.items() if path not in stale}
    return Plan(copy, sorted(path for path in stale if path in present), sorted(same), {**kept, **hashes})
