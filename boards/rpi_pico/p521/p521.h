// The curve P-521 for a Cortex-M0+, beside mbedTLS: field (field.S), inversion (inverse.c), points (point.c), what mbedTLS calls (ecp_alt.c,
// verify.c). Buffers of field elements are the caller's; nothing here allocates but what says so.
#ifndef P521_H
#define P521_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "mbedtls/ecp.h"

#define P521_WORDS 17

// An integer below p = 2^521 - 1, least significant word first. Every function of the field wants and gives such.
typedef uint32_t p521_fe[P521_WORDS];

// Jacobian coordinates: (x / z^2, y / z^3); the point at infinity has z = 0.
typedef struct {
    p521_fe x, y, z;
} p521_point;

// Constant time; r may be an operand.
void p521_mul(p521_fe r, const p521_fe a, const p521_fe b);
void p521_sqr(p521_fe r, const p521_fe a);
void p521_add(p521_fe r, const p521_fe a, const p521_fe b);
void p521_sub(p521_fe r, const p521_fe a, const p521_fe b);
bool p521_is_zero(const p521_fe a);

// r = 1 / a modulo m, odd and of 521 bits; a below m. False, and r of no use, if there is none. Constant time (inverse.c).
bool p521_inverse(uint32_t r[P521_WORDS], const uint32_t a[P521_WORDS], const uint32_t m[P521_WORDS]);

// r may be p. p521_double() and p521_normalize() in constant time; p521_add_affine() too, but for the cases in which p or the
// sum is infinity and p = q, which it tells apart by branches as mbedTLS does.
void p521_double(p521_point *r, const p521_point *p);
void p521_add_affine(p521_point *r, const p521_point *p, const p521_fe x, const p521_fe y);

// Make z = 1 in n points, none of which is infinity. work: n elements.
void p521_normalize(p521_point *points, size_t n, p521_fe *work);

// Between mbedTLS's integers and ours: 0, or an error code of mbedTLS (not below 2^521, no memory).
int p521_load(p521_fe out, const mbedtls_mpi *in);
int p521_store(mbedtls_mpi *out, const p521_fe in);

#endif
