// The console of the port, on USB and on UART0, as a station needs it.
//
// A console on USB that is open and not read (a terminal that is stopped, a computer that sleeps) makes the port wait up to 500 ms
// at each write. A station that charges has 500 ms for an answer: while its loop runs, what does not fit into the FIFO is
// thrown away instead. At the REPL everything is as it was.
//
// UART0 may be wanted for a power stage instead. The port prints on it whatever machine.UART has made of it, and both want the
// interrupt for themselves alone: the second one to come is a panic. So the console can be sent away, until a soft reset.
#include "hardware/irq.h"
#include "hardware/uart.h"
#include "py/mphal.h"

// Of TinyUSB, whose headers are not in reach of a user module.
bool tud_inited(void);
bool tud_cdc_n_connected(uint8_t interface);
uint32_t tud_cdc_n_write_available(uint8_t interface);

bool cp_guard_running(void);
mp_uint_t __real_mp_usbd_cdc_tx_strn(const char *str, mp_uint_t len);
mp_uint_t __wrap_mp_usbd_cdc_tx_strn(const char *str, mp_uint_t len);

mp_uint_t __wrap_mp_usbd_cdc_tx_strn(const char *str, mp_uint_t len) {
    if (cp_guard_running() && tud_inited() && tud_cdc_n_connected(0) && tud_cdc_n_write_available(0) < len) {
        len = tud_cdc_n_write_available(0);
        if (len == 0) {
            return 0;
        }
    }
    return __real_mp_usbd_cdc_tx_strn(str, len);
}

static bool uart0_is_free;

void __real_mp_uart_write_strn(const char *str, size_t len);
void __real_mp_uart_init(void);

static void leave_interrupt(void) {
    irq_handler_t handler = irq_get_exclusive_handler(UART0_IRQ);
    irq_set_enabled(UART0_IRQ, false);
    if (handler) {
        irq_remove_handler(UART0_IRQ, handler);
    }
}

void console_free_uart0(void) {
    if (!uart0_is_free) {
        uart_tx_wait_blocking(uart0);
        uart_get_hw(uart0)->imsc = 0;
        leave_interrupt();
        uart0_is_free = true;
    }
}

void __wrap_mp_uart_write_strn(const char *str, size_t len) {
    if (!uart0_is_free) {
        __real_mp_uart_write_strn(str, len);
    }
}

// At power-on and at each soft reset, behind machine_uart_deinit_all(), which leaves the handler in its place.
void __wrap_mp_uart_init(void) {
    if (uart0_is_free) {
        leave_interrupt();
        uart0_is_free = false;
    }
    __real_mp_uart_init();
}
