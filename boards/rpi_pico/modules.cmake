# C modules of the board: TLS, and the guard of pilot and contactor.
include(${CMAKE_CURRENT_LIST_DIR}/../common/tls13/micropython.cmake)

add_library(usermod_cp_guard INTERFACE)
target_sources(usermod_cp_guard INTERFACE ${CMAKE_CURRENT_LIST_DIR}/cp_guard.c)
target_link_libraries(usermod INTERFACE usermod_cp_guard)
