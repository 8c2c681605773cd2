# User C module heap_mark for ports that are built by cmake.
add_library(usermod_heap_mark INTERFACE)
target_sources(usermod_heap_mark INTERFACE ${CMAKE_CURRENT_LIST_DIR}/heap_mark.c)
target_link_options(usermod_heap_mark INTERFACE -Wl,--wrap=gc_collect)
target_link_libraries(usermod INTERFACE usermod_heap_mark)
