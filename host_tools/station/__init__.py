"""The station firmware as a process, and the codec in one."""
