"""Start of a controller board: the station when it is configured, else the REPL with a word on what to do."""
