"""Rows of the steps table: find one, put another in its place."""


def find(steps, state, msg):
    """The row for a request (message id) in a state, or None."""
    for row in steps:
        if row[1] == msg and state in row[0]:
            return row
    return None


def with_row(w, row):
    """`row` takes the place of the one for its state and request in the dialect that the machine of `w`
    speaks."""
    dialect = w.secc.dialect
    dialect.STEPS = tuple([row if old[:2] == row[:2] else old for old in dialect.STEPS])
