"""One short line for a V2GTP message: what a person who watches a session wants to see of it."""

# Fields shown, with their short names; the value of a field that is not here stays in the trace.
_SHOWN = {
    "ResponseCode": "",
    "EVSEProcessing": "",
    "EVProcessing": "",
    "ProtocolNamespace": "",
    "SchemaID": "schema",
    "EVCCID": "EVCC",
    "EVSEID": "EVSE",
    "SelectedAuthorizationService": "",
    "ServiceID": "service",
    "ParameterSetID": "set",
    "ChargeProgress": "",
    "BPT_ChannelSelection": "channel",
    "ChargingSession": "",
    "PresentSOC": "SoC",
    "EVPresentVoltage": "EV V",
    "EVTargetVoltage": "target V",
    "EVTargetCurrent": "target A",
    "EVPresentActivePower": "EV W",
    "EVSEPresentVoltage": "V",
    "EVSEPresentCurrent": "A",
    "EVSEPresentActivePower": "W",
    "EVSETargetActivePower": "target W",
    "EVSEMaximumChargePower": "max W",
    "EVSEMaximumDischargePower": "max discharge W",
    "EVSENotification": "notify",
    "NotificationMaxDelay": "within s",
}
_MOST = 9


def is_rational(value):
    return isinstance(value, dict) and "Value" in value and "Exponent" in value and len(value) == 2


def rational(value):
    """A RationalNumber of the JSON convention as a number."""
    number = value["Value"]
    exponent = value["Exponent"]
    return number * 10**exponent if exponent >= 0 else number / 10**-exponent


def scalars(obj):
    """All (field, value) of a JSON message below its name and outside the header, in order;
    rationals as numbers."""
    if isinstance(obj, list):
        for item in obj:
            yield from scalars(item)
        return
    for key, value in obj.items():
        if key == "Header":
            continue
        if is_rational(value):
            yield key, rational(value)
        elif isinstance(value, list) and value and not isinstance(value[0], (dict, list)):
            yield key, ",".join(str(item) for item in value)
        elif isinstance(value, (dict, list)):
            yield from scalars(value)
        else:
            yield key, value


def control_mode(obj):
    """'BPT_Dynamic', 'Dynamic', 'BPT_Scheduled', 'Scheduled' or '' from the name of the control
    mode block."""
    for key in obj:
        if key.endswith("ControlMode"):
            words = key.split("_")
            return "_".join(word for word in words if word in ("BPT", "Dynamic", "Scheduled"))
    return ""


def summary(obj):
    """Key fields of {"NameReq": {...}}; "" for None."""
    if not obj:
        return ""
    body = next(iter(obj.values()))
    words = [control_mode(body)] if control_mode(body) else []
    for key, value in scalars(body):
        if key in _SHOWN and len(words) < _MOST:
            if isinstance(value, float):
                value = f"{value:g}"
            words.append(f"{_SHOWN[key]}={value}" if _SHOWN[key] else str(value))
    return "  ".join(words)


def find(obj, key):
    """First value of a key anywhere in a JSON object, or None."""
    if isinstance(obj, dict):
        if key in obj:
            return obj[key]
        obj = list(obj.values())
    if isinstance(obj, list):
        for item in obj:
            found = find(item, key)
            if found is not None:
                return found
    return None


def event(record):
    """What a note, a pilot sample, a transition or a measurement says, in words."""
    if "pilot" in record:
        p = record["pilot"]
        low = "" if p["low_mv"] is None else f" / {p['low_mv'] / 1000:+.1f}"
        high = "-" if p["high_mv"] is None else f"{p['high_mv'] / 1000:+.1f}"
        duty = p["duty_permille"] / 10
        return f"pilot {p['state']}, duty {duty:g} %, {high}{low} V"
    if "change" in record:
        c = record["change"]
        return f"{c['from']} -> {c['to']}: {c['reason']}"
    if "attenuation" in record:
        a = record["attenuation"]
        mean = sum(a["groups_db"]) / len(a["groups_db"])
        return f"attenuation of {a['mac']}: {mean:.1f} dB over {len(a['groups_db'])} groups, {a['sounds']} sounds"
    return record["note"]


def show(record, quiet=False):
    """Print one record for a person. quiet: only errors and status."""
    t = f"{record['t_ms'] / 1000:9.3f}"
    if "error" in record:
        text = f"{t}  !  {record['error']}"
    elif "status" in record:
        text = f"{t}  =  " + "  ".join(f"{key}={value}" for key, value in record["status"].items())
    elif quiet:
        return
    elif "dir" in record:
        arrow = "->" if record["dir"] == "EVCC->SECC" else "<-"
        what = summary(record["json"]) if record["json"] else record.get("decode_error", "")
        text = f"{t}  {arrow} {record['name'] or record['payload_type']:<32} {what}".rstrip()
    elif "power" in record:
        p = record["power"]
        text = (
            f"{t}  ~  {p['power_w']} W of {p['setpoint_w']} W, "
            f"{p['voltage_mv'] / 1000:g} V {p['current_ma'] / 1000:g} A, "
            f"contactor {'closed' if p['contactor'] else 'open'}, "
            f"{p['energy_charged_wh']} Wh in, {p['energy_discharged_wh']} Wh out"
        )
    else:
        text = f"{t}  .  {event(record)}"
    print(text, flush=True)
