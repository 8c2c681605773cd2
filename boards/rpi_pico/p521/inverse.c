// Inversion modulo an odd number of 521 bits, in constant time: division steps (Bernstein and Yang, "Fast constant-time gcd
// computation and modular inversion", 2019). The steps look at the lowest bits only: 30 of them are done on one word and then
// applied to the long numbers at once, as a matrix.
#include <string.h>

#include "p521.h"

#define LIMBS 18 // of 30 bits, signed; all but the highest are not negative
#define MASK 0x3fffffff
#define BATCHES 51 // (49 * 521 + 57) / 17 = 1505 steps are enough (theorem 11.2 there), in batches of 30

typedef int32_t number_t[LIMBS];

typedef struct {
    int32_t u, v, q, r; // 2^30 (f', g') = (u f + v g, q f + r g)
} matrix_t;

static void unpack(number_t out, const uint32_t *in) {
    uint64_t bits = 0;
    unsigned have = 0;
    for (unsigned i = 0, n = 0; i < LIMBS; i++) {
        if (have < 30 && n < P521_WORDS) {
            bits |= (uint64_t)in[n++] << have;
            have += 32;
        }
        out[i] = bits & MASK;
        bits >>= 30;
        have -= 30;
    }
}

static void pack(uint32_t *out, const number_t in) {
    uint64_t bits = 0;
    unsigned have = 0;
    for (unsigned i = 0, n = 0; n < P521_WORDS; i++) {
        bits |= (uint64_t)(uint32_t)(i < LIMBS ? in[i] : 0) << have;
        have += 30;
        if (have >= 32) {
            out[n++] = bits;
            bits >>= 32;
            have -= 32;
        }
    }
}

// 30 steps on the lowest 32 bits of f and g.
static int32_t steps(int32_t delta, uint32_t f, uint32_t g, matrix_t *m) {
    uint32_t u = 1, v = 0, q = 0, r = 1;
    for (unsigned i = 0; i < 30; i++) {
        uint32_t positive = (uint32_t)((-delta) >> 31);
        uint32_t odd = -(g & 1);
        g += ((f ^ positive) - positive) & odd;
        q += ((u ^ positive) - positive) & odd;
        r += ((v ^ positive) - positive) & odd;
        positive &= odd;
        delta = (int32_t)((delta ^ positive) - positive) + 1;
        f += g & positive;
        u += q & positive;
        v += r & positive;
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    m->u = u;
    m->v = v;
    m->q = q;
    m->r = r;
    return delta;
}

static void apply(number_t f, number_t g, const matrix_t *m) {
    int64_t to_f = (int64_t)m->u * f[0] + (int64_t)m->v * g[0];
    int64_t to_g = (int64_t)m->q * f[0] + (int64_t)m->r * g[0];
    for (unsigned i = 1; i < LIMBS; i++) { // the lowest 30 bits are 0
        to_f = (to_f >> 30) + (int64_t)m->u * f[i] + (int64_t)m->v * g[i];
        to_g = (to_g >> 30) + (int64_t)m->q * f[i] + (int64_t)m->r * g[i];
        f[i - 1] = to_f & MASK;
        g[i - 1] = to_g & MASK;
    }
    f[LIMBS - 1] = to_f >> 30;
    g[LIMBS - 1] = to_g >> 30;
}

// The same for d and e, which stay between -2 m and m: multiples of the modulus are added that make the lowest 30 bits 0.
static void apply_modulo(number_t d, number_t e, const matrix_t *m, const number_t modulus, uint32_t inverse) {
    int32_t minus_d = d[LIMBS - 1] >> 31, minus_e = e[LIMBS - 1] >> 31;
    int32_t for_d = (m->u & minus_d) + (m->v & minus_e);
    int32_t for_e = (m->q & minus_d) + (m->r & minus_e);
    int64_t to_d = (int64_t)m->u * d[0] + (int64_t)m->v * e[0];
    int64_t to_e = (int64_t)m->q * d[0] + (int64_t)m->r * e[0];
    for_d -= (inverse * (uint32_t)to_d + (uint32_t)for_d) & MASK;
    for_e -= (inverse * (uint32_t)to_e + (uint32_t)for_e) & MASK;
    to_d += (int64_t)modulus[0] * for_d;
    to_e += (int64_t)modulus[0] * for_e;
    for (unsigned i = 1; i < LIMBS; i++) {
        to_d = (to_d >> 30) + (int64_t)m->u * d[i] + (int64_t)m->v * e[i] + (int64_t)modulus[i] * for_d;
        to_e = (to_e >> 30) + (int64_t)m->q * d[i] + (int64_t)m->r * e[i] + (int64_t)modulus[i] * for_e;
        d[i - 1] = to_d & MASK;
        e[i - 1] = to_e & MASK;
    }
    d[LIMBS - 1] = to_d >> 30;
    e[LIMBS - 1] = to_e >> 30;
}

// x = (x ^ minus) - minus + (modulus & where), minus and where: 0 or all ones.
static void adjust(number_t x, int32_t minus, const number_t modulus, int32_t where) {
    int32_t carry = 0;
    for (unsigned i = 0; i < LIMBS; i++) {
        carry += ((x[i] ^ minus) - minus) + (modulus[i] & where);
        x[i] = i < LIMBS - 1 ? carry & MASK : carry;
        carry >>= 30;
    }
}

bool p521_inverse(uint32_t r[P521_WORDS], const uint32_t a[P521_WORDS], const uint32_t m[P521_WORDS]) {
    number_t modulus, f, g, d = { 0 }, e = { 1 };
    matrix_t matrix;
    int32_t delta = 1;
    uint32_t inverse = m[0]; // of the modulus mod 2^32: each round doubles the three bits that are right
    for (unsigned i = 0; i < 4; i++) {
        inverse *= 2 - m[0] * inverse;
    }
    unpack(modulus, m);
    unpack(g, a);
    memcpy(f, modulus, sizeof(f));
    for (unsigned i = 0; i < BATCHES; i++) {
        delta = steps(delta, f[0] | (uint32_t)f[1] << 30, g[0] | (uint32_t)g[1] << 30, &matrix);
        apply(f, g, &matrix);
        apply_modulo(d, e, &matrix, modulus, inverse);
    }
    // f is 1 or -1, and d a = f.
    int32_t minus = f[LIMBS - 1] >> 31;
    adjust(d, 0, modulus, d[LIMBS - 1] >> 31);
    adjust(d, minus, modulus, 0);
    adjust(d, 0, modulus, d[LIMBS - 1] >> 31);
    adjust(f, minus, modulus, 0);
    uint32_t other = f[0] ^ 1;
    for (unsigned i = 1; i < LIMBS; i++) {
        other |= f[i];
    }
    pack(r, d);
    return other == 0;
}
