// The emulated Cortex-M3: start, time, keyboard interrupt, and what the host says.
//
// Nothing here depends on the host's clock: with QEMU's -icount every run of an image executes the same instructions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/runtime/pyexec.h"
#include "uart.h"

// -- time: CMSDK timer 0 counts down with 25 MHz; SysTick reads it often enough that no wrap is missed

#define HZ (25000000u)
#define TIMER_CTRL (*(volatile uint32_t *)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t *)0x40000004)
#define TIMER_RELOAD (*(volatile uint32_t *)0x40000008)
#define SYSTICK_CTRL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xe000e018)
#define SYSTICK_MS (10u)

static volatile uint32_t ticks_high, ticks_last;

static uint64_t ticks(void) {
    uint32_t mask;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (mask)::"memory");
    uint32_t low = 0xffffffffu - TIMER_VALUE;
    if (low < ticks_last) {
        ticks_high++;
    }
    ticks_last = low;
    uint64_t now = (uint64_t)ticks_high << 32 | low;
    __asm volatile ("msr primask, %0" : : "r" (mask) : "memory");
    return now;
}

void __wrap_SysTick_Handler(void) {
    ticks();
    // Ctrl-C while Python runs. What else is typed meanwhile is lost, as on a board without a buffer.
    if (mp_interrupt_char >= 0 && uart_rx_chr() == mp_interrupt_char) {
        mp_sched_keyboard_interrupt();
    }
}

static void start_clocks(void) {
    TIMER_RELOAD = 0xffffffffu;
    TIMER_VALUE = 0xffffffffu;
    TIMER_CTRL = 1;
    SYSTICK_RELOAD = HZ / 1000 * SYSTICK_MS - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CTRL = 7;  // processor clock, interrupt, on
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)ticks();
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)(ticks() / (HZ / 1000000));
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(ticks() / (HZ / 1000));
}

uint64_t mp_hal_time_ns(void) {
    return ticks() * (1000000000 / HZ);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = ticks() + (uint64_t)us * (HZ / 1000000);
    while (ticks() < end) {
        mp_event_handle_nowait();
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = ticks() + (uint64_t)ms * (HZ / 1000);
    while (ticks() < end) {
        mp_event_handle_nowait();
        if (end - ticks() > HZ / 1000 * SYSTICK_MS) {
            __asm volatile ("wfi");  // QEMU jumps to the next SysTick
        }
    }
}

// -- randomness: xorshift32. Good enough to run TLS in a test, and good for nothing else.

void board_random(void *out, size_t n) {
    static uint32_t x = 0x6d763267;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        ((uint8_t *)out)[i] = x >> 24;
    }
}

int mbedtls_hardware_poll(void *context, unsigned char *out, size_t n, size_t *length) {
    (void)context;
    board_random(out, n);
    *length = n;
    return 0;
}

// -- what mbedTLS names and never calls here: memory other than its arena, and a console for its statistics

void *calloc(size_t n, size_t size) {
    (void)n;
    (void)size;
    return NULL;
}

void free(void *at) {
    (void)at;
}

int fprintf(FILE *file, const char *format, ...) {
    (void)file;
    (void)format;
    return 0;
}

int fputs(const char *text, FILE *file) {
    (void)text;
    (void)file;
    return 0;
}

// -- what the host says: `-semihosting-config arg=HEAP_KB/STACK_KB,arg=...`. Unlike a line on the UART it is there at once, and
// the run does not depend on when it came.

#define SYS_GET_CMDLINE (0x15)

static char command[256];

static void read_command(void) {
    struct {
        char *at;
        uint32_t size;
    } args = { command, sizeof(command) };
    register uint32_t call __asm("r0") = SYS_GET_CMDLINE;
    register void *block __asm("r1") = &args;
    __asm volatile ("bkpt 0xab" : "+r" (call) : "r" (block) : "memory");
    if (call != 0) {
        command[0] = 0;
    }
}

// bench.command() -> str: what the host said behind the size of the heap.
static mp_obj_t bench_command(void) {
    const char *rest = strchr(command, ' ');
    return rest == NULL ? MP_OBJ_NEW_QSTR(MP_QSTR_) : mp_obj_new_str(rest + 1, strlen(rest + 1));
}
static MP_DEFINE_CONST_FUN_OBJ_0(bench_command_obj, bench_command);

static const mp_rom_map_elem_t bench_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_bench) },
    { MP_ROM_QSTR(MP_QSTR_command), MP_ROM_PTR(&bench_command_obj) },
};
static MP_DEFINE_CONST_DICT(bench_dict, bench_table);
const mp_obj_module_t bench_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&bench_dict };
MP_REGISTER_MODULE(MP_QSTR_bench, bench_module);

// -- start

#define HEAP_KB (200)
#define STACK_KB (16)  // tests call deeper than the firmware does; those that want the 8 kB of the RP2040 say so
extern char _ebss[], _heap_end[];  // the linker script's

int __wrap_main(void) {
    start_clocks();
    read_command();
    char *end;
    size_t heap_kb = strtoul(command, &end, 10);
    size_t stack_kb = *end == '/' ? strtoul(end + 1, NULL, 10) : STACK_KB;
    size_t size = (heap_kb ? heap_kb : HEAP_KB) * 1024, most = _heap_end - _ebss;
    if (size > most) {
        size = most;
    }
    char *heap = _ebss;
    mp_stack_ctrl_init();
    mp_stack_set_limit(stack_kb * 1024);
    gc_init(heap, heap + size);
    mp_init();
    if (unichar_isdigit(command[0])) {  // QEMU says the name of the image when the host says nothing
        pyexec_frozen_module("boot_tests.py", true);
    } else {
        while (!(pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl())) {
        }
    }
    return 0;
}
