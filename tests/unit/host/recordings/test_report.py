"""host_tools/recordings/report.py: the page about a session, from real messages of a session in
simulated time. Host only."""

import json
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from host_tools.ev.link import Tracer
from host_tools.recordings import report_plots
from host_tools.recordings.report import ReportError, build_report, load, summary
from tests.lib.mtest import eq
from tests.lib.plug import Plug
from tests.lib.world import BEGIN

RUNTIMES = ("cpython",)  # matplotlib and jinja2


def session(loops=12, fault="", power=True):
    """Records of a DC_BPT session that charges and then discharges."""
    records = []

    def sink(record):
        records.append(record)
        hw, station = plug.world.hw, plug.world.power
        if power:
            sample = {"setpoint_w": station.lease.set_w, "power_w": hw.w, "voltage_mv": hw.mv_out, "current_ma": hw.ma}
            sample.update(contactor=int(station.closed), energy_charged_wh=hw.charged_wh)
            sample["energy_discharged_wh"] = hw.discharged_wh
            records.append({"t_ms": record["t_ms"], "power": sample})

    ev = {"service": "DC_BPT", "loops": loops, "fault": fault, "capacity_wh": 1000}
    plug = Plug(ev, {"setpoint_w": 20000, "power_ramp_w_per_s": 1000000}, trace=Tracer(sink, BEGIN))
    plug.script = [(3000, lambda p: p.world.setpoint(-15000))]
    plug.run()
    return records


class Page(HTMLParser):
    """Texts of the <pre>, names, notes and tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.pre, self.names, self.notes, self.addresses, self._into = [], [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.addresses += [value for key, value in attrs.items() if key in ("src", "href", "xlink:href")]
        lists = {"name": self.names, "note": self.notes}
        kind = (attrs.get("class") or "").split(" ")[0]
        self._into = self.pre if tag == "pre" else lists.get(kind)
        if self._into is not None:
            self._into.append("")

    def handle_data(self, data):
        if self._into is not None:
            self._into[-1] += data

    def handle_endtag(self, tag):
        self._into = None


def report(records, title="a session"):
    with tempfile.TemporaryDirectory() as folder:
        trace, out = Path(folder) / "t.jsonl", Path(folder) / "new" / "page.html"
        trace.write_text("".join(json.dumps(record) + "\n" for record in records))
        facts = build_report(trace, out, title)
        return facts, out.read_text(encoding="utf-8")


def fails(lines):
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "t.jsonl"
        trace.write_text(lines)
        try:
            load(trace)
        except ReportError as error:
            return str(error)[len(folder) + 1 :]
    raise AssertionError("no ReportError")


def test_facts():
    records = session(loops=20)
    facts, _ = report(records)
    messages = [r for r in records if "dir" in r]
    assert facts["ok"] and facts["result"] == "SessionStopRes OK"
    eq((facts["messages"], facts["loops"], facts["sessions"]), (len(messages), 20, 1))
    assert 19000 < facts["max_w"] <= 20100 and -15100 <= facts["min_w"] < -14000, facts
    assert facts["charged_wh"] > 0 and facts["discharged_wh"] > 0
    eq(facts["soc_from"], 50)
    assert facts["worst_ms"] >= 4 and facts["worst_name"]  # 2 ms of line each way


def test_page_shows_every_message_and_fetches_nothing():
    records = session(loops=20)
    _, text = report(records, "Title & <more>")
    page = Page(text)
    messages = [r for r in records if "dir" in r]
    eq(page.names, [m["name"] for m in messages])
    eq([json.loads(pre) for pre in page.pre], [m["json"] for m in messages])
    assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
    assert all(address.startswith("#") for address in page.addresses), page.addresses
    assert not re.search(r"url\((?!#)", text) and "@import" not in text
    eq(page.tags.count("svg"), 1)
    for label in ("measured power", "set-point", "SoC"):
        assert ">%s</text>" % label in text, label
    assert "Title &amp; &lt;more&gt;" in text
    assert re.search(r"⋯ 16 more charge loops ⋯", text)  # of 20, two stay open at both ends


def test_what_the_car_sends_is_text():
    records = session(loops=2)
    records[0]["name"] = "<script>alert(1)</script>"
    records.insert(0, {"t_ms": 0, "note": "<b>note</b>"})
    records.append({"t_ms": 9, "error": "<i>error</i>"})
    page = Page(report(records)[1])
    assert "script" not in page.tags and "i" not in page.tags
    eq(page.names[0], "<script>alert(1)</script>")
    eq(page.notes, ["<b>note</b>", "<i>error</i>"])


def test_failed_session():
    facts, text = report(session(fault="wrong_session"))
    assert not facts["ok"] and facts["result"] == "FAILED_UnknownSession"
    assert 'class="row station bad"' in text
    facts, _ = report(session(fault="silence"))
    assert not facts["ok"] and facts["result"] == "ends with DC_ChargeLoopRes"


def test_message_that_cannot_be_decoded():
    records = session(loops=2)
    odd = {"t_ms": 1, "dir": "EVCC->SECC", "payload_type": "0x8002", "name": None, "json": None, "exi_hex": "80ff"}
    records.append({**odd, "state": "Idle", "decode_error": "no such event"})
    facts, text = report(records)
    assert not facts["ok"] and facts["result"] == "ends with ?" and "no such event" in text


def test_trace_of_a_car_claims_no_power():
    facts, text = report(session(power=False))
    eq([facts[key] for key in ("max_w", "min_w", "charged_wh", "discharged_wh")], [None] * 4)
    assert facts["ok"] and "svg" not in Page(text).tags and "most power" not in text


def test_sessions_in_one_trace_add_up():
    one = session(loops=20)
    facts, both = summary(one), summary(one + one)  # the meter starts again with every session
    eq(both["sessions"], 2)
    for key in ("charged_wh", "discharged_wh", "messages", "loops"):
        eq(both[key], 2 * facts[key])


def test_meter_that_starts_again_between_two_samples():
    records = session(loops=2, power=False)
    blank = {"setpoint_w": 0, "power_w": 0, "energy_discharged_wh": 0}
    records += [{"t_ms": 1, "power": {**blank, "energy_charged_wh": wh}} for wh in (0, 3, 5, 2, 4)]
    eq(summary(records)["charged_wh"], 9)


def test_refusal_in_the_middle_is_no_good_end():
    records = session(loops=2)
    body = next(r for r in records if r.get("name") == "AuthorizationRes")["json"]["AuthorizationRes"]
    body["ResponseCode"] = "FAILED"
    facts = summary(records)
    assert not facts["ok"] and facts["result"] == "FAILED"


def test_bad_traces():
    eq(fails(""), "t.jsonl: empty")
    eq(fails('{"t_ms": 0, "config": {}}\n'), "t.jsonl: no record in this trace")
    eq(fails('{"t_ms": 0, "note": "x"}\nnonsense\n'), "t.jsonl:2: not a record")
    eq(fails('{"note": "x"}\n'), "t.jsonl:1: not a record")
    assert fails("[1]\n").startswith("t.jsonl: neither pcapng, nor lines of a station, nor JSON lines")


def test_whose_set_point_it_is_and_for_how_long():
    blank = {
        "power_w": 0,
        "voltage_mv": 0,
        "current_ma": 0,
        "contactor": 1,
        "energy_charged_wh": 0,
        "energy_discharged_wh": 0,
    }
    records = session(loops=2, power=False)
    begin = records[-1]["t_ms"]
    for i, (w, source, left) in enumerate(((5000, 0, -1), (5000, 0, -1), (-3000, 3, 59), (-3000, 3, 57), (0, 4, -1))):
        sample = {**blank, "setpoint_w": w, "setpoint_source": source, "setpoint_left_s": left}
        records.append({"t_ms": begin + 2000 * i, "power": sample})
    names = [name for _, name in report_plots._leases(records)]
    assert names == ["config +5 kW", "operator -3 kW, 60 s", "fallback +0 kW"], names
