#define MICROPY_HW_BOARD_NAME "microv2g on Raspberry Pi Pico"
#define MICROPY_HW_FLASH_STORAGE_BYTES (1024 * 1024)

// The console is on both: USB for the desk, UART0 (GP0, GP1) for a cabinet and for the emulator.
#define MICROPY_HW_ENABLE_UART_REPL (1)

// tls13 has the place of `tls`; nothing here needs threads (the second core stays off).
#define MICROPY_PY_SSL (0)
#define MICROPY_PY_THREAD (0)

// Nobody here draws, computes with complex numbers, or waits in coroutines. uctypes stays: `microv2g flash` compares the flash
// with it, and tests call functions of the image.
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_CMATH (0)
#define MICROPY_PY_MATH_SPECIAL_FUNCTIONS (0)
#define MICROPY_PY_ASYNCIO (0)

// Buffers outside of the heap (docs/memory.md): TLS 44 kB, TCP 24, request 8, answer 4 twice, trace 9.
#define MICROV2G_LASTING (94 * 1024)

// Neither a soft reset nor the boot loader (machine.bootloader(), USB opened at 1200 baud) may leave the contactor closed or the
// pilot alive.
void cp_guard_stop(void);
#define MICROPY_BOARD_START_SOFT_RESET() cp_guard_stop()
#define MICROPY_BOARD_ENTER_BOOTLOADER(n_args, args) cp_guard_stop()
