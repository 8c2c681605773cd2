"""The requests of a well-behaved car, one method each: what it takes is what a test may want to be
different.

The numbers of the car are those of host_tools/ev/requests.py Car, by name: driver.loop(DC_BPT,
DYNAMIC, soc=40).
"""

from codec.slots import (
    Authorization,
    ChargeProgress,
    ChargingSession,
    MessageHeader,
    Parameter,
    ParameterSet,
    Processing,
    ResponseCode,
    ServiceParameterList,
)
from host_tools.ev import answers, requests
from host_tools.ev.requests import AC, AC_BPT, DC, DC_BPT, DYNAMIC, SCHEDULED, Car, is_dc

UNIX_S = 1800000000
SERVICES = (AC, DC, AC_BPT, DC_BPT)
MODES = (SCHEDULED, DYNAMIC)
# PowerDelivery
START, STOP, STANDBY = ChargeProgress.Start, ChargeProgress.Stop, ChargeProgress.Standby
RENEGOTIATE = ChargeProgress.ScheduleRenegotiation
# SessionStop
PAUSE, TERMINATE = ChargingSession.Pause, ChargingSession.Terminate
RENEGOTIATE_SERVICE = ChargingSession.ServiceRenegotiation
# EVProcessing
ONGOING, FINISHED = Processing.Ongoing, Processing.Finished
_AC_W = 11_000  # three lines of 16 A


class Driver:
    """Has request((message id, value)) -> Answer or None, and `sid`, the session id of the car."""

    def says(self, service=DC, **numbers):
        """The car of this request."""
        car = Car(session_id=self.sid, unix_s=UNIX_S)
        if not is_dc(service):
            car.set(max_charge_w=_AC_W, max_discharge_w=_AC_W)
        car.set(**numbers)
        return car

    def new(self, slots):
        """A request of that many slots with its header, to be filled by hand."""
        return requests.new(self.says(), slots)

    def protocol(self, service=DC, **more):
        """An entry for sap(); service: of which it has the namespace, or another namespace. Its
        SchemaID is 7."""
        namespace = service
        if service in SERVICES:
            namespace = "urn:iso:std:iso:15118:-20:" + ("DC" if is_dc(service) else "AC")
        more.setdefault("schema_id", 7)
        return requests.app_protocol(namespace, **more)

    def sap(self, *entries):
        """SupportedAppProtocol with these services or entries."""
        entries = entries or (DC,)
        return self.request(requests.protocol([self.protocol(e) if type(e) is int else e for e in entries]))

    def setup(self, sid=None):
        """SessionSetup, with another id if that is given; the car takes over the one that it
        gets."""
        if sid is not None:
            self.sid = sid
        res = self.request(requests.session_setup(self.says()))
        self.sid = bytes(res.Header[MessageHeader.SessionID])
        return res

    def authorization_setup(self):
        return self.request(requests.authorization_setup(self.says()))

    def authorization(self, service=Authorization.EIM):
        return self.request(requests.authorization(self.says(), service))

    def discovery(self, ids=None):
        return self.request(requests.service_discovery(self.says(), ids))

    def detail(self, service):
        return self.request(requests.service_detail(self.says(), service))

    def select(self, service, set_id):
        return self.request(requests.service_selection(self.says(), service, set_id))

    def set_id(self, service, dynamic):
        """Parameter set with the wanted control mode, as a car finds it in ServiceDetailRes."""
        for s in self.detail(service).ServiceParameterList[ServiceParameterList.ParameterSet]:
            for p in s[ParameterSet.Parameter]:
                if p[Parameter.Name] == "ControlMode" and p[Parameter.intValue] == (2 if dynamic else 1):
                    return s[ParameterSet.ParameterSetID]
        raise ValueError("control mode not offered")

    def parameters(self, service, **numbers):
        return self.request(requests.parameters(self.says(service, **numbers), service))

    planned_w = 0  # first entry of the last schedule: what a car takes for its profile

    def schedule(self, dynamic, **numbers):
        answer = self.request(requests.schedule_exchange(self.says(**numbers), dynamic))
        if not dynamic and answer.code == ResponseCode.OK:
            self.planned_w = answers.planned_w(answer.value)
        return answer

    def cable_check(self):
        return self.request(requests.cable_check(self.says()))

    def precharge(self, mv=400_000, processing=ONGOING):
        return self.request(requests.precharge(self.says(mv=mv), processing))

    def power_delivery(self, progress, processing=FINISHED, tuple_id=None, w=None):
        """tuple_id: of the schedule that the car takes, with a profile of one hour at w, else at
        what the schedule gives."""
        return self.request(self.delivery(progress, processing, tuple_id, w))

    def delivery(self, progress, processing=FINISHED, tuple_id=None, w=None):
        """The request of power_delivery()."""
        car = self.says()
        plan = None if tuple_id is None else requests.profile(car, self.planned_w if w is None else w, tuple_id)
        return requests.power_delivery(car, progress, processing, plan)

    def loop(self, service, dynamic, **numbers):
        return self.request(requests.loop(self.says(service, **numbers), service, dynamic))

    def welding(self, processing=FINISHED):
        return self.request(requests.welding_detection(self.says(), processing))

    def stop(self, kind=TERMINATE):
        return self.request(requests.session_stop(self.says(), kind))
