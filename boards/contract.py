"""What one part of a station asks of another: each contract once, as data. Never in an image; read
by people who write a board, a modem driver or a power stage, and by `python -m
host_tools.checks.contracts`, which `make lint` runs over every implementer.

ROLES: name of a contract -> (calls, reads). A call is written as it is called; `name=` may be left
out by the caller. A read is an attribute or a property; `name: role` is a part that has a contract
of its own. OPTIONAL: what a caller looks for and does without. A class made of an implementer is
one. IMPLEMENTERS: role -> "file:Class" (a class inside of another: Outer.Inner); * stands for any
folder or file name. USERS: (role, files, what stands for it there): nothing else is called or read
of it.
"""

ROLES = {
    # -- a controller board, as boards/<board>/board/hardware.py gives it to mcu/board.py
    "hardware": (
        (
            "start()",  # pilot X1, contactor open, ENABLE low, guard and watchdog on
            "alive()",  # once a turn of the firmware
            "drive(on)",  # contactor: 1 closes; what is refused stays open
            "enable(on)",  # ENABLE line of the power stage: 1 = it may deliver
            "feedback()",  # 1 while the contactor is closed, and if its wire is broken
            "tripped()",  # contactor and ENABLE were let go by itself, or not let up, since drive(0)
            "notes()",  # texts on what the hardware did by itself since the last call
            "counters()",  # [(name, number)]
            "stop()",  # contactor open, ENABLE low, pilot F, nothing runs any more
        ),
        (
            "name",
            "mac",  # 6 bytes
            "guarded",  # True: the hardware itself keeps the contactor open unless the pilot is C or D
            "bus: modem bus",
            "irq: interrupt",
            "source",  # what becomes readable at an interrupt of the modem
            "front: pilot front end",
            "plug: adc",  # of the proximity line
        ),
    ),
    "modem bus": (
        (
            "set_hz(hz=)",  # clock in Hz, None: the board's own; returns it
            "exchanged(command, n)",  # what answers with MISO and MOSI exchanged, see firmware/app/selftest.py
        ),
        ("spi: spi", "cs"),  # cs(0) selects
    ),
    "spi": (("write(buf)", "readinto(buf, fill)"), ()),
    "interrupt": ((), ("fired",)),
    "adc": (("read_u16()",), ()),  # 0..65535
    "pilot front end": (("set_duty(permille)", "sample()"), ("sampling", "high_mv", "low_mv")),
    # -- what firmware/main.py takes from a board of any kind
    "board": (
        (
            "start(now)",
            "poll(now)",  # once a turn, before anything else
            "counters()",
            "close()",
            "spi_hz(hz=)",
            "exchanged(command, n)",
        ),
        (
            "mac",
            "due",
            "sources",  # what a poll() waits on
            "ready",  # text behind READY
            "COMMANDS",  # of a laboratory, see firmware/run/operator.py
            "pilot: pilot",
            "proximity: proximity",
            "contactor: relay",
            "enable",  # enable(on) of the ENABLE line, None: there is none
            "stage: power stage",
            "modem: modem",
        ),
    ),
    "modem": (
        ("start(now)", "poll(now)", "recv()", "send(buf, n)", "event()", "counters()"),
        ("up", "due", "frame"),
    ),
    "spi modem": (
        (
            "start(now)",
            "poll(now)",
            "recv()",
            "send(buf, n)",
            "event()",
            "counters()",
            "stop(now)",
            "signature()",
            "echo(value)",
        ),
        ("up", "due", "frame", "edges"),
    ),
    "pilot": (
        ("start(now)", "poll(now)", "set_duty(permille, now)", "count_toggles(now)", "event()"),
        (
            "due",
            "state",
            "ready",
            "raw",
            "sampled_at",
            "high_mv",
            "low_mv",
            "blind",
            "diode_ok",
            "diode_seen",
            "duty",
            "duty_before",
            "duty_since",
            "changed_at",
            "toggles",
            "counting",
            "longest_ms",
        ),
    ),
    "proximity": (("start(now)", "poll(now)", "event()"), ("due", "rating_a", "ohm")),
    # -- the power path. Calls of a stage and its parts return at once, may be said again, and
    # allocate nothing in steady state; what they raise is a fault and means off (firmware/app/power.py)
    "power stage": (
        (
            "start(now)",
            "poll(now)",
            "beat(now)",  # each turn while power may flow: without it the stage goes off by itself
            "off(now)",  # block the converter, from every state
            "stop(now)",  # ramp to 0 A; Power opens the contactor
            "test(mv, ma, now)",  # insulation; Power has seen the output dead and closes the contactor
            "precharge(mv, ma, now)",  # the output follows mv, with ma at most
            "close(now)",  # about to run: armed at 0 A; contacts of its own close
            "dc(mv, ma, w, now)",  # ma below 0: out of the car; mv: limit in the direction of flow; w: magnitude
            "ac(l1_ma, l2_ma, l3_ma, var, now)",  # ceiling of each line; below 0: export down to that
            "lock(yes, now)",  # of an AC socket
            "clear(now)",  # forget latched faults whose cause is gone
            "age_ms(source, now)",  # of a reading, firmware/stage/words.py; None: no such source
        ),
        (
            "due",
            "caps",  # words.Caps
            "state",
            "closed",  # contacts of its own; None: it has none
            "test_result",  # TEST_RUNNING from test() on, then TEST_PASSED or TEST_FAILED
            "insulation_ohm",
            "mv_out",  # at the car's side of the contact
            "mv_in",  # at the converter's
            "ma",  # positive: into the car
            "w",
            "l_mv",  # of three lines
            "l_ma",
            "l_w",
            "var",
            "can_charge_w",  # now: derating
            "can_discharge_w",
            "charged_wh",  # registers that never fall
            "discharged_wh",
            "meter_ok",
            "locked",
            "faults",  # bits of firmware/stage/faults.py
        ),
    ),
    "relay": (
        ("start(now)", "poll(now)", "close(now)", "open(now)", "clear(now)", "event()"),
        ("due", "wanted", "driven", "closed", "verified", "tripped", "fault"),
    ),
    "contactor": (("drive(on)", "feedback()", "start(now)", "poll(now)"), ("due", "closed")),
    "converter": (  # a part below the stage
        (
            "start(now)",
            "poll(now)",
            "off(now)",  # block it, in this call
            "set(mv, ma, now)",  # ma below 0: out of the car; False: it cannot, and is off
            "clear(now)",
            "age_ms(now)",  # of mv and ma
            "counters()",
        ),
        (
            "due",
            "mv",
            "ma",
            "faults",
            "why",  # the last of them in words
            "ready",  # it answers, is off, has no fault
            "on",
            "live",  # it may deliver, for all that is known
            "can_charge_w",
            "can_discharge_w",
            "limit_ms",  # the age from which mv and ma are stale
            "min_mv",
            "max_mv",  # 0: it has not told yet
            "max_charge_ma",
            "max_discharge_ma",
            "max_charge_w",
            "max_discharge_w",
        ),
    ),
    # -- CAN
    "can": (
        ("start(now)", "stop(now)", "poll(now)", "recv()", "send(ident, data, now)", "event()", "counters()"),
        ("up", "due", "idle", "ident", "data", "overflows", "bus_offs", "unsent"),
    ),
    # -- parts on a Modbus bus
    "uart": (("any()", "readinto(buf, n)", "write(buf)"), ()),  # as machine.UART; returns at once
    "rs485 line": (("direction(ms)",), ("uart: uart",)),
    "bus part": (("ask(now)", "answer(request, answer, at, now)", "failed(request, why, now)"), ("wish",)),
    "part": (("start(now)", "poll(now)", "clear(now)", "age_ms(now)", "words()"), ("due", "faults", "name", "address")),
    "meter": (
        (
            "start(now)",
            "poll(now)",
            "clear(now)",
            "age_ms(now)",  # of mv ma w l_* var; None: nothing is read
            "energy_age_ms(now)",  # of charged_wh discharged_wh; None: not read, or not proved
            "words()",  # [(what is wrong, what to do)]
        ),
        (
            "due",
            "phases",  # 3, or 0 for DC
            "mv",
            "ma",  # + into the car
            "w",
            "charged_wh",  # None, then never falls
            "discharged_wh",
            "ok",
            "faults",  # bits of drivers/modbus_part.py
            "limit_ms",  # the age from which it is stale
            "charging_only",  # written by the stage: no power out of the car is allowed now
            "swapped",
        ),
    ),
    "ac meter": ((), ("l_mv", "l_ma", "l_w", "var", "hz_m")),  # a meter with lines has this too
    "insulation monitor": (
        (
            "start(now)",
            "poll(now)",
            "clear(now)",
            "want(on, now)",
            "self_test(now)",
            "age_ms(now)",
            "mv_age_ms(now)",
            "words()",
        ),
        ("due", "ohm", "mv", "alarm", "ok", "ready", "testing", "test_result", "faults"),
    ),
    # -- machines (docs/design.md): of frames, of bytes
    "machine": (("rx(buf, n, now)", "poll(now)", "tx(out)", "event()"), ("due",)),
    "inputs": (("start(now)", "poll(now)"), ("due", "bits", "export")),
    "socket lock": (("start(now)", "poll(stage, hold, free, now)"), ("ready", "held", "bits")),
    "power": (
        (
            "poll(now)",
            "off(now)",
            "permit(yes, now, sampled_at=)",
            "basic(close, now)",
            "clear(now)",
            "measure(f, now)",
            "apply(f, now)",
            "set_inputs(bits, now)",
            "start(now)",
            "sample()",
            "cable_w()",
        ),
        (
            "hw: power stage",
            "contactor: relay",
            "due",
            "fault",
            "faults",
            "latched",
            "must_end",
            "closed",
            "out_mv",
            "path_off",
            "charged_wh",
            "discharged_wh",
            "cfg",
            "lease: lease",
            "decide: decision",
            "permitted",
            "cable_a",
        ),
    ),
    "power switch": (
        ("off(now)", "sample()"),
        ("cfg", "lease: lease", "decide: decision"),
    ),  # what the run loops need of it
    "lease": (  # whose set-point counts
        (
            "poll(now)",
            "w(now)",
            "left_ms(now)",
            "give(now, source, w, valid_s=, lines=, var=)",
            "release(now, source)",
            "grid(now, yes, valid_s=)",
            "input(now, yes)",
            "why_no_export()",
        ),
        ("due", "source", "set_w", "per_line", "l_w", "var", "seq", "export"),
    ),
    "decision": (  # who may charge
        (
            "poll(now)",
            "plug_in(now)",
            "clear(now)",
            "seen(now, evccid, name)",
            "authorize(now, token, by)",
            "deny(now, by)",
            "checking(now)",
        ),
        ("due", "state", "person"),
    ),
    "session machine": (
        (
            "start(now, vehicle=, leaf=)",
            "rx(buf, n, now)",
            "poll(now)",
            "tx(out)",
            "event()",
            "lost(now)",
            "request_stop(now)",
            "out_of_service(now)",
        ),
        ("due", "session_over", "established", "paused: paused session"),
    ),
    "paused session": (("begun()", "left_ms(now)", "forget(now, why)"), ()),
    "safe": (
        (
            "start(now, vehicle=, leaf=)",
            "rx(buf, n, now)",
            "poll(now)",
            "tx(out, now)",
            "event(now)",
            "lost(now)",
            "request_stop(now)",
            "pause_begun()",
            "paused_ms(now)",
            "forget(now, why)",
            "off(now)",
            "out_of_service(now)",
            "attempt(what, now, call)",
            "report(what, error, now)",
        ),
        ("CLOSE", "faults", "broken", "secc", "due", "session_over", "established"),
    ),
    # -- a car's connection: our own TCP, a socket of the operating system, TLS over either
    "connection": (("readable()", "read(buf)", "write(buf, at, n)", "close()", "abort()"), ("at_end", "remote")),
    "byte stream": (("read(buf)", "write(buf, at, n)", "close()", "abort()"), ("at_end",)),  # what TLS stands on
    "tls stage": (
        (
            "open(conn, now)",
            "pump(now)",
            "lost(now)",
            "readable()",
            "read(buf)",
            "write(buf, at, n)",
            "close()",
            "abort()",
        ),
        ("phase", "conn", "vehicle", "leaf", "due", "at_end"),
    ),
    "tls engine": (  # tls13.Conn, a C module
        (
            "begin(unix_s, known, key_log)",
            "step()",
            "feed(buf, at, n)",
            "take(buf)",
            "pending()",
            "read(buf)",
            "write(buf, at, n)",
            "close()",
            "reset()",
        ),
        ("state", "reason", "alert", "name"),
    ),
    # -- what is said to people
    "trace": (
        (
            "message(now, direction, payload_type, buf, at, n, state)",
            "note(now, text, value=)",
            "error(now, text, value=)",
            "pilot(now, state, duty_permille, high_mv, low_mv)",
            "attenuation(now, mac, sounds, groups)",
            "change(now, old, new, reason)",
            "status(now, text)",
        ),
        (),
    ),
    "notes": (("note(now, text, value=)",), ()),  # of a machine that says nothing else
    # -- time
    "clock": (
        ("ticks_ms()", "ticks_add(ticks, delta)", "ticks_diff(end, start)", "unix_s()", "utc(unix_s)", "sooner(a, b)"),
        (),
    ),
}

OPTIONAL = {
    "hardware": (
        (
            "stage(cfg, contactor)",  # makes the board's own power stage; without it mcu/stages.py does
            "enable(on)",  # the ENABLE line: 0 blocks the converter and opens what hangs on it
            "uart(name, baud, parity=)",  # "stage"; parity none, even, odd. A uart; ValueError: no such line
            "rs485(baud, parity)",  # opens the bus of meter and monitor: an rs485 line
            "can_spi()",  # (spi, cs, int_pin) of an MCP2515
            "input(name, good)",  # what reads a protective input; None: there is no such pin
        ),
        (),
    ),
    "power stage": (("counters()",), ()),  # [(name, value)] of its buses since boot
    "session machine": (("fault(now)",), ()),  # makes its answer a FAILED one
    "board": (
        ("health()",),  # [(name, value, unit, least, most)]: supplies and temperatures
        ("guarded", "circuit", "plug", "modem"),
    ),
}

IMPLEMENTERS = {
    "hardware": ("boards/*/board/hardware.py:Hardware",),
    "modem bus": ("boards/common/mcu/modem_spi.py:ModemSpi",),
    "spi": (
        "host_tools/twin/qca7000.py:QcaSpi",
        "host_tools/twin/wiring.py:Wires",
        "host_tools/twin/mcp2515.py:Mcp2515",
        "tests/unit/drivers/data_spi.py:Transcript",
        "tests/lib/controller/machine_common.py:SpiBase",
        "tests/fuzz/test_qca_fuzz.py:Mutant",
        "tests/fuzz/test_qca_fuzz.py:Flipper",
        "tests/mem/test_alloc_path.py:Recorder",
        "tests/mem/test_alloc_qca.py:FixedChip",
        "tests/mem/test_alloc_can.py:FixedCan",
    ),
    "interrupt": (
        "boards/common/mcu/interrupt.py:Interrupt",
        "host_tools/twin/qca7000.py:Irq",
        "tests/unit/drivers/data_spi.py:Irq",
        "tests/lib/controller/place.py:Edge",
    ),
    "adc": (
        "boards/*/board/hardware.py:_Plug",
        "host_tools/twin/pilot.py:PlugResistor",
        "boards/esp32s3/board/hardware.py:_Volts",
        "tests/lib/controller/machine_esp32.py:ADC",
        "tests/mem/test_alloc_pilot.py:Adc",
        "tests/unit/drivers/test_pilot_adc.py:Board",
        "tests/unit/drivers/test_pilot_adc.py:Held",
    ),
    "pilot front end": (
        "drivers/pilot_adc.py:SyncFrontEnd",
        "drivers/pilot_adc.py:PeakFrontEnd",
        "drivers/pilot_adc.py:FreeFrontEnd",
        "boards/*/board/hardware.py:_Front",
        "host_tools/twin/pilot.py:PilotCircuit",
        "tests/unit/drivers/test_pilot.py:Front",
    ),
    "board": ("boards/common/mcu/board.py:Board", "boards/unix/board/sim_board.py:SimBoard"),
    "modem": ("drivers/qca7000.py:Qca7000", "boards/unix/board/packet.py:PacketPort"),
    "spi modem": ("drivers/qca7000.py:Qca7000",),
    "pilot": ("drivers/pilot.py:Pilot",),
    "proximity": ("drivers/proximity.py:Proximity",),
    "power stage": (
        "firmware/stage/bench.py:BenchStage",
        "firmware/stage/serial.py:SerialStage",
        "firmware/stage/parts.py:PartsStage",
        "firmware/stage/ac.py:AcStage",
        "boards/*/board/stage.py:Stage",  # a board's own
        "host_tools/recordings/replay/player.py:Recorded",
    ),
    "relay": ("drivers/contactor.py:Contactor",),
    "contactor": ("host_tools/twin/contactor.py:ContactorModel",),
    "can": ("drivers/mcp2515.py:Mcp2515",),
    "converter": (
        "drivers/infypower.py:Module",
        "drivers/infypower_beg.py:Beg1k075g",
        "drivers/infypower_reg.py:Reg",
        "tests/mem/test_alloc_stage.py:Part",
    ),
    "uart": (
        "host_tools/twin/rtu.py:Port",
        "host_tools/twin/power_board.py:PowerBoard",
        "host_tools/stage/ends.py:Port",
        "boards/unix/board/tty.py:Tty",
        "tests/mem/test_alloc_stage.py:Uart",
        "tests/lib/bus_on_stdio.py:Line",
        "tests/mem/test_alloc_modbus.py:Tape",
    ),
    "rs485 line": (
        "boards/common/mcu/rs485_line.py:Rs485Line",
        "boards/*/board/hardware.py:_Bus",
        "boards/unix/board/sim_stage.py:_Line",
    ),
    "bus part": (
        "drivers/eastron.py:Eastron",
        "drivers/acrel.py:Acrel",
        "drivers/bender.py:Bender",
        "tests/unit/drivers/modbus_bench.py:Asker",
    ),
    "part": ("drivers/modbus_part.py:Part",),
    "meter": ("drivers/eastron.py:Eastron", "drivers/acrel.py:Acrel", "tests/mem/test_alloc_stage.py:Part"),
    "ac meter": ("drivers/eastron.py:Eastron",),
    "insulation monitor": ("drivers/bender.py:Bender", "tests/mem/test_alloc_stage.py:Part"),
    "machine": (
        "firmware/net/stack.py:Stack",
        "firmware/slac/evse.py:Slac",
        "firmware/session/secc.py:Secc",
        "host_tools/ev/evcc.py:Evcc",
        "host_tools/ev/slac.py:EvSlac",
        "host_tools/ev/stack.py:CarStack",
    ),
    "inputs": ("firmware/app/inputs.py:Inputs",),
    "socket lock": ("firmware/app/socket_lock.py:SocketLock",),
    "power": ("firmware/app/power.py:Power",),
    "decision": ("firmware/app/decide.py:Decide",),
    "lease": ("firmware/app/lease.py:Lease",),
    "power switch": ("firmware/app/power.py:Power", "tests/lib/fake_secc.py:FakePower"),
    "session machine": ("firmware/session/secc.py:Secc", "tests/lib/fake_secc.py:FakeSecc"),
    "paused session": ("firmware/session/paused.py:Paused",),
    "safe": ("firmware/run/safe.py:Safe",),
    "connection": (
        "firmware/net/tcp_conn.py:TcpConn",
        "firmware/run/os_conn.py:OsConn",
        "firmware/net/tls_stage.py:TlsStage",
        "host_tools/ev/stack.py:ClientConn",
        "tests/unit/app/test_session_link.py:Conn",
        "tests/unit/net/test_tls_stage.py:Wire",
    ),
    "byte stream": ("tests/lib/tls_socket.py:Tcp",),
    "tls stage": ("firmware/net/tls_stage.py:TlsStage",),
    "tls engine": ("host_tools/ev/tls.py:Engine",),
    "trace": ("firmware/trace.py:Trace", "tests/lib/notes.py:Notes"),
    "notes": (
        "firmware/trace.py:Trace",
        "firmware/run/idle.py:_NoTrace",
        "host_tools/emu/observer.py:Observer",
        "host_tools/emu/world.py:Silent",
        "host_tools/ev/link.py:Trace",
        "host_tools/recordings/replay/player.py:Notes",
        "host_tools/stage/check.py:_Silent",
        "tests/interop/bulk_server.py:Notes",
        "tests/lib/tls_socket.py:Out",
        "tests/mem/test_alloc_slac.py:Silent",
    ),
    "clock": ("firmware/clock.py",),
}

USERS = (
    ("hardware", "boards/common/mcu/board.py", r"(?:self\.)?hw"),
    ("modem bus", "boards/common/mcu/board.py", r"hw\.bus"),
    ("board", "firmware/app/selftest*.py", r"\bboard"),
    ("board", "firmware/run/frame_loop.py", r"self\.board"),
    ("board", "firmware/app/station.py", r"\bboard"),
    ("modem", "firmware/run/frame_loop.py", r"(?:self\.board\.|\b)modem"),
    ("spi modem", "firmware/app/selftest*.py", r"(?:board\.|\b)(?:modem|driver)"),
    ("relay", "firmware/app/selftest*.py", r"\brelay"),
    ("relay", "firmware/app/power.py", r"self\.contactor"),
    ("power stage", "firmware/app/power.py", r"\bhw"),
    ("power stage", "firmware/run/*.py", r"power\.hw"),
    ("power stage", "firmware/app/selftest*.py", r"board\.stage"),
    ("power stage", "firmware/app/power_watch.py", r"\bhw"),
    ("lease", "firmware/run/*.py", r"\blease"),
    ("decision", "firmware/run/*.py", r"power\.decide"),
    ("decision", "firmware/app/charger.py", r"power\.decide"),
    ("decision", "firmware/app/power.py", r"self\.decide"),
    ("lease", "firmware/app/power.py", r"self\.lease"),
    ("pilot front end", "drivers/pilot.py", r"\b_?front"),
    ("adc", "drivers/proximity.py", r"self\._adc"),
    ("spi", "drivers/qca7000.py", r"self\._spi"),
    ("uart", "drivers/modbus.py", r"self\._uart"),
    ("uart", "firmware/stage/serial.py", r"(?:self\._uart|\buart)"),
    ("converter", "firmware/stage/parts.py", r"(?:self\._converter|\bconverter)"),
    ("meter", "firmware/stage/parts.py", r"(?:self\._meter|\bmeter)"),
    ("insulation monitor", "firmware/stage/parts.py", r"(?:self\._monitor|\bmonitor)"),
    ("bus part", "drivers/modbus.py", r"\b_?part"),
    ("spi", "drivers/mcp2515.py", r"self\._spi"),
    ("can", "drivers/infypower*.py", r"(?:self\._can|\bcan)"),
    ("interrupt", "drivers/qca7000.py", r"self\._irq"),
    ("session machine", "firmware/run/safe.py", r"self\.secc"),
    ("paused session", "firmware/run/safe.py", r"self\.secc\.paused"),
    ("safe", "firmware/app/session_link.py", r"self\.safe"),
    ("safe", "firmware/app/tls_session_link.py", r"self\.safe"),
    ("safe", "firmware/run/run_loop.py", r"\bsafe"),
    ("safe", "firmware/run/frame_loop.py", r"self\.safe"),
    ("safe", "firmware/run/socket_loop.py", r"self\.safe"),
    ("connection", "firmware/app/session_link.py", r"\bconn"),
    ("tls stage", "firmware/app/tls_session_link.py", r"\b_?stage"),
    ("tls engine", "firmware/net/tls_stage.py", r"self\._engine"),
    ("inputs", "firmware/app/charger.py", r"(?:self\.|\b)inputs"),
    ("socket lock", "firmware/app/charger.py", r"self\.lock"),
    ("trace", "firmware/session/*.py", r"\b_?trace"),
    ("trace", "firmware/slac/*.py", r"\b_?trace"),
    ("trace", "firmware/net/*.py", r"\b_?trace"),
    ("trace", "drivers/*.py", r"\b_?trace"),
    ("trace", "boards/common/mcu/*.py", r"\b_?trace"),
    ("trace", "boards/unix/board/*.py", r"\b_?trace"),
)
