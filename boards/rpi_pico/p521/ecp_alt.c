// What mbedTLS calls of P-521: the hooks of MBEDTLS_ECP_INTERNAL_ALT (library/ecp_internal_alt.h). Scalar multiplication stays
// its own, with its constant-time choice from the table and its random coordinates; here are doubling, addition, inversion.
#include <string.h>

#include "p521.h"

#include "../library/ecp_internal_alt.h"
#include "mbedtls/platform.h"
#include "mbedtls/platform_util.h"

int p521_load(p521_fe out, const mbedtls_mpi *in) {
    size_t n = in->n < P521_WORDS ? in->n : P521_WORDS;
    uint32_t above = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = in->p[i];
    }
    for (size_t i = n; i < P521_WORDS; i++) {
        out[i] = 0;
    }
    for (size_t i = P521_WORDS; i < in->n; i++) {
        above |= in->p[i];
    }
    return above || in->s < 0 || out[P521_WORDS - 1] >> 9 ? MBEDTLS_ERR_ECP_BAD_INPUT_DATA : 0;
}

int p521_store(mbedtls_mpi *out, const p521_fe in) {
    int error = mbedtls_mpi_grow(out, P521_WORDS);
    if (error == 0) {
        memcpy(out->p, in, sizeof(p521_fe));
        memset(out->p + P521_WORDS, 0, (out->n - P521_WORDS) * sizeof(mbedtls_mpi_uint));
        out->s = 1;
    }
    return error;
}

static int load(p521_point *out, const mbedtls_ecp_point *in) {
    int error = p521_load(out->x, &in->X);
    error = error ? error : p521_load(out->y, &in->Y);
    return error ? error : p521_load(out->z, &in->Z);
}

// Stores, and wipes what is stored: it may come from a secret.
static int store(mbedtls_ecp_point *out, p521_point *in) {
    int error = p521_store(&out->X, in->x);
    error = error ? error : p521_store(&out->Y, in->y);
    error = error ? error : p521_store(&out->Z, in->z);
    mbedtls_platform_zeroize(in, sizeof(*in));
    return error;
}

// Modulo the order of the curve too, in signatures. By the linker in the place of mbedTLS's function (--wrap).
int __real_mbedtls_mpi_gcd_modinv_odd(mbedtls_mpi *G, mbedtls_mpi *I, const mbedtls_mpi *A, const mbedtls_mpi *N);
int __wrap_mbedtls_mpi_gcd_modinv_odd(mbedtls_mpi *G, mbedtls_mpi *I, const mbedtls_mpi *A, const mbedtls_mpi *N);

int __wrap_mbedtls_mpi_gcd_modinv_odd(mbedtls_mpi *G, mbedtls_mpi *I, const mbedtls_mpi *A, const mbedtls_mpi *N) {
    p521_fe r, a, m;
    if (G == NULL && I != NULL && I != N && A != N && mbedtls_mpi_bitlen(N) == 521 && mbedtls_mpi_get_bit(N, 0)
        && p521_load(a, A) == 0 && p521_load(m, N) == 0 && mbedtls_mpi_cmp_mpi(A, N) < 0 && p521_inverse(r, a, m)) {
        mbedtls_platform_zeroize(a, sizeof(a));
        return p521_store(I, r);
    }
    return __real_mbedtls_mpi_gcd_modinv_odd(G, I, A, N);
}

unsigned char mbedtls_internal_ecp_grp_capable(const mbedtls_ecp_group *grp) {
    return grp->id == MBEDTLS_ECP_DP_SECP521R1;
}

int mbedtls_internal_ecp_init(const mbedtls_ecp_group *grp) {
    (void)grp;
    return 0;
}

void mbedtls_internal_ecp_free(const mbedtls_ecp_group *grp) {
    (void)grp;
}

int mbedtls_internal_ecp_double_jac(const mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_ecp_point *P) {
    (void)grp;
    p521_point p;
    int error = load(&p, P);
    if (error) {
        return error;
    }
    p521_double(&p, &p);
    return store(R, &p);
}

int mbedtls_internal_ecp_add_mixed(const mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_ecp_point *P,
    const mbedtls_ecp_point *Q) {
    (void)grp;
    p521_point p;
    p521_fe x, y;
    if (Q->Z.p == NULL) {
        return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    }
    if (mbedtls_mpi_cmp_int(&P->Z, 0) == 0) {
        return mbedtls_ecp_copy(R, Q);
    }
    if (mbedtls_mpi_cmp_int(&Q->Z, 0) == 0) {
        return mbedtls_ecp_copy(R, P);
    }
    if (mbedtls_mpi_cmp_int(&Q->Z, 1) != 0) {
        return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    }
    int error = load(&p, P);
    error = error ? error : p521_load(x, &Q->X);
    error = error ? error : p521_load(y, &Q->Y);
    if (error) {
        return error;
    }
    p521_add_affine(&p, &p, x, y);
    return store(R, &p);
}

int mbedtls_internal_ecp_normalize_jac(const mbedtls_ecp_group *grp, mbedtls_ecp_point *pt) {
    (void)grp;
    p521_point p;
    p521_fe work;
    int error = load(&p, pt);
    if (error) {
        return error;
    }
    p521_normalize(&p, 1, &work);
    return store(pt, &p);
}

// mbedTLS normalizes eight points at most (its table); its arena holds them meanwhile.
int mbedtls_internal_ecp_normalize_jac_many(const mbedtls_ecp_group *grp, mbedtls_ecp_point *T[], size_t t_len) {
    (void)grp;
    p521_point *points = mbedtls_calloc(t_len, sizeof(p521_point) + sizeof(p521_fe));
    if (points == NULL) {
        return MBEDTLS_ERR_ECP_ALLOC_FAILED;
    }
    int error = 0;
    for (size_t i = 0; error == 0 && i < t_len; i++) {
        error = load(points + i, T[i]);
    }
    if (error == 0) {
        p521_normalize(points, t_len, (p521_fe *)(points + t_len));
    }
    for (size_t i = 0; error == 0 && i < t_len; i++) {
        error = store(T[i], points + i);
    }
    mbedtls_free(points);
    return error;
}
