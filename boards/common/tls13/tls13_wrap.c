// What mbedTLS 3.6 does otherwise than it should. The linker puts these functions in the place of its own (--wrap), so its
// source stays as it is.
#include <string.h>

#include "tls13.h"
#include "../library/ssl_misc.h"

// certificate_authorities (RFC 8446 section 4.2.4, R-TLS-07): mbedTLS writes signature_algorithms and nothing else into a
// CertificateRequest. Its server calls this function there and nowhere else; the names of the roots follow.

int __real_mbedtls_ssl_write_sig_alg_ext(mbedtls_ssl_context *ssl, unsigned char *buf, const unsigned char *end,
    size_t *out_len);
int __wrap_mbedtls_ssl_write_sig_alg_ext(mbedtls_ssl_context *ssl, unsigned char *buf, const unsigned char *end,
    size_t *out_len);

int __wrap_mbedtls_ssl_write_sig_alg_ext(mbedtls_ssl_context *ssl, unsigned char *buf, const unsigned char *end,
    size_t *out_len) {
    int error = __real_mbedtls_ssl_write_sig_alg_ext(ssl, buf, end, out_len);
    const mbedtls_x509_crt *root = ssl->conf->ca_chain;
    if (error || ssl->conf->endpoint != MBEDTLS_SSL_IS_SERVER || root == NULL || root->raw.len == 0) {
        return error;
    }
    unsigned char *p = buf + *out_len;
    unsigned char *at = p + 6;
    MBEDTLS_SSL_CHK_BUF_PTR(p, end, 6);
    for (; root != NULL; root = root->next) {
        size_t n = root->subject_raw.len;
        MBEDTLS_SSL_CHK_BUF_PTR(at, end, n + 2);
        MBEDTLS_PUT_UINT16_BE(n, at, 0);
        memcpy(at + 2, root->subject_raw.p, n);
        at += n + 2;
    }
    MBEDTLS_PUT_UINT16_BE(MBEDTLS_TLS_EXT_CERT_AUTH, p, 0);
    MBEDTLS_PUT_UINT16_BE(at - p - 4, p, 2);
    MBEDTLS_PUT_UINT16_BE(at - p - 6, p, 4);
    *out_len = at - buf;
    return 0;
}

// An empty Certificate is answered by certificate_required (RFC 8446 section 4.4.2.4); mbedTLS still has the alert of SSL 3.
void __real_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason);
void __wrap_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason);

void __wrap_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason) {
    if (alert == MBEDTLS_SSL_ALERT_MSG_NO_CERT) {
        alert = MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED;
    }
    __real_mbedtls_ssl_pend_fatal_alert(ssl, alert, reason);
}

// An extension that stands twice in one message is illegal_parameter (RFC 8446 section 4.2); mbedTLS takes the last of them.
// The mask is empty at the beginning of each message. Unknown types share one bit and may be many (RFC 8701).
int __real_mbedtls_ssl_tls13_check_received_extension(mbedtls_ssl_context *ssl, int message, unsigned int type,
    uint32_t allowed);
int __wrap_mbedtls_ssl_tls13_check_received_extension(mbedtls_ssl_context *ssl, int message, unsigned int type,
    uint32_t allowed);

int __wrap_mbedtls_ssl_tls13_check_received_extension(mbedtls_ssl_context *ssl, int message, unsigned int type,
    uint32_t allowed) {
    uint32_t mask = mbedtls_ssl_get_extension_mask(type);
    if (mask != MBEDTLS_SSL_EXT_MASK(UNRECOGNIZED) && (ssl->handshake->received_extensions & mask)) {
        mbedtls_ssl_pend_fatal_alert(ssl, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER, MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER);
        return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
    }
    return __real_mbedtls_ssl_tls13_check_received_extension(ssl, message, type, allowed);
}

// A signature that could not be checked for want of memory is a broken one to the verification of a chain. So that it is not
// reported as such, a failed allocation is remembered.
bool tls13_exhausted;

void *__real_mbedtls_calloc(size_t n, size_t size);
void *__wrap_mbedtls_calloc(size_t n, size_t size);

void *__wrap_mbedtls_calloc(size_t n, size_t size) {
    void *out = __real_mbedtls_calloc(n, size);
    if (out == NULL && n && size) {
        tls13_exhausted = true;
    }
    return out;
}
