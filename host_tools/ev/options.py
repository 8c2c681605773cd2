"""What a simulated car can be told."""

# Units are in the names.
DEFAULTS = {
    "evcc_id": "MV2SIM0000000001",
    "service": "DC_BPT",  # AC, DC, AC_BPT, DC_BPT; a BPT car takes the plain service if there is no other
    "control": "dynamic",
    "capacity_wh": 60000,
    "soc": 50,
    "min_soc": 10,
    "target_soc": 90,
    "departure_s": 7200,
    "max_charge_w": 50000,
    "max_discharge_w": 30000,
    "max_charge_ma": 150000,
    "max_discharge_ma": 100000,
    "max_mv": 450000,
    "min_mv": 300000,
    "scheduled_w": 6000,  # Scheduled control: charged with this, BPT discharges with it in the second half
    "loops": 0,  # 0 = no limit
    "duration_ms": 0,  # of the charge loop; 0 = no limit
    "pause_loops": 0,  # pauses the session behind so many loops, once; 0 = never. The station wants TLS for that
    "pause_ms": 10000,  # and wakes up to join it again; before that if the station takes its pilot to 5 %
    "loop_pace_ms": 200,
    "ongoing_pace_ms": 100,
    "message_timeout_ms": 2000,  # V2G_EVCC_Msg_Timeout
    "loop_timeout_ms": 500,  # the same for the answer of a charge loop; both: more for a line that loses frames
    "fault": "",
    "tls_dir": "",  # folder with vehicle_chain.pem, vehicle.key and roots.pem (DIR/car of `microv2g pki`); empty = plain TCP
    "tls_profile": "strict",  # strict: group secp521r1 alone; field: what OpenSSL offers
    "tls_key_log": "",  # file that gets the secrets of the session, for Wireshark
    # Of a whole car (--link sim): plug, pilot and matching.
    "iso15118": True,  # False: it charges by the pilot alone (IEC 61851)
    "basic": True,  # does that too when matching fails
    "patience_ms": 150000,  # plugged in and nothing begins: two pulses and three times TT_EVSE_SLAC_init
    "plugged": True,  # False: only its powerline couples, as that of a car on the next plug
    "unplug_after_ms": 1000,  # from the end of the session
    "pp_ohm": 1500,  # proximity resistor of a CCS2 plug
    "sounds": 10,
    "diode_shorted": False,
    "slac_fault": "",  # a name of ev/slac.py
}
SLAC_FAULTS = (
    "wrong_run_id", "wrong_mac", "replay_match", "slow", "no_rsp", "skip_atten", "one_start", "validate",
)  # fmt: skip
FAULTS = ("wrong_session", "out_of_order", "wrong_mode", "silence")
