"""Where two answers differ, field by field."""

# What is another one in every session and says nothing about behaviour.
FREE = ("SessionID", "TimeStamp", "TimeAnchor", "GenChallenge", "MeterInfo")


def differences(recorded, replayed, free=FREE, path=""):
    """(path, recorded, replayed) of every value that is not the same; None for one that is
    missing."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for key in [*recorded, *[key for key in replayed if key not in recorded]]:
            if key not in free:
                yield from differences(recorded.get(key), replayed.get(key), free, f"{path}.{key}" if path else key)
    elif isinstance(recorded, list) and isinstance(replayed, list):
        for i in range(max(len(recorded), len(replayed))):
            pair = [values[i] if i < len(values) else None for values in (recorded, replayed)]
            yield from differences(*pair, free, f"{path}[{i}]")
    elif recorded != replayed:
        yield path, recorded, replayed
