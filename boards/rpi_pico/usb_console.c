// A console on USB that is open and not read (a terminal that is stopped, a computer that sleeps) makes the port wait up to 500 ms
// at each write. A station that charges has 500 ms for an answer: while its loop runs, what does not fit into the FIFO is
// thrown away instead. At the REPL everything is as it was.
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
