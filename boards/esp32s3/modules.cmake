# C modules of the board: tls13 (boards/common/tls13) over the mbedTLS of ESP-IDF, whose big-number unit and AES it gets.
#
# Why not our own copy of mbedTLS: ESP-IDF links its own in any case (MicroPython's port requires the component), and two of
# them have the same names.
set(TLS13_DIR ${CMAKE_CURRENT_LIST_DIR}/../common/tls13)

add_library(usermod_tls13 INTERFACE)
target_sources(usermod_tls13 INTERFACE
    ${TLS13_DIR}/tls13.c
    ${TLS13_DIR}/tls13_config.c
    ${TLS13_DIR}/tls13_reason.c
    ${TLS13_DIR}/tls13_wrap.c
)
target_include_directories(usermod_tls13 INTERFACE ${TLS13_DIR})
# tls13_wrap.c says what for.
target_link_options(usermod_tls13 INTERFACE
    -Wl,--wrap=mbedtls_ssl_write_sig_alg_ext
    -Wl,--wrap=mbedtls_ssl_pend_fatal_alert
    -Wl,--wrap=mbedtls_calloc
)
target_link_libraries(usermod INTERFACE usermod_tls13)
