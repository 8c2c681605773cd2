"""What the self-test can say: code -> step, level, what was seen, likely cause, remedy.
docs/selftest.md is made of it.

Levels: OK; FAIL; WARN, works but should be looked at; SKIP, not tested; DO, the person at the board
is asked for something and the test waits.
"""

from micropython import const

# Constants of the compiler: the tuples below stay in flash then.
OK = const("ok")
FAIL = const("fail")
WARN = const("warn")
SKIP = const("skip")
DO = const("do")

# In the order of the test.
STEPS = ("car", "board", "contactor", "spi", "modem", "version", "int", "role", "cp", "pp", "plug", "close", "end")

CODES = {
    # -- may it run at all
    "car-none": ("car", OK, "nothing is plugged in", "", ""),
    "car-unsaid": ("car", SKIP, "the pilot does not say whether something is plugged in", "", ""),
    "car": (
        "car", FAIL, "the pilot is loaded as by a car; nothing else is tested",
        "A car or a test plug is connected, or a leak from CP to PE looks like one.",
        "Unplug; if that changes nothing, disconnect the cable at the CP terminal.",
    ),
    "car-came": (
        "car", FAIL, "the pilot was loaded in the middle of the test, which ended",
        "Somebody plugged in a car.",
        "Unplug and begin again.",
    ),
    # -- board
    "board-ok": ("board", OK, "supply and temperature", "", ""),
    "board-bad": (
        "board", FAIL, "supply or temperature is out of its limits",
        "Weak supply, overload, or no cooling.",
        "Measure the supply at the board; find what draws too much.",
    ),
    # -- contactor, coil off
    "contactor-open": ("contactor", OK, "coil off, contactor reads open", "", ""),
    "contactor-welded": (
        "contactor", FAIL, "coil off, contactor reads closed",
        "Its main contacts are welded, or the wire of the mirror contact is broken.",
        "Check the mirror contact with a meter; replace a welded contactor. Do not charge.",
    ),
    "contactor-latched": (
        "contactor", WARN, "contactor is open, an earlier fault of it is kept",
        "It failed to open or to close before.",
        "Repair the cause, then `clear`.",
    ),
    "contactor-blind": (
        "contactor", WARN, "no feedback contact: a weld cannot be seen",
        "The board has none configured.",
        "Wire the mirror contact; without it a fault stays hidden.",
    ),
    # -- SPI
    "spi-clock": ("spi", OK, "no bit errors at this clock", "", ""),
    "spi-swapped": (
        "spi", FAIL, "the modem answers when MISO and MOSI are exchanged",
        "MISO and MOSI are swapped.",
        "Exchange the two wires: the modem's output goes to MISO.",
    ),
    "spi-no-modem": (
        "spi", FAIL, "no modem: the line reads the same whatever is sent",
        "The modem has no supply or is held in reset, or CS, SCK or MISO is open.",
        "Measure its 3.3 V and its RESET pin, then follow CS, SCK, MOSI and MISO with a meter.",
    ),
    "spi-mode": (
        "spi", FAIL, "the signature comes shifted by one bit",
        "Wrong SPI mode, or a clock edge is doubled by ringing.",
        "Set mode 3 (CPOL 1, CPHA 1), MSB first; 10 to 20 ohm in series with SCK.",
    ),
    "spi-garbage": (
        "spi", FAIL, "something answers, but not with a QCA7000's signature",
        "Another chip on these pins, the strap for legacy mode, or very bad signals.",
        "Check CS and the burst mode strap; lines below 10 cm, 10 to 20 ohm in series.",
    ),
    "spi-errors": (
        "spi", FAIL, "bit errors at a clock that is in use, or below it",
        "Long lines, no series resistors or a bad ground.",
        "Lines below 10 cm, 10 to 20 ohm in series; or set a lower clock.",
    ),
    "spi-margin": (
        "spi", WARN, "bit errors above the clock in use",
        "Little margin: lines are long or without series resistors.",
        "Works today; shorten the lines or lower the clock before going to series.",
    ),
    "spi-none": ("spi", SKIP, "the modem is a network interface: no SPI, no interrupt to test", "", ""),
    # -- modem
    "modem-up": ("modem", OK, "modem verified, frames pass", "", ""),
    "modem-stuck": (
        "modem", FAIL, "the chip answers, but it does not become ready",
        "It restarts again and again (supply dips while it transmits), or its buffers never become empty.",
        "Measure its 3.3 V with a scope at start; give it its own regulator, 500 mA at least.",
    ),
    "modem-skip": ("modem", SKIP, "not tested: the steps before it failed", "", ""),
    "version-ok": ("version", OK, "modem firmware answers", "", ""),
    "version-loader": (
        "version", FAIL, "the modem asks for firmware: its boot loader runs alone",
        "Its flash is empty or damaged, or it is strapped to boot from the host.",
        "Write firmware and an EVSE parameter block into its flash; check the boot strap.",
    ),
    "version-none": (
        "version", FAIL, "modem firmware does not answer",
        "Its firmware hangs or is not a HomePlug one of Qualcomm.",
        "Switch the modem off and on; if it stays silent, write its firmware anew.",
    ),
    "int-ok": ("int", OK, "an interrupt for every answer", "", ""),
    "int-open": (
        "int", FAIL, "answers come, but never an interrupt",
        "The INT wire is open or on another pin, or it is held high or low.",
        "Follow INT from the modem to the board's pin; it is active high.",
    ),
    "int-lossy": (
        "int", WARN, "some answers came without an interrupt",
        "Edges are lost: a weak or noisy INT line, or interrupts that are blocked for long.",
        "It works by the slow poll; check INT with a scope.",
    ),
    "int-none": ("int", SKIP, "this board polls the modem: there is no INT to test", "", ""),
    "role-evse": ("role", OK, "modem is set up as EVSE", "", ""),
    "role-pev": (
        "role", FAIL, "the modem is set up as PEV: its parameter block (PIB) is that of a vehicle",
        "A modem sold for vehicles, or the wrong PIB was written. It will never report attenuation.",
        "Write a PIB for EVSE: CCoSelection (00F4) 2, SLAC_EnableMode (1653) 2.",
    ),
    "role-factory": (
        "role", FAIL, "SLAC is switched off in the modem's parameter block (PIB)",
        "A factory PIB for homes.",
        "Write a PIB for EVSE: CCoSelection (00F4) 2, SLAC_EnableMode (1653) 2.",
    ),
    "role-cco": (
        "role", FAIL, "the modem has the SLAC mode of an EVSE, but need not coordinate its network",
        "CCoSelection in the parameter block (PIB) is not 2: the car may become coordinator, and no link comes up.",
        "Set CCoSelection (00F4) to 2 and write the PIB.",
    ),
    "role-unread": (
        "role", WARN, "the modem does not let its parameter block (PIB) be read",
        "Firmware of another family, or a locked one.",
        "Read it with the vendor's tool: CCoSelection (00F4) and SLAC_EnableMode (1653) must be 2.",
    ),
    # -- control pilot, nothing plugged in
    "cp-ok": ("cp", OK, "pilot: steady +12 V, steady -12 V, 5 % with both plateaus", "", ""),
    "cp-short": (
        "cp", FAIL, "the pilot is at 0 V, whatever is put out: CP is shorted to PE",
        "CP touches PE in the cable, the socket or on the board; or both supplies of the driver are missing.",
        "Take the cable off the CP terminal: if 12 V come back it is the cable, else measure the driver's +12 V and -12 V.",
    ),
    "cp-no-plus": (
        "cp", FAIL, "no +12 V on the pilot; -12 V is there",
        "The driver's +12 V supply is missing, or its PWM input does not arrive.",
        "Measure the +12 V and the PWM pin.",
    ),
    "cp-no-minus": (
        "cp", FAIL, "no -12 V on the pilot; +12 V is there",
        "The driver's -12 V supply is missing, or the front end does not read below 0 V.",
        "Measure the -12 V; check the offset of the divider to the ADC.",
    ),
    "cp-inverted": (
        "cp", FAIL, "pilot is upside down: -12 V where +12 V should be",
        "The driver inverts, and the board definition does not know.",
        "Invert the PWM in the board definition.",
    ),
    "cp-level": (
        "cp", FAIL, "a level of the pilot is wrong with nothing plugged in",
        "Wrong divider or scale of the ADC, a weak supply, or a leak to PE.",
        "Measure CP with a meter: if it is right, correct the scale, else driver and supply.",
    ),
    "cp-scale": (
        "cp", WARN, "levels of the pilot are more than 5 % off",
        "Scale of the ADC, or supply of the driver.",
        "Measure CP with a meter and set the two points of the scale.",
    ),
    "cp-pwm": (
        "cp", FAIL, "the pilot does not follow the PWM at 5 %",
        "The PWM pin gives a level but no pulses.",
        "Look at the PWM pin with a scope: 1 kHz, 50 us high.",
    ),
    "cp-phase": (
        "cp", FAIL, "the +12 V plateau of 5 % is not seen",
        "The ADC reads at the wrong moment: the plateau lasts 50 us.",
        "Check trigger and delay of the front end (drivers/pilot_adc.py).",
    ),
    # -- proximity, nothing plugged in
    "pp-rest": ("pp", OK, "PP reads open with no plug in it", "", ""),
    "pp-short": (
        "pp", FAIL, "PP is shorted to PE",
        "PP touches PE in the socket or on the board.",
        "Take the wire off the PP terminal to find out on which side.",
    ),
    "pp-load": (
        "pp", FAIL, "PP reads a cable, though nothing should be plugged in",
        "A cable is in the socket, or the pull-up is wrong.",
        "Take the cable out; else measure the pull-up.",
    ),
    "pp-none": ("pp", SKIP, "no socket (ac_socket): PP is not used", "", ""),
    # -- with the test plug
    "do-plug": (
        "plug", DO, "plug in the test plug, state B: 2.74 kohm behind a diode from CP to PE, a coding resistor from PP to PE",
        "", "",
    ),
    "do-c": ("plug", DO, "switch the test plug to state C: 1.3 kohm beside the 2.74 kohm", "", ""),
    "do-d": ("plug", DO, "switch the test plug to state D: 270 ohm beside the 2.74 kohm", "", ""),
    "do-unplug": ("plug", DO, "take the test plug out", "", ""),
    "plug-b": ("plug", OK, "state B: 9 V, the negative plateau is not loaded", "", ""),
    "plug-c": ("plug", OK, "state C: 6 V", "", ""),
    "plug-d": ("plug", OK, "state D: 3 V", "", ""),
    "plug-skip": ("plug", SKIP, "not tested: no test plug", "", ""),
    "plug-state-skip": ("plug", SKIP, "this state was left out", "", ""),
    "plug-absent": (
        "plug", FAIL, "the test plug is not seen, neither on CP nor on PP",
        "It is not plugged in, or its PE contact is open.",
        "Plug it in; check PE.",
    ),
    "cp-open": (
        "plug", FAIL, "the test plug is not seen on CP",
        "The CP wire between board and plug is open.",
        "Follow CP from the terminal to the contact of the socket.",
    ),
    "diode-short": (
        "plug", FAIL, "the negative plateau is loaded as the positive one is: the diode is shorted",
        "The diode in the test plug is shorted, or something between CP and PE conducts both ways.",
        "Replace the diode; if it is good, look for a leak from CP to PE.",
    ),
    "diode-reversed": (
        "plug", FAIL, "only the negative plateau is loaded: the diode is the wrong way round",
        "The diode in the test plug is reversed.",
        "Turn it: the anode belongs to CP.",
    ),
    "plug-short": (
        "plug", FAIL, "CP is shorted to PE once the test plug is in",
        "Short in the test plug or at the contacts.",
        "Measure the plug: 2.74 kohm in one direction.",
    ),
    "plug-level": (
        "plug", FAIL, "the level is not that of the state",
        "Wrong resistor in the test plug, the switch in another place, or contact resistance.",
        "Measure the plug; 2740, 882 and 246 ohm are B, C and D.",
    ),
    "pp-ok": ("plug", OK, "PP reads the coding of a cable", "", ""),
    "pp-open": (
        "plug", FAIL, "PP reads open with a plug in the socket",
        "The PP wire is open, or the plug has no coding resistor.",
        "Follow PP from the socket to the board; measure the plug from PP to PE.",
    ),
    "pp-plug-short": (
        "plug", FAIL, "PP is shorted once the plug is in",
        "Wrong or shorted coding resistor.",
        "Measure the plug from PP to PE: 100 to 1500 ohm.",
    ),
    "plug-out": ("plug", OK, "test plug is out, pilot is back at 12 V", "", ""),
    "plug-still": (
        "plug", FAIL, "the test plug is still seen",
        "It was not taken out.",
        "Take it out and begin again; the contactor is not closed with anything plugged in.",
    ),
    # -- contactor, closing
    "do-close": (
        "close", DO, "nothing may be plugged in and nobody may touch the output: the contactor closes for a moment",
        "", "",
    ),
    "do-close-plug": (
        "close", DO, "this is the test plug in state C, no car; nobody may touch the output: the contactor closes for a moment",
        "", "",
    ),
    "close-ok": ("close", OK, "contactor closes and opens again", "", ""),
    "close-stuck": (
        "close", FAIL, "contactor does not close",
        "Coil, its driver or its supply; or the feedback contact is wired as a closing one.",
        "Listen for it: if it clicks the feedback is wrong, else measure the coil.",
    ),
    "close-welded": (
        "close", FAIL, "contactor does not open again",
        "Welded or jammed, or the driver of the coil stays on.",
        "Switch the supply off now; check driver and contacts.",
    ),
    "close-strange": (
        "close", SKIP, "closing is not tested: another modem answers on the powerline, which may be that of a car", "", "",
    ),
    "close-guarded": (
        "close", SKIP, "closing is not tested: this board closes only in state C, it needs the test plug", "", "",
    ),
    "close-off": ("close", SKIP, "closing is not tested: it must be asked for (close)", "", ""),
    "close-skip": ("close", SKIP, "closing is not tested: not confirmed, or the steps before it failed", "", ""),
    # -- end
    "stopped": ("end", SKIP, "ended before its time, on request", "", ""),
    "broken": (
        "end", FAIL, "the self-test itself has failed",
        "A fault of this firmware.",
        "Report it with the error line that comes with it.",
    ),
    "end": ("end", OK, "all passed; contactor open, pilot at rest", "", ""),
    "end-fail": ("end", FAIL, "not all passed; contactor open, pilot at rest", "", "Begin with the first failure."),
}  # fmt: skip


def text(code):
    """What was seen, likely cause and remedy in one line."""
    _, _, what, cause, remedy = CODES[code]
    return (what + ". " + cause + " " + remedy).strip(" .") + "."
