"""docs/selftest.md: how the self-test is used, and every code with cause and remedy, out of
firmware/app/selftest_codes.py.

python -m host_tools.gen.selftest_doc            write it
python -m host_tools.gen.selftest_doc --check    is it in step? exit status 1 if not
"""

import sys

from host_tools.root import ROOT, import_paths

PATH = ROOT / "docs" / "selftest.md"

_HEAD = """# Self-test of a board

`microv2g selftest` guides through the test of a new board, or of one that does not charge any more. It runs on the board itself
(`firmware/app/selftest.py`); the tool shows it and asks the questions. Without a board: `microv2g selftest --sim --fault swapped --yes`.
On the console of the board: `selftest`, then `selftest next` or `selftest skip` after a question, `selftest stop`.

It does not begin while a car is plugged in or a session is on, and ends when somebody plugs in. The contactor closes only when
asked for (`--with-contactor`), after a question, for 0.1 s: with the pilot in state A, or, on boards whose hardware wants to see state C
(rpi_pico), on the test plug in C when no other modem answers on the powerline. Every end leaves the contactor open and hands the pilot
back to the station, which begins anew.

## Test plug

```
 CP ──|>|──┬── 2.74 kohm ──┬── PE        diode: anode at CP (1N4148)
           ├── o  o 1.3 k ─┤             switch for state C
           └── o  o 270 ───┘             switch for state D
 PP ────────── 1500 ohm ───┴── PE        100, 220, 680 or 1500: 63, 32, 20, 13 A
```

## What is done

| step | how |
|---|---|
| car | pilot at +12 V: B, C or D means that something is plugged in, and nothing else is tested |
| board | supplies and temperature, where a board measures them |
| contactor | coil off, what does the feedback say |
| spi | signature, and numbers written to BFR_SIZE and read back, 4096 bits at 1, 4, 8 and 12 MHz. Without an answer: is the line dead, shifted by a bit, or does the modem answer with MISO and MOSI exchanged (bit by bit by hand) |
| modem | the driver brings it up |
| version | VS_SW_VER to the modem on the own wire |
| int | eight requests: does an interrupt come with each answer |
| role | the parameter block (PIB) is read by VS_MODULE_OPERATION: CCoSelection and SLAC_EnableMode must both be 2 |
| cp | steady +12 V, steady -12 V, 5 % with both plateaus, nothing plugged in |
| pp | open with nothing plugged in |
| plug | with the test plug: B, C and D, diode, coding resistor |
| close | contactor closes and opens again |

How the role is read is known from the source of Qualcomm's tools (open-plc-utils); on a real QCA7000 it has not been tried yet. A modem that
does not answer it gives a warning, not a failure.

## Codes

A line of the board is `code|level|text|values`. Levels: ok, fail, warn (works, but look at it), skip (not tested), do (a question).
The first failure is the one to begin with: what depends on it is not tested.
"""


def text():
    from firmware.app.selftest_codes import CODES, STEPS

    lines = [_HEAD]
    for step in STEPS:
        lines += [f"### {step}", "", "| code | level | what is seen | likely cause | remedy |", "|---|---|---|---|---|"]
        for code, (of, level, what, cause, remedy) in CODES.items():
            if of == step:
                lines.append(f"| `{code}` | {level} | {what} | {cause} | {remedy} |".replace("  ", " "))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main(args):
    import_paths()
    if args == ["--check"]:
        if PATH.exists() and PATH.read_text() == text():
            print("docs/selftest.md: ok")
            return 0
        print("docs/selftest.md is not in step: python -m host_tools.gen.selftest_doc")
        return 1
    PATH.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
