"""Schema compiler: XSD files -> EXI grammar tables of codec/tables, and the slot constants of the
sources."""
