# User C module lasting for ports that are built by cmake.
add_library(usermod_lasting INTERFACE)
target_sources(usermod_lasting INTERFACE ${CMAKE_CURRENT_LIST_DIR}/lasting.c)
target_link_libraries(usermod INTERFACE usermod_lasting)
