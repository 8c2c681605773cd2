// The sum of an ECDSA verification, m G + n Q, in one run of doublings instead of two multiplications. All of it is public: the
// time depends on the values. Called by the linker in the place of mbedTLS's function (--wrap); what is not this sum goes there.
#include <string.h>

#include "p521.h"

#include "mbedtls/platform.h"

#define BITS 521
#define WINDOW 5 // odd multiples of Q up to 15
#define ODD (1 << (WINDOW - 2))
#define TEETH 6 // of mbedTLS's table of G in flash: T[i] = (1 + sum of 2^(COLUMNS j) for each bit j - 1 of i) G, of 32
#define COLUMNS ((BITS + TEETH - 1) / TEETH)

typedef struct {
    p521_point odd[ODD]; // Q, 3 Q, 5 Q ...
    p521_fe work[ODD];
    p521_point sum;
    int8_t digits[BITS + WINDOW];
    uint8_t columns[COLUMNS + 1];
} sum_t;

int __real_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
    const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q, mbedtls_ecp_restart_ctx *rs_ctx);
int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
    const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q, mbedtls_ecp_restart_ctx *rs_ctx);

// Signed digits, odd and below 2^(WINDOW - 1), at least WINDOW apart: n = sum of digits[i] 2^i.
static void to_digits(int8_t *digits, const mbedtls_mpi *n) {
    int carry = 0;
    memset(digits, 0, BITS + WINDOW);
    for (unsigned i = 0; i <= BITS;) {
        if (mbedtls_mpi_get_bit(n, i) == carry) {
            i++;
            continue;
        }
        int digit = carry;
        for (unsigned j = 0; j < WINDOW; j++) {
            digit += mbedtls_mpi_get_bit(n, i + j) << j;
        }
        carry = digit >> (WINDOW - 1);
        digits[i] = digit - (carry << WINDOW);
        i += WINDOW;
    }
}

// An odd m as columns of TEETH bits, the first of them always set and bit 7 for "minus" (Hedabou, Pinel and Beneteau 2005), as
// the table wants it.
static void to_columns(uint8_t *columns, const mbedtls_mpi *m) {
    memset(columns, 0, COLUMNS + 1);
    for (unsigned i = 0; i < COLUMNS; i++) {
        for (unsigned j = 0; j < TEETH; j++) {
            columns[i] |= mbedtls_mpi_get_bit(m, i + COLUMNS * j) << j;
        }
    }
    uint8_t carry = 0;
    for (unsigned i = 1; i <= COLUMNS; i++) {
        uint8_t bits = columns[i], next = bits & carry;
        bits ^= carry;
        if (!(bits & 1)) {
            next |= bits & columns[i - 1];
            bits ^= columns[i - 1];
            columns[i - 1] |= 0x80;
        }
        columns[i] = bits;
        carry = next;
    }
}

// 2 Q is taken as an affine point of the curve on which its z is 1: addition does not know which curve it is on. So one
// inversion is enough.
static void to_odd(sum_t *s) {
    p521_point *odd = s->odd;
    p521_point twice;
    p521_fe t;
    p521_double(&twice, &odd[0]);
    p521_point *first = &odd[1]; // Q on that curve stands there for a moment
    p521_sqr(t, twice.z);
    p521_mul(first->x, odd[0].x, t);
    p521_mul(t, t, twice.z);
    p521_mul(first->y, odd[0].y, t);
    memcpy(first->z, odd[0].z, sizeof(p521_fe));
    p521_add_affine(first, first, twice.x, twice.y);
    for (unsigned i = 2; i < ODD; i++) {
        p521_add_affine(&odd[i], &odd[i - 1], twice.x, twice.y);
    }
    for (unsigned i = 1; i < ODD; i++) {
        p521_mul(odd[i].z, odd[i].z, twice.z);
    }
    p521_normalize(odd + 1, ODD - 1, s->work);
}

static void add(p521_point *sum, const p521_fe x, const p521_fe y, bool minus) {
    static const p521_fe zero;
    p521_fe opposite;
    if (minus) {
        p521_sub(opposite, zero, y);
        y = opposite;
    }
    p521_add_affine(sum, sum, x, y);
}

static int sum_of(sum_t *s, const mbedtls_ecp_point *table, bool minus) {
    to_odd(s);
    for (int i = BITS; i >= 0; i--) {
        p521_double(&s->sum, &s->sum); // of infinity: infinity
        int digit = s->digits[i];
        if (digit) {
            const p521_point *p = &s->odd[(digit < 0 ? -digit : digit) / 2];
            add(&s->sum, p->x, p->y, digit < 0);
        }
        if (i <= COLUMNS) {
            p521_fe x, y;
            const mbedtls_ecp_point *p = table + ((s->columns[i] & 0x7f) >> 1);
            int error = p521_load(x, &p->X);
            error = error ? error : p521_load(y, &p->Y);
            if (error) {
                return error;
            }
            add(&s->sum, x, y, (s->columns[i] >> 7) != minus);
        }
    }
    if (!p521_is_zero(s->sum.z)) {
        p521_normalize(&s->sum, 1, s->work);
    }
    return 0;
}

static bool in_range(const mbedtls_ecp_group *grp, const mbedtls_mpi *k) {
    return mbedtls_mpi_cmp_int(k, 1) >= 0 && mbedtls_mpi_cmp_mpi(k, &grp->N) < 0;
}

int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
    const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q, mbedtls_ecp_restart_ctx *rs_ctx) {
    // T_size 0: the table is the one in flash.
    if (grp->id != MBEDTLS_ECP_DP_SECP521R1 || P != &grp->G || grp->T == NULL || grp->T_size != 0 || !in_range(grp, m)
        || !in_range(grp, n)) {
        return __real_mbedtls_ecp_muladd_restartable(grp, R, m, P, n, Q, rs_ctx);
    }
    int error = mbedtls_ecp_check_pubkey(grp, Q);
    if (error) {
        return error;
    }
    sum_t *s = mbedtls_calloc(1, sizeof(sum_t));
    if (s == NULL) {
        return MBEDTLS_ERR_ECP_ALLOC_FAILED;
    }
    mbedtls_mpi odd_m;
    mbedtls_mpi_init(&odd_m);
    bool minus = mbedtls_mpi_get_bit(m, 0) == 0;
    error = minus ? mbedtls_mpi_sub_mpi(&odd_m, &grp->N, m) : mbedtls_mpi_copy(&odd_m, m);
    error = error ? error : p521_load(s->odd[0].x, &Q->X);
    error = error ? error : p521_load(s->odd[0].y, &Q->Y);
    s->odd[0].z[0] = 1;
    if (error == 0) {
        to_digits(s->digits, n);
        to_columns(s->columns, &odd_m);
        error = sum_of(s, grp->T, minus);
    }
    if (error == 0 && p521_is_zero(s->sum.z)) {
        error = mbedtls_ecp_set_zero(R);
    } else if (error == 0) {
        error = p521_store(&R->X, s->sum.x);
        error = error ? error : p521_store(&R->Y, s->sum.y);
        error = error ? error : p521_store(&R->Z, s->sum.z);
    }
    mbedtls_mpi_free(&odd_m);
    mbedtls_free(s);
    return error;
}
