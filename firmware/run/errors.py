class StartError(Exception):
    """The station cannot start as it is configured; str() says why and what can be done."""
