# Read by ports/esp32 before ESP-IDF is.
set(IDF_TARGET esp32s3)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base                  # what MicroPython needs of ESP-IDF
    boards/sdkconfig.240mhz                # P-521 in half the time of the default 160 MHz
    boards/sdkconfig.spiram_sx             # PSRAM on the S3
    boards/sdkconfig.spiram_oct            # in octal mode: modules N8R8 and N16R8
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# The console is the USB Serial/JTAG block of the chip: it also resets into the ROM loader, so flashing needs no buttons.
set(MICROPY_PY_TINYUSB OFF)

# mbedTLS reads this behind ESP-IDF's configuration of it. It is mbedTLS' own variable for that, no patch: it switches on what
# no Kconfig option can (X448, the arena of tls13).
set(MBEDTLS_USER_CONFIG_FILE ${MICROPY_BOARD_DIR}/tls13_esp_config.h CACHE FILEPATH "mbedTLS behind ESP-IDF's" FORCE)

# tls13 without what only its own configuration of mbedTLS has (boards/common/tls13): clocks come from ESP-IDF.
set(MICROPY_DEF_BOARD TLS13_BARE_METAL=1)
