// The qemu port with what a microcontroller board of ours has: time, interrupts from the keyboard, files.
#include "ports/qemu/mpconfigport.h"

#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)
#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_INCLUDEFILE "board_time.h"
#define MICROPY_PY_OS_INCLUDEFILE "board_os.h"
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_EPOCH_IS_1970 (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_ENABLE_SCHEDULER (1)
