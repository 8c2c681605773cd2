"""Decode messages with the EXI codec of the PyPI package: runs in build/venv-evcc, reads `NAMESPACE
HEX` lines, prints one JSON line each, or `error: …`. An independent reader of what our encoder
wrote.
"""

import sys

from iso15118.shared.exificient_exi_codec import ExificientEXICodec


def main():
    codec = ExificientEXICodec()
    for line in sys.stdin:
        namespace, text = line.split()
        try:
            print(codec.decode(bytes.fromhex(text), namespace).replace("\n", " "), flush=True)
        except Exception as error:  # whatever it says is the result
            print("error: %s" % str(error).replace("\n", " ")[:300], flush=True)
    codec.gateway.shutdown()


main()
