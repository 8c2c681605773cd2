# C modules of the board: TLS, the mark of the heap, the guard of pilot and contactor, and what the port needs to be told.
include(${CMAKE_CURRENT_LIST_DIR}/../common/tls13/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/../common/heap_mark/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/../common/lasting/micropython.cmake)

add_library(usermod_cp_guard INTERFACE)
target_sources(usermod_cp_guard INTERFACE ${CMAKE_CURRENT_LIST_DIR}/cp_guard.c ${CMAKE_CURRENT_LIST_DIR}/console.c
    ${CMAKE_CURRENT_LIST_DIR}/rosc_bits.c
)
target_link_options(usermod_cp_guard INTERFACE -Wl,--wrap=mp_usbd_cdc_tx_strn -Wl,--wrap=mp_uart_write_strn
    -Wl,--wrap=mp_uart_init -Wl,--wrap=rosc_random_u8)
target_link_libraries(usermod INTERFACE usermod_cp_guard)

# P-521 for this processor (p521/p521.h); the port is built for size: -O2 where the time goes, for the other curves too.
set(P521 ${CMAKE_CURRENT_LIST_DIR}/p521)
target_sources(micropy_lib_mbedtls INTERFACE
    ${P521}/field.S ${P521}/inverse.c ${P521}/point.c ${P521}/ecp_alt.c ${P521}/verify.c
)
target_link_options(usermod_tls13 INTERFACE
    -Wl,--wrap=mbedtls_ecp_muladd_restartable
    -Wl,--wrap=mbedtls_mpi_gcd_modinv_odd
)
foreach(TLS13_HOT bignum.c bignum_core.c)
    set_source_files_properties(${TLS13_MBEDTLS}/library/${TLS13_HOT} PROPERTIES COMPILE_OPTIONS "-O2")
endforeach()
