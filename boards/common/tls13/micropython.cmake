# User C module tls13 for ports that are built by cmake: USER_C_MODULES=…/boards/common/tls13/micropython.cmake
#
# Such a port brings lib/mbedtls of MicroPython and compiles a list of its files; the rest of sources.mk is added here. The
# board says in mpconfigboard.cmake
#     set(MBEDTLS_CONFIG_FILE "tls13_mbedtls_config.h")
#     set(MICROPY_DEF_BOARD TLS13_BARE_METAL=1)
# and may add TLS13_CLIENT=1 or TLS13_KEY_LOG=1 there. Its mpconfigboard.h says MICROPY_PY_SSL (0): this module has the place
# of `tls`.
set(TLS13_MBEDTLS ${MICROPY_DIR}/lib/mbedtls)

file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/sources.mk TLS13_LINES REGEX "[.]c")
string(REGEX MATCHALL "[a-z0-9_]+[.]c" TLS13_FILES "${TLS13_LINES}")
get_target_property(TLS13_HAVE micropy_lib_mbedtls INTERFACE_SOURCES)
foreach(TLS13_FILE ${TLS13_FILES})
    if(NOT "${TLS13_MBEDTLS}/library/${TLS13_FILE}" IN_LIST TLS13_HAVE)
        target_sources(micropy_lib_mbedtls INTERFACE ${TLS13_MBEDTLS}/library/${TLS13_FILE})
    endif()
endforeach()
target_include_directories(micropy_lib_mbedtls INTERFACE ${CMAKE_CURRENT_LIST_DIR})

add_library(usermod_tls13 INTERFACE)
target_sources(usermod_tls13 INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/tls13.c
    ${CMAKE_CURRENT_LIST_DIR}/tls13_config.c
    ${CMAKE_CURRENT_LIST_DIR}/tls13_known.c
    ${CMAKE_CURRENT_LIST_DIR}/tls13_reason.c
    ${CMAKE_CURRENT_LIST_DIR}/tls13_wrap.c
)
target_include_directories(usermod_tls13 INTERFACE ${CMAKE_CURRENT_LIST_DIR} ${TLS13_MBEDTLS}/include)
# tls13_wrap.c and tls13_known.c say what for.
target_link_options(usermod_tls13 INTERFACE
    -Wl,--wrap=mbedtls_ssl_write_sig_alg_ext
    -Wl,--wrap=mbedtls_ssl_pend_fatal_alert
    -Wl,--wrap=mbedtls_ssl_tls13_check_received_extension
    -Wl,--wrap=mbedtls_calloc
    -Wl,--wrap=mbedtls_pk_verify_ext
)
target_link_libraries(usermod INTERFACE usermod_tls13)
