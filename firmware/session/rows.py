"""The rows of a table of steps, which is the law of a session: what is in no row is refused.

    (states, request, handler, guards, states it may lead to, timer)

A row holds for each of its `states`. handler(facts, request) returns (answer, next state). While it must wait for the power path it returns (WAIT, again): the
machine calls again(facts, request) in place of the handler 20 ms later, behind the same guards. Each of `guards` is called
with the facts before the handler and raises PeerError to refuse the request. `timer` is the key of the configuration with
the time that the car has for its next request, counted from the answer.
"""

WAIT = -1  # in place of an answer: not yet


def find(steps, state, msg):
    """The row for a request (message id) in a state, or None = sequence error."""
    for row in steps:
        if row[1] == msg and state in row[0]:
            return row
    return None
