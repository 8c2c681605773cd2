# C modules of the board: TLS, and the guard of pilot and contactor.
include(${CMAKE_CURRENT_LIST_DIR}/../common/tls13/micropython.cmake)

add_library(usermod_cp_guard INTERFACE)
target_sources(usermod_cp_guard INTERFACE ${CMAKE_CURRENT_LIST_DIR}/cp_guard.c ${CMAKE_CURRENT_LIST_DIR}/usb_console.c)
target_link_options(usermod_cp_guard INTERFACE -Wl,--wrap=mp_usbd_cdc_tx_strn)
target_link_libraries(usermod INTERFACE usermod_cp_guard)

# The arithmetic of P-521 takes seconds on this processor, and the port is built for size: -O2 where the time goes.
foreach(TLS13_HOT bignum.c bignum_core.c ecp.c ecp_curves.c)
    set_source_files_properties(${TLS13_MBEDTLS}/library/${TLS13_HOT} PROPERTIES COMPILE_OPTIONS "-O2")
endforeach()
