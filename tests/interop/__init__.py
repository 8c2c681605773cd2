"""An electric vehicle that nobody here wrote, against our station: the PyPI package iso15118, in
network namespaces."""
