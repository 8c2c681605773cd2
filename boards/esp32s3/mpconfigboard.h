#define MICROPY_HW_BOARD_NAME "microv2g on ESP32-S3"
#define MICROPY_HW_MCU_NAME "ESP32-S3"

// Console: UART0 (GPIO43, GPIO44) for a cabinet, and USB Serial/JTAG for the desk; TinyUSB has nothing more to offer here.
#define MICROPY_HW_ENABLE_UART_REPL (1)
#define MICROPY_HW_ENABLE_USBDEV (0)

// No radio: the only network is the powerline, and a charge controller with an open Wi-Fi is an attack surface.
#define MICROPY_PY_NETWORK_WLAN (0)
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_PY_ESPNOW (0)

// No card slot, no sound, no Ethernet chip on this board: flash for the firmware instead.
#define MICROPY_HW_ENABLE_SDCARD (0)
#define MICROPY_PY_MACHINE_I2S (0)
#define MICROPY_PY_NETWORK_LAN (0)

// The heap starts as one piece that the TLS arena and the buffers fit into; it grows into PSRAM from there.
#define MICROPY_GC_INITIAL_HEAP_SIZE (160 * 1024)

// Imports inside of imports: deeper than the 16 kB of the port allow with room to spare.
#define MICROPY_TASK_STACK_SIZE (24 * 1024)
