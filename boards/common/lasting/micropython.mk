# User C module lasting.
SRC_USERMOD_C += $(USERMOD_DIR)/lasting.c
