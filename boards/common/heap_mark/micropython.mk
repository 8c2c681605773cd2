# User C module heap_mark.
SRC_USERMOD_C += $(USERMOD_DIR)/heap_mark.c
LDFLAGS_USERMOD += -Wl,--wrap=gc_collect
