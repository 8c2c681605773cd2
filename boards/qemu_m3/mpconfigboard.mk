# An emulated Cortex-M3 (QEMU's machine mps2-an385) that runs the tests: host_tools/building/qemu.py builds it and makes
# LDSCRIPT and FROZEN_MANIFEST.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an385
CFLAGS += -mthumb -mcpu=cortex-m3 -mfloat-abi=soft -DQEMU_SOC_MPS2 -DMICROPY_HW_MCU_NAME='"Cortex-M3"'
CFLAGS += -DMP_CONFIGFILE='"mpconfigboard.h"' -I$(BOARD_DIR)
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o
SRC_C += board.c shared/timeutils/timeutils.c
vpath board.c $(BOARD_DIR)
# The frozen machine code of firmware/net/block.py is of this processor.
MPY_CROSS_FLAGS += -march=armv7m
# The port's main() has a heap of one size and its SysTick handler stops: board.c has its own.
LDFLAGS += -Wl,--wrap=main -Wl,--wrap=SysTick_Handler
# mbedTLS wants more of the C library than the port has of its own.
override LIBS = $(shell $(CC) $(CFLAGS) -print-file-name=libc.a) $(shell $(CC) $(CFLAGS) -print-libgcc-file-name)
# A bench: it plays the car too. Randomness is the board's, and the same in every run.
TLS13_CLIENT = 1
TLS13_KEY_LOG = 1
TLS13_MEMORY_STATISTICS = 1
CFLAGS += -DMBEDTLS_ENTROPY_HARDWARE_ALT -DMBEDTLS_NO_PLATFORM_ENTROPY
