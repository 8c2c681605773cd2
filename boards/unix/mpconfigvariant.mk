FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
# Our own module tls13 has the place of `tls`; nothing here needs a database, foreign functions or threads.
MICROPY_PY_SSL = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_THREAD = 0
# Frozen viper functions are machine code of this processor (firmware/net/block.py).
MPY_CROSS_FLAGS += -march=x64
# This board is a bench: it plays the car too, and may be asked for secrets and figures.
USER_C_MODULES ?= $(VARIANT_DIR)/../common
TLS13_CLIENT = 1
TLS13_KEY_LOG = 1
TLS13_MEMORY_STATISTICS = 1
