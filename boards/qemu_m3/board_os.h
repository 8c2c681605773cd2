// Included by extmod/modos.c.
void board_random(void *out, size_t n);

static mp_obj_t mp_os_urandom(mp_obj_t n) {
    vstr_t vstr;
    vstr_init_len(&vstr, mp_obj_get_int(n));
    board_random(vstr.buf, vstr.len);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
