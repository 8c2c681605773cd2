set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
# TLS: our own configuration of mbedTLS, see boards/common/tls13/micropython.cmake.
set(MBEDTLS_CONFIG_FILE "tls13_mbedtls_config.h")
set(MICROPY_DEF_BOARD TLS13_BARE_METAL=1 TLS13_P521=1)
