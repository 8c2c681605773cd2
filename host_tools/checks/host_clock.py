"""No test may fail because the machine is busy: where a test waits, compares with the host's clock,
or limits a process. Exit 1 names every line; what to write in its place stands in
tests/lib/patience.py.

python -m host_tools.checks.host_clock

Found on the syntax tree, so only what stands in one function: a clock's value that travels in an
attribute is not seen.
"""

import ast
import sys

from host_tools.root import ROOT

# Files that may look at the clock: the one that waits for the others, and those that measure.
FREE = (
    "tests/lib/patience.py",
    "tests/lib/codec_cost.py",
    "tests/lib/frame_cost.py",
    "tests/interop/latency.py",
    "tests/unit/test_clock.py",  # it is the clock's own
)
# Peers of others run in real time there, and what they are asked is limited generously: only
# asserts are looked at.
ASSERTS_ONLY = ("tests/interop/",)
LEAST_S = 60  # a limit below that is one that a busy machine reaches; below 1 s it is a look that is repeated
_CLOCKS = {
    "monotonic", "monotonic_ns", "time", "time_ns", "perf_counter", "perf_counter_ns", "ticks_ms", "ticks_us", "ticks_cpu",
}  # fmt: skip
_OF = ("time", "utime", "clock")
_ASSERTS = ("eq",)  # helpers that assert
_LIMITS = ("timeout", "timeout_s", "limit_s")
_LIMITED = ("settimeout", "communicate", "wait_ready", "join")  # with the limit as their only argument


def _is_clock(node):
    """A call that reads the clock of the host."""
    if not isinstance(node, ast.Call):
        return False
    call = node.func
    if isinstance(call, ast.Name):
        return call.id in _CLOCKS - {"time"}
    return (
        isinstance(call, ast.Attribute)
        and call.attr in _CLOCKS
        and isinstance(call.value, ast.Name)
        and call.value.id in _OF
    )


def _names(target):
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _comes_from_clock(node, stained):
    return any(_is_clock(n) or (isinstance(n, ast.Name) and n.id in stained) for n in ast.walk(node))


def _own(function):
    """Nodes of a function or module without those of the functions in it."""
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += ast.iter_child_nodes(node)


def _stained(function):
    """Names that hold a time of the host, or what was computed from one: end, elapsed, left."""
    found, before = set(), None
    while found != before:
        before = set(found)
        for node in _own(function):
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                # A tick that is handed to a machine is no measurement; what the machine gives back
                # is its own.
                value = node.value
                if _comes_from_clock(value, found) and _is_time(value, found):
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        found.update(_names(target))
    return found


def _is_time(value, stained):
    """Is the value itself a time: the clock, arithmetic with it, or the arithmetic of ticks, max,
    min, int?"""
    if _is_clock(value) or (isinstance(value, ast.Name) and value.id in stained):
        return True
    if isinstance(value, (ast.BinOp, ast.UnaryOp, ast.Tuple, ast.IfExp)):
        return any(_is_time(child, stained) for child in ast.iter_child_nodes(value))
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in ("ticks_diff", "ticks_add", "max", "min", "int", "round", "abs") and any(
            _is_time(argument, stained) for argument in value.args
        )
    return False


def _compared(node, stained):
    """Is a time of the host compared somewhere in this expression?"""
    return any(
        isinstance(n, ast.Compare) and any(_is_time(side, stained) for side in [n.left, *n.comparators])
        for n in ast.walk(node)
    )


def _limit(node):
    """The seconds of a limit that a call sets by a number, or None."""
    for keyword in node.keywords:
        if keyword.arg in _LIMITS and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    named = node.func.attr if isinstance(node.func, ast.Attribute) else None
    if named in _LIMITED and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        return node.args[0].value
    return None


def _sleeps(node):
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in ("sleep", "sleep_ms")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in _OF
    )


def check(name, source):
    """[(line, message)] of one file; name: its path from the root."""
    if name in FREE:
        return []
    tree, out = ast.parse(source), set()
    asserts_only = name.startswith(ASSERTS_ONLY)
    is_test = name.rsplit("/", 1)[-1].startswith("test_") or name.endswith("_cases.py")
    for function in [tree, *(n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))]:
        stained = _stained(function)
        for node in _own(function):
            if isinstance(node, ast.Assert) and _compared(node.test, stained):
                out.add(
                    (
                        node.lineno,
                        "an assert on the host's clock: simulated time, steps, patience.until, patience.AtLeast",
                    )
                )
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ASSERTS:
                if any(_is_time(n, stained) for argument in node.args for n in ast.walk(argument)):
                    out.add(
                        (
                            node.lineno,
                            "an assert on the host's clock: simulated time, steps, patience.until, patience.AtLeast",
                        )
                    )
            elif isinstance(node, (ast.While, ast.If)) and not asserts_only and _compared(node.test, stained):
                out.add((node.lineno, "waiting by the host's clock: patience.until"))
            if isinstance(node, ast.Call) and not asserts_only:
                seconds = _limit(node)
                if isinstance(seconds, (int, float)) and 1 <= seconds < LEAST_S:
                    out.add((node.lineno, "a limit of %g s, which a busy machine reaches: patience.LIMIT_S" % seconds))
                if is_test and _sleeps(node):
                    out.add(
                        (
                            node.lineno,
                            "a sleep: patience.until for what is to come, patience.let_pass for what must not",
                        )
                    )
    return sorted(out)


def main():
    failed = 0
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for line, message in check(name, path.read_text()):
            print("%s:%d: %s" % (name, line, message))
            failed += 1
    print("host's clock in tests: %s" % ("%d problems" % failed if failed else "ok"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
