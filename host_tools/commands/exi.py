"""`microv2g exi decode|encode`: single EXI messages to JSON and back, for people who look into
captures."""

import argparse
import json
import subprocess
import sys

from host_tools.root import TOOLS
from host_tools.station.images import NoImage, image

WORKER = TOOLS / "station" / "exi_worker.py"

_EPILOG = """One message per line on standard input, one result per line on standard output; empty lines and lines that begin
with # pass by. A line that fails gives `error: REASON` with the offset (decode) or the path (encode), and exit status 1.

TYPE is the V2GTP payload type, or names the grammar:
  0x8001 SupportedAppProtocol   0x8002 CommonMessages   0x8003 AC   0x8004 DC   (0x8101, 0x8102, 0x8104: CommonMessages)
  fragment:CommonMessages  fragment:AC  fragment:DC  fragment:xmldsig     what is signed
  xmldsig                                                                 a document of the xmldsig schema alone

examples:
  echo 0x8002 808c043f92fbcc7a9b8cc8afb2f1ae90620808 | microv2g exi decode
  microv2g exi decode < messages.txt | microv2g exi decode --runtime unix32
  echo '0x8001 {"supportedAppProtocolRes": {"ResponseCode": "OK_SuccessfulNegotiation", "SchemaID": 1}}' \\
      | microv2g exi encode --runtime unix"""


def register(subparsers):
    p = subparsers.add_parser(
        "exi",
        help="decode and encode single EXI messages",
        description="Decode or encode EXI messages of ISO 15118-20, one per line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("action", choices=("decode", "encode"))
    p.add_argument(
        "--runtime",
        choices=("cpython", "unix", "unix32"),
        default="cpython",
        help="where the codec runs: this Python, or the frozen code of the 64-bit or 32-bit MicroPython image",
    )
    p.set_defaults(func=run)


class _Local:
    """The codec in this process."""

    def __init__(self, action):
        from host_tools.station import exi_worker

        self._answer = exi_worker.answer
        self._function = getattr(exi_worker, action)

    def ask(self, line):
        return self._answer(self._function, line)

    def close(self):
        pass


class _Image:
    """The codec frozen in a MicroPython image, as a child process."""

    def __init__(self, action, runtime):
        binary = image(runtime)
        self._child = subprocess.Popen(
            [str(binary), "-X", "heapsize=64m", str(WORKER), action],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=binary.parent,
        )  # fmt: skip

    def ask(self, line):
        self._child.stdin.write(line.encode() + b"\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline().decode(errors="replace").rstrip("\n")
        if not answer:
            raise RuntimeError("the codec process ended with status %s" % self._child.wait())
        return answer

    def close(self):
        self._child.stdin.close()
        self._child.wait()


def _plain(line):
    """JSON without escapes beyond the basic plane: MicroPython's json reads a surrogate pair as two
    characters."""
    word, _, text = line.partition(" ")
    if "\\u" in text:
        try:
            return word + " " + json.dumps(json.loads(text), ensure_ascii=False)
        except ValueError:
            pass
    return line


def run(args):
    try:
        codec = _Local(args.action) if args.runtime == "cpython" else _Image(args.action, args.runtime)
    except NoImage as error:
        print("microv2g exi: %s" % error, file=sys.stderr)
        return 2
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8")
    failed = False
    for raw in sys.stdin:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        answer = codec.ask(_plain(line) if args.action == "encode" else line)
        if answer.startswith("ok "):
            answer = answer[3:]
        else:
            failed = True
        print(answer, flush=True)
    codec.close()
    return 1 if failed else 0
