// Module heap_mark: how full the heap really gets. What gc.mem_free() tells at some moment is mostly garbage that nobody has
// collected yet; right behind a collection it is what lives. So the linker puts this around gc_collect() (--wrap), and behind each
// collection the free blocks of the allocation table are counted, in 1 or 2 % of the collection's own time.
// It takes no memory. A collection comes at the latest when an allocation does not fit, so what lived in between was never more
// than what the mark leaves and the allocations of the time between; gc.threshold(n) makes that n bytes at most.
#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpstate.h"
#include "py/runtime.h"

#define BLOCKS_PER_BYTE 4 // two bits each: 0 is free (py/gc.c)

void __real_gc_collect(void);
void __wrap_gc_collect(void);

static struct {
    size_t low, largest; // least bytes that were free, and the largest piece of them then
    uint32_t count, longest_us; // of collections
} mark = {.low = SIZE_MAX};

typedef struct {
    size_t free, largest; // bytes
} seen_t;

// The table of an area is read in words of 16 blocks where it lies so; most words are all used or all free.
static seen_t __attribute__((optimize("O2"))) look(void) {
    size_t free = 0, run = 0, largest = 0;
    for (mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL;) {
        const byte *at = area->gc_alloc_table_start, *end = at + area->gc_alloc_table_byte_len;
        while (at < end) {
            bool word = ((uintptr_t)at & 3) == 0 && end - at >= 4;
            uint32_t bits = word ? *(const uint32_t *)at : *at;
            uint32_t used = (bits | bits >> 1) & 0x55555555u;
            unsigned blocks = word ? 16 : BLOCKS_PER_BYTE;
            at += word ? 4 : 1;
            if (used == 0) {
                free += blocks;
                run += blocks;
                continue;
            }
            if (used == (word ? 0x55555555u : 0x55u)) {
                largest = MAX(largest, run);
                run = 0;
                continue;
            }
            for (; blocks > 0; blocks--, used >>= 2) {
                if (used & 1) {
                    largest = MAX(largest, run);
                    run = 0;
                } else {
                    free++;
                    run++;
                }
            }
        }
        largest = MAX(largest, run);
        run = 0;
        #if MICROPY_GC_SPLIT_HEAP
        area = area->next;
        #else
        area = NULL;
        #endif
    }
    return (seen_t) {free * MICROPY_BYTES_PER_GC_BLOCK, largest * MICROPY_BYTES_PER_GC_BLOCK};
}

void __wrap_gc_collect(void) {
    uint32_t begin = mp_hal_ticks_us();
    __real_gc_collect();
    seen_t seen = look();
    if (seen.free < mark.low) {
        mark.low = seen.free;
        mark.largest = seen.largest;
    }
    uint32_t us = (uint32_t)mp_hal_ticks_us() - begin;
    if (us > mark.longest_us) {
        mark.longest_us = us;
    }
    mark.count++;
}

// read() -> (least bytes free behind a collection, largest piece then, collections, microseconds of the longest) since the boot
// or reset(); the first two are -1 before the first collection.
static mp_obj_t mark_read(void) {
    bool none = mark.count == 0;
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(none ? -1 : (mp_int_t)mark.low), MP_OBJ_NEW_SMALL_INT(none ? -1 : (mp_int_t)mark.largest),
        MP_OBJ_NEW_SMALL_INT(mark.count & 0x3fffffff), MP_OBJ_NEW_SMALL_INT(mark.longest_us & 0x3fffffff),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(read_obj, mark_read);

// now() -> (bytes free, what is garbage counts as used, largest piece)
static mp_obj_t mark_now(void) {
    seen_t seen = look();
    mp_obj_t items[] = {MP_OBJ_NEW_SMALL_INT(seen.free), MP_OBJ_NEW_SMALL_INT(seen.largest)};
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(now_obj, mark_now);

static mp_obj_t mark_reset(void) {
    mark.low = SIZE_MAX;
    mark.largest = mark.count = mark.longest_us = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(reset_obj, mark_reset);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_heap_mark)},
    {MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&read_obj)},
    {MP_ROM_QSTR(MP_QSTR_now), MP_ROM_PTR(&now_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&reset_obj)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t heap_mark_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_heap_mark, heap_mark_module);
