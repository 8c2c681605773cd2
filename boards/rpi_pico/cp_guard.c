// Module cp_guard: control pilot, contactor and ENABLE line of the RP2040 board, sampled and guarded by an interrupt.
//
// A read of the ADC at any moment sees the positive plateau of 5 % one time in twenty, and Python cannot meet a phase of
// 50 us while it collects garbage or waits for an elliptic curve. So three slices of the PWM run in step at 1 kHz: one
// makes the pilot, the two others only interrupt, 25 us behind its rising edge and 15 us before it. The handler reads
// the ADC (2 us), and while contactor or ENABLE is driven it lets both go when
//   - the positive plateau was no C or D for 20 ms, in one piece or in many (IEC 61851-1: 100 ms from C to B; a period
//     that is good takes back a quarter of one that was not, so that a bouncing contact counts and noise does not), or
//   - the firmware has not asked for the pilot for ASK_MS, or has not said alive() for LOOP_MS: a hang, or a pause that
//     nobody planned for.
// It takes no memory and calls nothing of the interpreter. While it holds, the watchdog is fed here: a processor that
// does not serve interrupts any more is reset, and the pull-down at the contactor's driver opens it.
#include "hardware/adc.h"
#include "hardware/gpio.h"
#include "hardware/irq.h"
#include "hardware/pwm.h"
#include "hardware/structs/watchdog.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "hardware/watchdog.h"
#include "py/mphal.h"
#include "py/runtime.h"

#define PERIOD_US 1000
#define HIGH_AT_US 25
#define LOW_BEFORE_US 15
#define HIGH_SLICE 0 // their pins stay with whoever has them: a slice counts without a pin
#define LOW_SLICE 1
#define BAD_ADDS 4 // for a bad period; a good one takes 1 away
#define BAD_LIMIT (20 * BAD_ADDS)
#define BAD_CLOSES (BAD_LIMIT / 2) // from the limit down to here: 40 ms without a bad one
#define LOOP_MS 1000
#define ASK_MS 500 // longest turn of the firmware while it charges: 190 ms (docs/benchmarks.md)
#define STALE_PERIODS 20
#define WATCHDOG_MS 3000
#define HANG_MS 30000 // no turn of the firmware for that long while it should run: the watchdog may bite
#define PP_EVERY 16

enum { OK, PILOT, SILENT };

static struct {
    bool started;
    bool running; // the firmware has a loop that says alive()
    uint pwm_slice, pwm_channel;
    uint32_t contactor, enable, talk; // bits of their pins
    volatile uint16_t talk_ms; // the RS-485 transceiver is driven for so long yet
    uint cp_input, pp_input;
    uint16_t window_low, window_high; // of the positive plateau, 12 bit, in which the contactor may be closed
    volatile uint16_t duty;
    volatile uint16_t high, low, pp; // last readings, 12 bit
    volatile uint16_t high_age, low_age; // periods since then; each handler counts for the other's reading
    volatile uint16_t bad, pp_wait;
    volatile uint32_t silent_ms, unasked_ms;
    volatile uint32_t driven; // those of the two pins that may be high
    volatile uint8_t tripped;
    volatile uint32_t sampled_us; // when the handler of the positive plateau ran last
    volatile uint32_t last_us, gap_us; // of readings of the positive plateau
    volatile uint32_t late; // readings thrown away: the interrupt came too late for its plateau
} cp;

static uint16_t __not_in_flash_func(convert)(uint input) {
    while (!(adc_hw->cs & ADC_CS_READY_BITS)) { // a conversion of machine.ADC that we interrupted, of another input
    }
    adc_select_input(input);
    hw_set_bits(&adc_hw->cs, ADC_CS_START_ONCE_BITS);
    while (!(adc_hw->cs & ADC_CS_READY_BITS)) {
    }
    return (uint16_t)adc_hw->result;
}

static void __not_in_flash_func(let_go)(uint32_t pins) {
    sio_hw->gpio_clr = pins;
    cp.driven &= ~pins;
}

static void __not_in_flash_func(trip)(uint8_t why) {
    let_go(cp.contactor | cp.enable);
    cp.tripped = why;
}

static void __not_in_flash_func(bad)(void) {
    cp.bad = cp.bad + BAD_ADDS < BAD_LIMIT ? cp.bad + BAD_ADDS : BAD_LIMIT;
}

// 25 us behind the rising edge.
static void __not_in_flash_func(high_plateau)(void) {
    uint16_t raw = convert(cp.cp_input);
    uint16_t duty = cp.duty;
    uint32_t at = pwm_hw->slice[cp.pwm_slice].ctr;
    if (duty > 0 && duty < PERIOD_US && (at + 3 >= duty || at < HIGH_AT_US - 5)) {
        cp.late++; // held up by another interrupt or a locked section: this is the other plateau
        bad();
    } else {
        uint32_t now = time_us_32();
        if (cp.high_age != UINT16_MAX && now - cp.last_us > cp.gap_us) {
            cp.gap_us = now - cp.last_us;
        }
        cp.last_us = now;
        cp.high = raw;
        cp.high_age = 0;
        if (raw < cp.window_low || raw > cp.window_high) {
            bad();
        } else {
            cp.bad -= cp.bad > 0;
        }
    }
    cp.sampled_us = time_us_32();
    cp.low_age += cp.low_age < UINT16_MAX;
    sio_hw->gpio_clr = (cp.contactor | cp.enable) & ~cp.driven; // whoever has set the pin: it was not drive()
    if (cp.driven && cp.bad >= BAD_LIMIT) {
        trip(PILOT);
    }
    if (cp.talk_ms && --cp.talk_ms == 0) {
        sio_hw->gpio_clr = cp.talk;
    }
    cp.silent_ms++;
    cp.unasked_ms++;
    if (cp.driven && (cp.silent_ms > LOOP_MS || cp.unasked_ms > ASK_MS)) {
        trip(SILENT);
    }
    if (!cp.running || cp.silent_ms < HANG_MS) {
        watchdog_update();
    }
}

// 15 us before it.
static void __not_in_flash_func(low_plateau)(void) {
    uint16_t raw = convert(cp.cp_input);
    uint32_t at = pwm_hw->slice[cp.pwm_slice].ctr;
    if (cp.duty < PERIOD_US - 2 * LOW_BEFORE_US && at >= PERIOD_US - LOW_BEFORE_US) {
        cp.low = raw;
        cp.low_age = 0;
    }
    cp.high_age += cp.high_age < UINT16_MAX;
    if (cp.driven && cp.high_age >= STALE_PERIODS) { // the other slice stands still
        trip(PILOT);
    }
    if (cp.pp_wait-- == 0) {
        cp.pp_wait = PP_EVERY;
        cp.pp = convert(cp.pp_input);
    }
}

static void __not_in_flash_func(on_wrap)(void) {
    uint32_t which = pwm_hw->ints;
    pwm_hw->intr = which;
    if (which & (1u << HIGH_SLICE)) {
        high_plateau();
    }
    if (which & (1u << LOW_SLICE)) {
        low_plateau();
    }
}

// A fault of the processor: no interrupt comes through any more, and the watchdog would take its 3 s.
void HardFault_Handler(void);
void __not_in_flash_func(HardFault_Handler)(void) { // the name that CMSIS gives to isr_hardfault in this port
    if (cp.started) {
        sio_hw->gpio_clr = cp.contactor | cp.enable;
        hw_set_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_TRIGGER_BITS);
    }
    for (;;) {
    }
}

bool cp_guard_running(void) {
    return cp.running;
}

static void need(void) {
    if (!cp.started) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("cp_guard: init() first"));
    }
}

// The way out of everything: contactor open, ENABLE low, pilot off, interrupt and watchdog stopped. Also at a soft reset.
void cp_guard_stop(void) {
    if (!cp.started) {
        return;
    }
    let_go(cp.contactor | cp.enable);
    sio_hw->gpio_clr = cp.talk;
    irq_set_enabled(PWM_IRQ_WRAP, false);
    pwm_hw->inte &= ~(1u << HIGH_SLICE | 1u << LOW_SLICE);
    irq_remove_handler(PWM_IRQ_WRAP, on_wrap);
    pwm_set_chan_level(cp.pwm_slice, cp.pwm_channel, 0); // F, where no firmware runs
    cp.started = false;
    cp.running = false;
    hw_clear_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_ENABLE_BITS);
}

static mp_obj_t stop(void) {
    cp_guard_stop();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(stop_obj, stop);

static void pull_low(uint pin) {
    gpio_init(pin);
    gpio_put(pin, 0);
    gpio_set_dir(pin, GPIO_OUT);
}

// init(pwm_pin, cp_pin, pp_pin, contactor_pin, enable_pin, window_low, window_high): GPIO numbers, and 16 bit readings
static mp_obj_t init(size_t n_args, const mp_obj_t *args) {
    cp_guard_stop();
    uint pwm = mp_obj_get_int(args[0]), cp_pin = mp_obj_get_int(args[1]), pp_pin = mp_obj_get_int(args[2]);
    uint contactor = mp_obj_get_int(args[3]), enable = mp_obj_get_int(args[4]);
    if (pwm > 29 || contactor > 29 || enable > 29 || cp_pin < 26 || cp_pin > 29 || pp_pin < 26 || pp_pin > 29
        || pwm_gpio_to_slice_num(pwm) <= LOW_SLICE) {
        mp_raise_ValueError(MP_ERROR_TEXT("cp_guard: pin"));
    }
    memset(&cp, 0, sizeof(cp));
    cp.contactor = 1u << contactor;
    cp.enable = 1u << enable;
    pull_low(contactor);
    pull_low(enable);
    adc_init();
    adc_gpio_init(cp_pin);
    adc_gpio_init(pp_pin);
    cp.cp_input = cp_pin - 26;
    cp.pp_input = pp_pin - 26;
    cp.window_low = mp_obj_get_int(args[5]) >> 4;
    cp.window_high = mp_obj_get_int(args[6]) >> 4;
    cp.high_age = cp.low_age = UINT16_MAX;
    cp.bad = BAD_LIMIT; // until something else was seen
    cp.pwm_slice = pwm_gpio_to_slice_num(pwm);
    cp.pwm_channel = pwm_gpio_to_channel(pwm);
    cp.duty = PERIOD_US;

    const uint slices[] = {cp.pwm_slice, HIGH_SLICE, LOW_SLICE};
    const uint16_t starts[] = {0, PERIOD_US - HIGH_AT_US, LOW_BEFORE_US};
    uint32_t mask = 0;
    for (int i = 0; i < 3; i++) {
        pwm_config c = pwm_get_default_config();
        pwm_config_set_clkdiv_int(&c, clock_get_hz(clk_sys) / 1000000); // one count is 1 us, and 1 permille of duty
        pwm_config_set_wrap(&c, PERIOD_US - 1);
        pwm_init(slices[i], &c, false);
        pwm_set_counter(slices[i], starts[i]);
        mask |= 1u << slices[i];
    }
    pwm_set_chan_level(cp.pwm_slice, cp.pwm_channel, PERIOD_US);
    gpio_set_function(pwm, GPIO_FUNC_PWM);
    pwm_clear_irq(HIGH_SLICE);
    pwm_clear_irq(LOW_SLICE);
    pwm_hw->inte |= 1u << HIGH_SLICE | 1u << LOW_SLICE;
    irq_set_exclusive_handler(PWM_IRQ_WRAP, on_wrap);
    irq_set_priority(PWM_IRQ_WRAP, PICO_HIGHEST_IRQ_PRIORITY);
    irq_set_enabled(PWM_IRQ_WRAP, true);
    pwm_set_mask_enabled(pwm_hw->en | mask); // in the same cycle, so that they stay in step
    cp.started = true;
    watchdog_enable(WATCHDOG_MS, true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(init_obj, 7, 7, init);

static mp_obj_t set_duty(mp_obj_t permille) {
    need();
    int duty = mp_obj_get_int(permille);
    if (duty < 0 || duty > PERIOD_US) {
        mp_raise_ValueError(MP_ERROR_TEXT("cp_guard: duty"));
    }
    cp.duty = duty;
    pwm_set_chan_level(cp.pwm_slice, cp.pwm_channel, duty); // taken over at the next wrap
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(set_duty_obj, set_duty);

// No reading is newer than the last interrupt: if the slices stand still, nothing ages.
static bool sampled(void) {
    uint32_t then = cp.sampled_us; // first: an interrupt between the two would put it behind the clock, half an hour away
    return cp.started && time_us_32() - then < STALE_PERIODS * PERIOD_US;
}

static mp_obj_t reading(uint16_t raw, uint16_t age) {
    return MP_OBJ_NEW_SMALL_INT(age < STALE_PERIODS && sampled() ? raw << 4 | raw >> 8 : -1);
}

// high(), low(): last reading of the plateau as 16 bit; -1: none for 20 ms
static mp_obj_t high(void) {
    cp.unasked_ms = 0;
    return reading(cp.high, cp.high_age);
}
static MP_DEFINE_CONST_FUN_OBJ_0(high_obj, high);

static mp_obj_t low(void) {
    return reading(cp.low, cp.low_age);
}
static MP_DEFINE_CONST_FUN_OBJ_0(low_obj, low);

static mp_obj_t pp(void) {
    return reading(cp.pp, 0);
}
static MP_DEFINE_CONST_FUN_OBJ_0(pp_obj, pp);

static bool raise_pin(uint32_t pin) {
    need();
    uint32_t interrupts = save_and_disable_interrupts(); // a trip between driven and the pin would be undone by the pin
    bool good = cp.tripped == OK && cp.bad < BAD_CLOSES && cp.running && sampled();
    if (good) {
        cp.silent_ms = 0;
        cp.unasked_ms = 0;
        cp.driven |= pin;
        sio_hw->gpio_set = pin;
    } else if (cp.tripped == OK) {
        cp.tripped = cp.running ? PILOT : SILENT;
    }
    restore_interrupts(interrupts);
    return good;
}

static void lower(uint32_t pin) {
    if (cp.started) {
        uint32_t interrupts = save_and_disable_interrupts(); // or a trip of the other pin would be written over
        let_go(pin);
        restore_interrupts(interrupts);
    }
}

// drive(1): close, True if it was done: not while tripped. drive(0): open, and forget what tripped.
static mp_obj_t drive(mp_obj_t on) {
    if (mp_obj_is_true(on)) {
        return mp_obj_new_bool(raise_pin(cp.contactor));
    }
    lower(cp.contactor);
    cp.tripped = OK;
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(drive_obj, drive);

// enable(1): the power stage may deliver, True if it was done, by the same rules; enable(0): it may not.
static mp_obj_t enable(mp_obj_t on) {
    if (mp_obj_is_true(on)) {
        return mp_obj_new_bool(raise_pin(cp.enable));
    }
    lower(cp.enable);
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(enable_obj, enable);

// alive(): the firmware's loop has made a turn. alive(False): there is no loop any more.
static mp_obj_t alive(size_t n_args, const mp_obj_t *args) {
    cp.silent_ms = 0;
    cp.running = n_args == 0 || mp_obj_is_true(args[0]);
    if (!cp.running && cp.started) {
        lower(cp.contactor | cp.enable);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(alive_obj, 0, 1, alive);

// tripped(): 0, or why contactor and ENABLE were let go here: 1 pilot, 2 the firmware was silent
static mp_obj_t tripped(void) {
    return MP_OBJ_NEW_SMALL_INT(cp.tripped);
}
static MP_DEFINE_CONST_FUN_OBJ_0(tripped_obj, tripped);

// talk(pin, ms): the pin of an RS-485 transceiver high for ms to ms + 1 from now; 0: low now. By the interrupt, because the
// answer may come sooner than the firmware has time to let go.
static mp_obj_t talk(mp_obj_t pin_in, mp_obj_t ms_in) {
    need();
    uint pin = mp_obj_get_int(pin_in), ms = mp_obj_get_int(ms_in);
    if (pin > 29 || 1u << pin == cp.contactor || 1u << pin == cp.enable || ms > 10000) {
        mp_raise_ValueError(MP_ERROR_TEXT("cp_guard: talk"));
    }
    if (cp.talk != 1u << pin) {
        cp.talk_ms = 0;
        cp.talk = 1u << pin;
        pull_low(pin);
    }
    uint32_t interrupts = save_and_disable_interrupts();
    cp.talk_ms = ms ? ms + 1 : 0;
    if (ms) {
        sio_hw->gpio_set = cp.talk;
    } else {
        sio_hw->gpio_clr = cp.talk;
    }
    restore_interrupts(interrupts);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(talk_obj, talk);

// free_uart0(): the console leaves UART0, for machine.UART, until the next soft reset; that of USB stays.
void console_free_uart0(void);
static mp_obj_t free_uart0(void) {
    console_free_uart0();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(free_uart0_obj, free_uart0);

// gap_us(): longest time between two readings of the positive plateau since the last call
static mp_obj_t gap_us(void) {
    uint32_t gap = cp.gap_us;
    cp.gap_us = 0;
    return MP_OBJ_NEW_SMALL_INT(gap & 0x3fffffff);
}
static MP_DEFINE_CONST_FUN_OBJ_0(gap_us_obj, gap_us);

static mp_obj_t late(void) {
    return MP_OBJ_NEW_SMALL_INT(cp.late & 0x3fffffff);
}
static MP_DEFINE_CONST_FUN_OBJ_0(late_obj, late);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_cp_guard)},
    {MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&init_obj)},
    {MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&stop_obj)},
    {MP_ROM_QSTR(MP_QSTR_set_duty), MP_ROM_PTR(&set_duty_obj)},
    {MP_ROM_QSTR(MP_QSTR_high), MP_ROM_PTR(&high_obj)},
    {MP_ROM_QSTR(MP_QSTR_low), MP_ROM_PTR(&low_obj)},
    {MP_ROM_QSTR(MP_QSTR_pp), MP_ROM_PTR(&pp_obj)},
    {MP_ROM_QSTR(MP_QSTR_drive), MP_ROM_PTR(&drive_obj)},
    {MP_ROM_QSTR(MP_QSTR_enable), MP_ROM_PTR(&enable_obj)},
    {MP_ROM_QSTR(MP_QSTR_alive), MP_ROM_PTR(&alive_obj)},
    {MP_ROM_QSTR(MP_QSTR_tripped), MP_ROM_PTR(&tripped_obj)},
    {MP_ROM_QSTR(MP_QSTR_talk), MP_ROM_PTR(&talk_obj)},
    {MP_ROM_QSTR(MP_QSTR_free_uart0), MP_ROM_PTR(&free_uart0_obj)},
    {MP_ROM_QSTR(MP_QSTR_gap_us), MP_ROM_PTR(&gap_us_obj)},
    {MP_ROM_QSTR(MP_QSTR_late), MP_ROM_PTR(&late_obj)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t cp_guard_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_cp_guard, cp_guard_module);
