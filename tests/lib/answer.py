"""What a station answered, read by names."""

from codec.slots import MSG
from codec.tables import names
from tests.lib import words


class Answer:
    """msg: message id (codec.slots.MSG). value: its slots. code: response code. Any other name is
    that of a slot of the message: answer.EVSEProcessing; what stands in it may be slots again, to
    be read with codec.slots."""

    def __init__(self, msg, value):
        self.msg = msg
        self.value = value
        # SupportedAppProtocolRes is the only one without a header.
        self.code = value[0 if msg == MSG.supportedAppProtocolRes else 1]

    def __getattr__(self, name):
        if name[0] == "_":
            raise AttributeError(name)
        found = words.slots(names.MESSAGES[self.msg])
        if name not in found:
            raise AttributeError("%s has no %s" % (names.MESSAGES[self.msg], name))
        return self.value[found.index(name)]
