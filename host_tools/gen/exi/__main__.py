"""python -m host_tools.gen.exi gen|check [--schemas DIR]

gen     compile the schema files into codec/tables
check   change nothing; exit 1 and name what is not in step
"""

import argparse
import os
import sys

from host_tools.root import ROOT

TABLES = os.path.join(ROOT, "codec", "tables")


def _find(folder):
    """The folder that holds the schemas, somewhere below `folder`."""
    for where, _, names in os.walk(folder):
        if "V2G_CI_AppProtocol.xsd" in names:
            return where
    sys.exit("no schema files below %s: run `make gen`, which fetches them" % folder)


def _compile(folder, write):
    from host_tools.gen.exi.write import modules

    changed = []
    for name, text in modules(_find(folder)).items():
        path = os.path.join(TABLES, name)
        old = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                old = file.read()
        if old != text:
            changed.append("codec/tables/" + name)
            if write:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
    return changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("gen", "check"))
    parser.add_argument("--schemas", default=os.path.join(ROOT, "build", "schemas"), help="folder with the XSD files")
    args = parser.parse_args()
    write = args.command != "check"
    changed = _compile(args.schemas, write)
    for path in changed:
        print(("wrote " if write else "not in step: ") + path)
    if changed and not write:
        sys.exit("run `make gen`")


if __name__ == "__main__":
    main()
