// Included by extmod/modtime.c. The date does not matter to a test, but it must be the same in every run.
#include "shared/timeutils/timeutils.h"

#define BOARD_START_S (1800000000)  // 2027-01-15 08:00 UTC

static uint32_t board_now_s(void) {
    return BOARD_START_S + mp_hal_time_ns() / 1000000000;
}

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(board_now_s(), &tm);
    int fields[8] = { tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday, tm.tm_yday };
    mp_obj_t tuple[8];
    for (int i = 0; i < 8; i++) {
        tuple[i] = mp_obj_new_int(fields[i]);
    }
    return mp_obj_new_tuple(8, tuple);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_uint(board_now_s());
}
