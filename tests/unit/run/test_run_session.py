"""The whole station as a process: discovery, TCP, a complete AC_BPT session, set-point and stop
from stdin, the trace.

Host only; the firmware runs on every runtime that is built.
"""

import json
import os
import socket
import tempfile

from codec import exi, exi_json, v2gtp
from host_tools.recordings import records as recordings
from host_tools.recordings.replay.run import replay
from host_tools.station.process import SeccProcess
from tests.lib.patience import LIMIT_S, STATION, until

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
SDP_PORT = 20000 + os.getpid() % 20000  # several runs at a time on one machine


def rational(number):
    return {"Exponent": 0, "Value": number}


class Car:
    """Speaks JSON; remembers the session id."""

    def __init__(self, sdp_port):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.settimeout(LIMIT_S)
            s.sendto(bytes.fromhex("01fe9000000000021000"), ("::1", sdp_port))
            answer = s.recv(100)
        port = int.from_bytes(answer[24:26], "big")
        self.sock = socket.create_connection((socket.inet_ntop(socket.AF_INET6, answer[8:24]), port), LIMIT_S)
        self.session_id = "0000000000000000"

    def send(self, name, **fields):
        header = {} if name == "supportedAppProtocolReq" else {"Header": {"SessionID": self.session_id, "TimeStamp": 1}}
        msg_id, value = exi_json.from_json_obj({name: {**header, **fields}})
        out = bytearray(2000)
        n = exi.encode(msg_id, value, out, 8)
        v2gtp.write_header(out, 0, exi.payload_type(msg_id), n)
        self.sock.sendall(out[: 8 + n])

    def hear(self):
        """One message as (name, fields); one read must give one whole message (docs/design.md,
        frames)."""
        data = self.sock.recv(7000)
        kind, n = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        assert len(data) == 8 + n, data.hex()
        msg_id, value = exi.decode(exi.schema_of(kind), data, 8, n)
        (name, fields), *_ = exi_json.to_json_obj(msg_id, value).items()
        if name == "SessionSetupRes":
            self.session_id = fields["Header"]["SessionID"]
        return name, fields

    def ask(self, name, **fields):
        """Send a request, return the fields of its answer."""
        self.send(name, **fields)
        answer_name, answer = self.hear()
        assert answer_name == name[:-1] + "s", (name, answer_name)
        return answer

    def ok(self, name, **fields):
        answer = self.ask(name, **fields)
        assert answer["ResponseCode"].startswith("OK"), answer
        return answer

    def until_finished(self, name, **fields):
        def finished():
            answer = self.ok(name, **fields)
            return answer if answer["EVSEProcessing"] == "Finished" else None

        return until(finished, name + " Finished")

    def to_loop(self):
        """From the handshake to the running loop of AC_BPT, Dynamic."""
        space = {"VersionNumberMajor": 1, "VersionNumberMinor": 0, "SchemaID": 1, "Priority": 1}
        self.ok("supportedAppProtocolReq", AppProtocol=[{"ProtocolNamespace": "urn:iso:std:iso:15118:-20:AC", **space}])
        self.ok("SessionSetupReq", EVCCID="WMIV1234567890ABCDEX")
        self.ok("AuthorizationSetupReq")
        eim = {"SelectedAuthorizationService": "EIM", "EIM_AReqAuthorizationMode": {}}
        self.until_finished("AuthorizationReq", **eim)
        self.ok("ServiceDiscoveryReq")
        sets = self.ok("ServiceDetailReq", ServiceID=5)["ServiceParameterList"]["ParameterSet"]
        dynamic = {"Name": "ControlMode", "intValue": 2}
        chosen = next(s["ParameterSetID"] for s in sets if dynamic in s["Parameter"])
        energy = {"ServiceID": 5, "ParameterSetID": chosen}
        self.ok("ServiceSelectionReq", SelectedEnergyTransferService=energy)
        limits = {"EVMaximumChargePower": rational(11000), "EVMinimumChargePower": rational(100)}
        limits.update(EVMaximumDischargePower=rational(11000), EVMinimumDischargePower=rational(100))
        self.ok("AC_ChargeParameterDiscoveryReq", BPT_AC_CPDReqEnergyTransferMode=limits)
        mode = {"DepartureTime": 7200, "EVTargetEnergyRequest": rational(40)}
        mode.update(EVMaximumEnergyRequest=rational(60), EVMinimumEnergyRequest=rational(-20))
        self.until_finished("ScheduleExchangeReq", MaximumSupportingPoints=1024, Dynamic_SEReqControlMode=mode)
        start = {"EVProcessing": "Finished", "ChargeProgress": "Start", "BPT_ChannelSelection": "Charge"}
        self.ok("PowerDeliveryReq", **start)
        return {**mode, **limits, "EVPresentActivePower": rational(0), "EVPresentReactivePower": rational(0)}

    def loop(self, mode):
        """One loop request; the answer's fields and its set-point in W over all phases."""
        shown = {"PresentSOC": 50, "ChargingComplete": False}
        mode = {"BPT_Dynamic_AC_CLReqControlMode": mode}
        answer = self.ok("AC_ChargeLoopReq", DisplayParameters=shown, MeterInfoRequested=False, **mode)
        block = answer["BPT_Dynamic_AC_CLResControlMode"]
        phases = ("EVSETargetActivePower", "EVSETargetActivePower_L2", "EVSETargetActivePower_L3")
        return answer, sum(block[p]["Value"] * 10 ** block[p]["Exponent"] for p in phases if p in block)

    def leave(self):
        self.ok("PowerDeliveryReq", EVProcessing="Finished", ChargeProgress="Stop")
        self.ok("SessionStopReq", ChargingSession="Terminate")
        self.sock.close()


def powers(records):
    return [r["power"] for r in records if "power" in r]


def ended(records):
    """How many connections."""
    return len([r for r in records if r.get("note", "").startswith("disconnected: ")])


def whole_sessions(runtime):
    config = {"sdp_port": SDP_PORT, "setpoint_w": 5000, **STATION}
    records = []
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "t.jsonl")
        with SeccProcess("lo", config, runtime, trace, records.append) as secc:
            secc.wait_ready(LIMIT_S)
            for number in range(2):  # session after session
                car = Car(SDP_PORT)
                mode = car.to_loop()
                if number == 0:
                    assert abs(car.loop(mode)[1] - 5000) <= 3  # three phases, rounded
                secc.command("setpoint -6000")
                until(lambda: {"setpoint_w -6000"} & {r.get("note") for r in records})
                assert abs(car.loop(mode)[1] + 6000) <= 3
                seen = len(powers(records))
                until(lambda seen=seen: len(powers(records)) > seen + 1, "a power sample each 250 ms")
                assert "EVSEStatus" not in car.loop(mode)[0]
                if number == 1:
                    secc.command("stop")
                    until(lambda: {"stop requested"} & {r.get("note") for r in records})
                    assert car.loop(mode)[0]["EVSEStatus"]["EVSENotification"] == "Terminate"
                car.leave()
                until(lambda n=number: ended(records) == n + 1)
            # A car that vanishes in the loop: power off, and the next one is served.
            car = Car(SDP_PORT)
            car.loop(car.to_loop())
            car.sock.close()
            until(lambda: ended(records) == 3)
            car = Car(SDP_PORT)
            car.to_loop()
        with open(trace) as f:
            lines = [json.loads(line) for line in f]
        again = replay(*recordings.read(trace))
    assert [line for line in lines if "config" not in line] == records
    # What was recorded is a test: the firmware, asked the same in simulated time, says the same
    # (microv2g replay).
    assert again["sessions"] == 4 and again["differences"] == [], again
    assert again["compared"] == len([r for r in records if r.get("dir") == "SECC->EVCC"])
    assert not [r for r in records if "decode_error" in r or ("error" in r and not r["error"].startswith("LAB"))], (
        records
    )
    messages = [r for r in records if "dir" in r]
    assert messages[0]["name"] == "supportedAppProtocolReq" and messages[0]["payload_type"] == "0x8001"
    assert [m["dir"] for m in messages] == ["EVCC->SECC", "SECC->EVCC"] * (len(messages) // 2)
    assert next(m["state"] for m in messages if m["name"] == "AC_ChargeLoopReq") == "AC_ChargeLoop"
    samples = powers(records)
    assert [s for s in samples if s["contactor"] == 1 and s["setpoint_w"] == -6000]
    assert samples[-1]["contactor"] == 1 or samples[-1]["power_w"] == 0
    times = [m["t_ms"] for m in messages]
    assert times == sorted(times)


def test_whole_sessions_on_cpython():
    whole_sessions("cpython")


def test_whole_sessions_on_unix():
    whole_sessions("unix")


def test_whole_sessions_on_unix_32():
    whole_sessions("unix32")
