"""Put another row into the steps table, and take it out again."""


def with_row(w, row):
    """`row` takes the place of the one for its state and request in the dialect that the machine of `w` speaks."""
    dialect = w.secc.dialect
    dialect.STEPS = tuple([row if old[:2] == row[:2] else old for old in dialect.STEPS])
