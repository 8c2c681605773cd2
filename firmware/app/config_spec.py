"""Everything that may stand in the configuration. The table is a constant: frozen, it costs no RAM,
meanings included.

Behind a switch stands what it decides (docs/requirements.md)."""

# Kinds. Limits of INT: low..high. Of STR: shortest..longest in characters. Of CHOICE and LIST: the
# allowed values; a LIST is not empty and has no value twice, and its order counts. Of TEXTS: most
# texts, and most characters of each; none is empty or stands twice.
INT = "int"
STR = "str"
BOOL = "bool"
CHOICE = "choice"
LIST = "list"
TEXTS = "texts"

# (key, kind, default, low or choices, high, meaning)
SPEC = (
    (
        "lab",
        "bool",
        False,
        0,
        0,
        "lab switch: what is only for a desk is allowed (DC and MeterInfo of a simulated power stage, DC without a measurement "
        "at the car's side), and said as an error at each start",
    ),
    # What is offered
    ("evse_id", "str", "DE*MV2*E000001", 1, 255, "EVSE id of the answer to SessionSetup"),  # R-SESSION-14
    (
        "services",
        "list",
        ("AC_BPT", "AC", "DC_BPT", "DC"),
        ("AC_BPT", "AC", "DC_BPT", "DC"),
        0,
        "energy services on offer, in order; without BPT only charging",
    ),
    (
        "control",  # R-SERVICES-09, -13
        "list",
        ("dynamic", "scheduled"),
        ("dynamic", "scheduled"),
        0,
        "control modes on offer; the order of the parameter sets",
    ),
    (
        "setpoint_w",
        "int",
        0,
        -1000000,
        1000000,
        "power set-point from the start on, a ceiling in every control mode; positive charges, 0 means none; negative (discharge) only with the lab switch",
    ),
    (
        "setpoint_valid_s",
        "int",
        60,
        0,
        432000,
        "how long a set-point holds that says nothing of it; 0 = it does not end",
    ),
    ("setpoint_fallback_w", "int", 0, 0, 1000000, "power set-point after the last one has run out"),
    (
        "schedule",
        "str",
        "",
        0,
        64,
        "file with set-points by the clock (docs/console.md), as /schedule.txt; empty = none",
    ),
    (
        "export",  # R-LOOP-10
        "choice",
        "no",
        ("no", "input", "host", "free"),
        0,
        "who allows power out of the car: nobody (no BPT service then), an input, `grid yes` of the host, or everybody",
    ),
    (
        "stop_after_loops",
        "int",
        0,
        0,
        1000000000,
        "the station ends the session after so many charge loop answers; 0 = never",
    ),
    # The power path
    (
        "stage",
        "choice",
        "bench",
        ("bench", "serial", "parts"),
        0,
        "power stage behind the contactor; bench: a simulation, serial: a power board at a serial line, parts: bought parts",
    ),
    ("stage_baud", "choice", 115200, (115200, 230400, 460800, 921600), 0, "speed of the serial power stage"),
    (
        "stage_port",
        "str",
        "",
        0,
        100,
        "on a desk: serial port of this machine with a power stage; empty = a modelled one",
    ),
    ("meter_place", "choice", "car", ("car", "station"), 0, "side of the contactor on which the DC meter measures"),
    (
        "monitor_place",
        "choice",
        "station",
        ("car", "station"),
        0,
        "side of the contactor on which the insulation monitor measures its voltage",
    ),
    (
        "monitor_settle_ms",
        "int",
        3000,
        0,
        20000,
        "a reading of the insulation monitor counts when the test voltage has stood so long",
    ),
    # Who may charge
    (
        "authorization",  # R-AUTH-16
        "choice",
        "operator",
        ("operator", "list", "free"),
        0,
        "who decides that a car may charge: `authorize` of operator or host, the list `authorized`, or nobody has to",
    ),
    ("authorized", "texts", (), 16, 64, "for `list`: tokens, EVCCIDs, names in vehicle certificates"),
    # Meter and insulation monitor on RS-485 (docs/parts-modbus.md)
    (
        "meter",
        "choice",
        "none",
        ("none", "eastron", "acrel"),
        0,
        "eastron = SDM630 V2 or SDM72D-M V2 for AC, acrel = DJSF1352-RN for DC",
    ),
    ("meter_address", "int", 1, 1, 247, "Modbus address of the meter"),
    ("meter_swapped", "bool", False, 0, 0, "the meter is wired so that power into the car reads negative"),
    ("monitor", "choice", "none", ("none", "bender"), 0, "insulation monitor; bender = isoCHA425HV"),
    ("monitor_address", "int", 3, 1, 247, "Modbus address of the insulation monitor"),
    ("monitor_r1_kohm", "int", 500, 16, 600, "the monitor warns below it"),
    ("monitor_r2_kohm", "int", 100, 15, 599, "the monitor gives alarm below it; less than monitor_r1_kohm"),
    ("bus_baud", "choice", 19200, (4800, 9600, 19200, 38400), 0, "speed of all parts on the RS-485"),
    ("bus_parity", "choice", "even", ("none", "even", "odd"), 0, "parity of all parts on the RS-485; one stop bit"),
    # Converter on CAN
    (
        "converter",
        "choice",
        "beg",
        ("beg", "reg"),
        0,
        "DC module: beg = Infypower BEG1K075G, reg = REG, CEG, LRG (charging only)",
    ),
    ("can_module", "int", 0, 0, 63, "address of the DC module; 63 = the only one on the bus, whatever its address is"),
    ("can_bit_rate", "choice", 125, (125, 250, 500), 0, "kbit/s; of the BEG1K075G nobody publishes it"),
    ("can_crystal_mhz", "choice", 8, (8, 16), 0, "crystal of the MCP2515"),
    (
        "converter_silence_ms",
        "int",
        10000,
        1000,
        600000,
        "a DC module ends by itself after so long without a message; that long it counts as live when it is silent",
    ),
    # AC limits
    ("ac_phases", "choice", 3, (1, 3), 0, "number of connected phases"),
    ("ac_nominal_voltage_v", "int", 230, 50, 500, "line to neutral"),
    ("ac_frequency_mhz", "int", 50000, 45000, 65000, "nominal frequency in millihertz"),
    ("ac_max_charge_w", "int", 11040, 0, 1000000, "all phases together"),
    ("ac_min_charge_w", "int", 0, 0, 1000000, "all phases together"),
    ("ac_max_discharge_w", "int", 11040, 0, 1000000, "AC_BPT, all phases together"),
    ("ac_min_discharge_w", "int", 0, 0, 1000000, "AC_BPT, all phases together"),
    # DC limits
    ("dc_max_charge_w", "int", 50000, 0, 1000000, ""),
    ("dc_min_charge_w", "int", 0, 0, 1000000, ""),
    ("dc_max_charge_ma", "int", 125000, 0, 3000000, ""),
    ("dc_min_charge_ma", "int", 0, 0, 3000000, ""),
    ("dc_max_voltage_mv", "int", 920000, 0, 1500000, ""),
    ("dc_min_voltage_mv", "int", 150000, 0, 1500000, ""),
    ("dc_max_discharge_w", "int", 30000, 0, 1000000, "DC_BPT"),
    ("dc_min_discharge_w", "int", 0, 0, 1000000, "DC_BPT"),
    ("dc_max_discharge_ma", "int", 80000, 0, 3000000, "DC_BPT"),
    ("dc_min_discharge_ma", "int", 0, 0, 3000000, "DC_BPT"),
    ("power_ramp_w_per_s", "int", 20000, 1, 10000000, "how fast the power stage follows a new set-point"),
    (
        "v2x_min_soc",
        "int",
        0,
        0,
        100,
        "no discharge below this state of charge, percent, or while the car does not tell it; the car has its own floor too",
    ),
    # Simulated surroundings
    ("schedule_delay_ms", "int", 0, 0, 600000, "ScheduleExchange answers Ongoing this long"),
    ("cable_check_ms", "int", 500, 0, 600000, "duration of the simulated insulation test"),
    ("meter_id", "str", "MV2-METER-1", 0, 32, "empty = no meter"),  # R-SESSION-14, R-METER-07
    ("meterinfo_always", "bool", False, 0, 0, "send MeterInfo in every loop answer, not only on request"),  # D-29
    # Timeouts
    ("sequence_timeout_ms", "int", 60000, 100, 600000, "V2G_SECC_Sequence_Timeout: next request after an answer"),
    (
        "loop_sequence_timeout_ms",  # D-03
        "int",
        500,
        100,
        60000,
        "the same after a charge loop answer; cars that pace slower need more",
    ),
    ("setup_timeout_ms", "int", 18000, 100, 600000, "V2G_SECC_CommunicationSetup_Timeout: connection to SessionSetup"),
    ("ongoing_timeout_ms", "int", 55000, 100, 600000, "longest Ongoing phase; below the 60 s of the car"),  # D-17
    ("eim_timeout_ms", "int", 55000, 100, 600000, "longest wait for a decision who may charge; then a warning"),  # D-17
    ("cable_check_timeout_ms", "int", 38000, 100, 600000, "longest cable check"),  # D-18
    ("precharge_timeout_ms", "int", 6500, 100, 600000, "longest pre-charge"),  # D-18
    ("contactor_timeout_ms", "int", 1400, 50, 60000, "contactor feedback after the order to close"),
    ("off_timeout_ms", "int", 500, 50, 60000, "current gone after the order to stop"),
    (
        "tcp_hold_ms",
        "int",
        5000,
        0,
        60000,
        "TCP stays open this long after SessionStopRes, for the car to close it",
    ),  # D-19
    (
        "pause_allowed",
        "bool",
        True,
        0,
        0,
        "a car with a certificate (TLS) may pause its session and join it again",
    ),  # D-26
    (
        "pause_max_s",
        "int",
        86400,
        10,
        432000,
        "a paused session can be joined this long; then the car begins a new one",
    ),
    ("terminate_delay_s", "int", 30, 0, 3600, "NotificationMaxDelay of a stop by the station"),  # D-27
    # Pilot and powerline
    (
        "slac_init_ms",
        "int",
        40000,
        1000,
        50000,
        "TT_EVSE_SLAC_init: 5 % pilot to the first matching request; the standard wants 20000..50000",
    ),
    (
        "ef_retries",
        "int",
        2,
        0,
        5,
        "C_sequ_retry: pilot F pulses that wake a car which does not start matching",
    ),  # D-21, R-LINK-03
    ("step_ef_ms", "int", 4000, 4000, 8000, "T_step_EF: length of such a pulse"),
    ("step_x1_ms", "int", 3000, 500, 8000, "T_step_X1: steady pilot between 5 % and the nominal duty"),
    (
        "ac_socket",
        "bool",
        False,
        0,
        0,
        "AC socket instead of a captive cable: the proximity resistor of the plug limits the current, without one none flows",
    ),
    (
        "socket_lock",
        "choice",
        "none",
        ("none", "stage"),
        0,
        "lock of the AC socket: none, or the power stage's; then no power before it is closed",
    ),
    (
        "inputs",  # R-DC-SAFETY-05, R-STATUS-07
        "str",
        "",
        0,
        200,
        'protective inputs, as "estop=GP2 door=GP3:high grid=stage": name, pin, level while all is well (low); help: app/inputs.py',
    ),
    ("slac_offset_db", "int", 0, 0, 40, "receive offset of this board, added to every measured attenuation"),
    (
        "slac_validate",  # D-23
        "choice",
        "not_required",
        ("not_required", "count"),
        0,
        "CM_VALIDATE: wave through, or count B-C-B",
    ),
    (
        "slac_station_ids",
        "choice",
        "zero",
        ("zero", "own"),
        0,
        "station id in matching messages: zeros, or of evse_id",
    ),  # D-22
    (
        "slac_reset_instead_of_fail",
        "bool",
        True,
        0,
        0,
        "a car may start matching again after all attempts have failed",
    ),  # D-21
    ("slac_max_match", "int", 3, 1, 20, "C_conn_max_match: failed attempts of one car"),
    ("slac_matching_rate_ms", "int", 400, 0, 5000, "TT_matching_rate: pause between attempts of one car"),
    (
        "slac_link_detect",
        "choice",
        "status",
        ("status", "peer_frame"),
        0,
        "how a data link is seen: the modem is asked, or (for modems that cannot say) the first IPv6 frame counts",
    ),
    ("slac_link_ready_ms", "int", 500, 200, 1000, "a data link counts after this time"),
    (
        "slac_profile_any_source",
        "bool",
        False,
        0,
        0,
        "accept measurements from any MAC, not only from the modem that has confirmed the key",
    ),
    ("set_key_ok", "choice", 1, (0, 1), 0, "result of CM_SET_KEY that means applied: 1 in Qualcomm firmware"),
    ("set_key_tries", "int", 5, 1, 10, "attempts to give the modem its key before it counts as faulty"),
    ("set_key_verify", "bool", True, 0, 0, "a key counts only after the modem has named its network"),
    (
        "basic_fallback",
        "bool",
        True,
        0,
        0,
        "AC only: a car without ISO 15118 charges by the pilot alone (IEC 61851); not used while DC is on offer",
    ),
    ("link_setup_ms", "int", 18000, 1000, 60000, "data link to the end of SessionSetup"),
    # Network
    ("tcp_port", "int", 0, 0, 65535, "0 = a random port in 49152..65535; else a port of that range"),
    ("sdp_port", "int", 15118, 1, 65535, "lab switch: cars always ask on 15118"),
    # Dialects: where sources or cars disagree
    (
        "allow_plain",
        "bool",
        True,
        0,
        0,
        "lab switch: sessions without TLS; without it a station that has no TLS serves nobody",
    ),
    (
        "tls",
        "choice",
        "none",
        ("none", "strict", "field"),
        0,
        "strict: ISO 15118-20; field: also P-256 and X25519",
    ),  # D-24
    ("tls_dir", "str", "tls", 1, 200, "folder with secc_chain.pem, secc.key and roots.pem"),
    ("tls_handshake_ms", "int", 10000, 1000, 60000, "what a car may let the station wait in a handshake, all in all"),
    ("tls_key_log", "str", "", 0, 200, "lab switch: file that gets the secrets of every session, for Wireshark"),
    ("sap_filter_by_service", "bool", True, 0, 0, "accept a protocol only if a service of it is on offer"),  # D-09
    ("ac_connector_three_phase", "choice", 2, (2, 3), 0, "value of Connector that means three phases"),  # D-01
    ("negative_discharge_limits", "bool", False, 0, 0, "send discharge limits with a minus sign"),  # D-02
    (
        "islanding_param_name",  # D-07
        "choice",
        "GridCodeIslandingDetectionMethod",
        ("GridCodeIslandingDetectionMethod", "DetectionMethodGridCodeIslanding"),
        0,
        "name of that AC_BPT parameter",
    ),
    ("islanding_method", "choice", 1, (1, 2), 0, "value of the islanding parameter: 1 active, 2 passive"),
    (
        "send_price_schedule",
        "choice",
        "minimal",
        ("minimal", "never"),
        0,
        "some cars refuse a schedule without prices",
    ),  # D-06
    ("param_set_id_base", "int", 1, 0, 100, "id of the first parameter set"),  # D-08
    (
        "strict_precharge_order",
        "bool",
        False,
        0,
        0,
        "refuse PreCharge requests after the one that was finished",
    ),  # D-04
    (
        "lenient_ev_values",
        "bool",
        False,
        0,
        0,
        "lab switch: do not refuse absurd values of simulated cars, nor mind their own minima and energy floor",
    ),
    ("bpt_channel", "choice", 1, (1, 2), 0, "BPTChannel: 1 unified, 2 separated"),  # R-POWER-13
    ("generator_mode", "choice", 1, (1, 2), 0, "GeneratorMode: 1 grid following, 2 grid forming"),
)
