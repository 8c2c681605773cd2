// P-521: points in Jacobian coordinates on y^2 = x^3 - 3 x + b. Formulas "dbl-2001-b" and the mixed addition of mbedTLS's ecp.c.
#include <string.h>

#include "p521.h"

bool p521_is_zero(const p521_fe a) {
    uint32_t any = 0;
    for (size_t i = 0; i < P521_WORDS; i++) {
        any |= a[i];
    }
    return any == 0;
}

static const p521_fe modulus = {
    ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x1ff,
};

void p521_double(p521_point *r, const p521_point *p) {
    p521_fe delta, gamma, beta, alpha, t;
    p521_sqr(delta, p->z);
    p521_sqr(gamma, p->y);
    p521_sub(t, p->x, delta);
    p521_add(alpha, p->x, delta);
    p521_mul(alpha, alpha, t);
    p521_add(t, alpha, alpha);
    p521_add(alpha, alpha, t); // 3 (x - z^2) (x + z^2)

    p521_add(t, p->y, p->z);
    p521_sqr(t, t);
    p521_sub(t, t, gamma);
    p521_add(gamma, gamma, gamma); // 2 y^2
    p521_mul(beta, p->x, gamma);
    p521_sub(r->z, t, delta); // 2 y z
    p521_add(beta, beta, beta); // 4 x y^2

    p521_sqr(t, alpha);
    p521_sub(t, t, beta);
    p521_sub(r->x, t, beta);

    p521_sub(beta, beta, r->x);
    p521_mul(beta, beta, alpha);
    p521_sqr(gamma, gamma);
    p521_add(gamma, gamma, gamma); // 8 y^4
    p521_sub(r->y, beta, gamma);
}

void p521_add_affine(p521_point *r, const p521_point *p, const p521_fe x, const p521_fe y) {
    p521_fe h, s, t, v;
    if (p521_is_zero(p->z)) {
        memmove(r->x, x, sizeof(p521_fe));
        memmove(r->y, y, sizeof(p521_fe));
        memset(r->z, 0, sizeof(p521_fe));
        r->z[0] = 1;
        return;
    }
    p521_sqr(t, p->z);
    p521_mul(h, x, t);
    p521_mul(t, t, p->z);
    p521_mul(s, y, t);
    p521_sub(h, h, p->x);
    p521_sub(s, s, p->y);
    if (p521_is_zero(h)) {
        if (p521_is_zero(s)) {
            p521_double(r, p);
        } else {
            memset(r, 0, sizeof(*r));
            r->x[0] = r->y[0] = 1;
        }
        return;
    }
    p521_mul(r->z, p->z, h);
    p521_sqr(t, h);
    p521_mul(v, p->x, t);
    p521_mul(h, h, t); // h^3
    p521_mul(t, p->y, h);
    p521_sqr(r->x, s);
    p521_sub(r->x, r->x, h);
    p521_sub(r->x, r->x, v);
    p521_sub(r->x, r->x, v);
    p521_sub(v, v, r->x);
    p521_mul(v, v, s);
    p521_sub(r->y, v, t);
}

void p521_normalize(p521_point *points, size_t n, p521_fe *work) {
    p521_fe inverse, t;
    memcpy(work[0], points[0].z, sizeof(p521_fe));
    for (size_t i = 1; i < n; i++) {
        p521_mul(work[i], work[i - 1], points[i].z);
    }
    p521_inverse(inverse, work[n - 1], modulus);
    while (n--) {
        p521_point *p = points + n;
        if (n) {
            p521_mul(t, inverse, work[n - 1]);
            p521_mul(inverse, inverse, p->z);
        } else {
            memcpy(t, inverse, sizeof(t));
        }
        p521_mul(p->y, p->y, t);
        p521_sqr(t, t);
        p521_mul(p->x, p->x, t);
        p521_mul(p->y, p->y, t);
        memset(p->z, 0, sizeof(p521_fe));
        p->z[0] = 1;
    }
}
