"""`microv2g bench`: measure, and write docs/benchmarks.md."""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from host_tools.root import BUILD, ROOT
from host_tools.station.images import NoImage, image

_IMAGES = (("64-bit", "unix"), ("32-bit", "unix32"))

_EPILOG = """\
examples:
  make bench                                    everything, into docs/benchmarks.md
  microv2g bench --quick --out build/bench.md   shorter sessions
  microv2g bench --no-latency                   only the codec; needs no root

Latency runs the PyPI vehicle in network namespaces and needs root; where it cannot run, the page says so."""


def register(subparsers):
    p = subparsers.add_parser(
        "bench",
        help="measure codec, frame path and latency, write docs/benchmarks.md",
        description="Time and heap of every message and of a frame, and the response latency beside the PyPI station's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--quick", action="store_true", help="shorter sessions for the latency")
    p.add_argument("--no-latency", action="store_true", help="leave the latency out")
    p.add_argument("--out", default=str(ROOT / "docs" / "benchmarks.md"), metavar="FILE.md")
    p.set_defaults(func=run)


def _lines(what, script, heap):
    """(image, output lines) of a script of tests/lib on each image."""
    for name, runtime in _IMAGES:
        print(f"{what}: {name} image", flush=True)
        done = subprocess.run(
            [str(image(runtime)), "-X", "heapsize=" + heap, str(ROOT / "tests/lib" / script), str(ROOT)],
            cwd=BUILD, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode or not done.stdout:
            said = done.stdout[-300:] + done.stderr[-300:]
            raise RuntimeError(f"the {what} benchmark failed on the {name} image: {said}")
        yield name, done.stdout.splitlines()


def _codec():
    """{image: {message: (bytes, decode us, encode us, decode heap, encode heap)}}"""
    out = {}
    for name, lines in _lines("codec", "codec_cost.py", "400k"):
        rows = [line.split() for line in lines]
        out[name] = {r[0]: (int(r[1]), float(r[2]), float(r[3]), int(r[4]), int(r[5])) for r in rows}
    return out


def _frames():
    """{row: {image: (us, heap)}}"""
    out = {}
    for name, lines in _lines("frame", "frame_cost.py", "2000k"):
        for line in lines:
            title, spent, heap = line.split("|")
            out.setdefault(title, {})[name] = (float(spent), int(heap))
    return out


def _frames_page(frames):
    lines = [
        "## Frame path",
        "",
        "One turn of the pump with one frame: interrupt, SPI commands, driver, demultiplexer, network or matching, pilot sample, timers, and",
        "what is sent back. The chip answers from a table. Heap is the sum over all turns on the 32-bit image; `tests/mem` proves",
        "the same with the heap locked.",
        "",
        "| turn | µs, 64-bit | µs, 32-bit | heap B, 32-bit |",
        "|---|--:|--:|--:|",
    ]
    for title, cost in frames.items():
        lines.append(f"| {title} | {cost['64-bit'][0]:.0f} | {cost['32-bit'][0]:.0f} | {cost['32-bit'][1]} |")
    return lines


def _codec_page(codec):
    wide, small = codec["64-bit"], codec["32-bit"]
    lines = [
        "## Codec",
        "",
        "One message of each type, the longest of the recorded sessions; bytecode, frozen. Time is of this machine, heap is a",
        "count. Budget: `tests/mem/budget.py`, checked by `make test`.",
        "",
        "| message | EXI bytes | decode µs, 64-bit | encode µs, 64-bit | decode heap B, 32-bit | encode heap B, 32-bit |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, (size, decode, encode, _, _) in wide.items():
        lines.append(f"| {name} | {size} | {decode:.1f} | {encode:.1f} | {small[name][3]} | {small[name][4]} |")
    return lines


def _latency_page(rows, loops):
    lines = [
        "## Response latency under the same vehicle",
        "",
        f"The PyPI vehicle (iso15118 0.31.2) runs one DC_BPT session in Scheduled control, {loops} charge loops, against each",
        "station; request packet to answer packet at the station's end of a virtual cable, kernel time stamps. The answer to",
        "PowerDelivery Stop waits until contactor and output are off; that time is the simulated hardware's, and the PyPI station has no",
        "such hardware. Count is of our 64-bit session; where it is 1, the figure is that one answer. The PyPI station runs its Java codec",
        "with 128 MB of heap and the serial collector.",
        "",
        "| message | count | ours ms, median | ours ms, max | ours 32-bit ms, median | PyPI station ms, median | PyPI ÷ ours |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, count, median, most, small, pypi, _ in rows:
        # A ratio near or below 1 must show its first decimals: there the other station is as quick
        # or quicker.
        theirs = f"{pypi:.1f} | {pypi / median:.{0 if pypi > 10 * median else 1}f}" if pypi else "- | -"
        lines.append(f"| {name} | {count} | {median:.2f} | {most:.2f} | {small:.2f} | {theirs} |")
    return lines


def run(args):
    from host_tools.emu import page

    try:
        codec = _codec()
        frames = _frames()
    except (NoImage, OSError, RuntimeError) as error:
        print(f"microv2g bench: {error} (run `make bench`, which builds what is needed)", file=sys.stderr)
        return 1
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Figures in µs and ms are of the machine that ran it: "
        f"{os.cpu_count()} cores, {platform.machine()}, Linux. Bytes and ratios travel.",
        "",
        *_codec_page(codec),
        "",
        *_frames_page(frames),
        "",
    ]
    if not args.no_latency:
        from tests.interop import latency

        why = latency.can_run()
        loops = 15 if args.quick else 60
        if why:
            print(f"microv2g bench: no latency measured: {why}", file=sys.stderr)
            return 2
        lines += _latency_page(latency.table(loops), loops + 1)
    emulated = page.kept(args.out)
    if emulated:
        lines += ["", emulated]
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    Path(args.out).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"wrote {args.out}")
    return 0
