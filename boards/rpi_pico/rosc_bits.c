// The RP2040 has no generator of random numbers: os.urandom() and mbedTLS take one bit of its ring oscillator for each bit that
// they give. The data sheet (2.17.5) says that these bits are not fit for security as they are: they follow each other in
// patterns, and lean to one side. Here eight go into each bit that leaves, through the port's shift register: 64 us for a byte.
#include <stddef.h>
#include <stdint.h>

#define BITS_FOR_ONE 8

uint8_t __real_rosc_random_u8(size_t bits);
uint8_t __wrap_rosc_random_u8(size_t bits);

uint8_t __wrap_rosc_random_u8(size_t bits) {
    return __real_rosc_random_u8(bits * BITS_FOR_ONE);
}
