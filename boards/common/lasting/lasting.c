// Module lasting: a static piece of RAM for buffers that live as long as the station. The collector does not look through it (it
// takes what lies in a buffer for pointers like everything else), and it cannot break the heap into pieces. It has no pointers to
// objects inside, so nothing has to be marked in it. firmware/buffers.py is its user.
//
// A buffer has a name, and the next one who asks for that name gets the same bytes, whatever is in them: so a second start in one
// run of the interpreter, and a soft reset, find what the first one took. There is one station at a time.
#include <string.h>

#include "py/objarray.h"
#include "py/runtime.h"

#ifndef MICROV2G_LASTING
#define MICROV2G_LASTING 256 // bytes; for tests, where no board asks for more
#endif
#define MOST 16

static uint8_t room[MICROV2G_LASTING] __attribute__((aligned(8)));
static struct {
    char name[12];
    size_t at, size;
} taken[MOST];
static size_t count, used;

// take(name, n) -> bytearray of n bytes, or None if there is no room for it. The name has 11 characters at most.
static mp_obj_t lasting_take(mp_obj_t name_in, mp_obj_t n_in) {
    size_t length, i;
    const char *name = mp_obj_str_get_data(name_in, &length);
    mp_int_t n = mp_obj_get_int(n_in);
    if (n <= 0 || length >= sizeof taken[0].name) {
        mp_raise_ValueError(NULL);
    }
    for (i = 0; i < count && strcmp(taken[i].name, name) != 0; i++) {
    }
    if (i == count) {
        size_t size = ((size_t)n + 7) & ~(size_t)7;
        if (i == MOST || size > sizeof room - used) {
            return mp_const_none;
        }
        memcpy(taken[i].name, name, length + 1);
        taken[i].at = used;
        taken[i].size = size;
        used += size;
        count++;
    }
    if ((size_t)n > taken[i].size) {
        return mp_const_none;
    }
    return mp_obj_new_bytearray_by_ref(n, room + taken[i].at);
}
static MP_DEFINE_CONST_FUN_OBJ_2(take_obj, lasting_take);

// left() -> bytes that nobody has taken.
static mp_obj_t lasting_left(void) {
    return MP_OBJ_NEW_SMALL_INT(sizeof room - used);
}
static MP_DEFINE_CONST_FUN_OBJ_0(left_obj, lasting_left);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lasting)},
    {MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&take_obj)},
    {MP_ROM_QSTR(MP_QSTR_left), MP_ROM_PTR(&left_obj)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t lasting_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_lasting, lasting_module);
