// From an error of mbedTLS to what a technician can do something about.
#include "tls13.h"

#include "../library/ssl_misc.h"

static int of_flags(uint32_t flags) {
    if (flags & MBEDTLS_X509_BADCERT_MISSING) {
        return TLS13_NO_CERTIFICATE;
    }
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        return TLS13_UNKNOWN_ROOT;
    }
    if (flags & (MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK)) {
        return TLS13_WEAK;
    }
    if (flags & MBEDTLS_X509_BADCERT_FUTURE) {  // first: on_verify() sets the other flag along with it
        return TLS13_NOT_YET_VALID;
    }
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) {
        return TLS13_EXPIRED;
    }
    return TLS13_PURPOSE;
}

// Where mbedTLS gave up tells what it did not find: suite, group and signature have one error and one alert in common.
static int of_no_match(const mbedtls_ssl_context *ssl) {
    const mbedtls_ssl_handshake_params *handshake = ssl->handshake;
    if (handshake == NULL || handshake->ciphersuite_info == NULL) {
        return TLS13_SUITE;
    }
    if (ssl->state == MBEDTLS_SSL_CLIENT_HELLO || ssl->state == MBEDTLS_SSL_HELLO_RETRY_REQUEST
        || ssl->state == MBEDTLS_SSL_SERVER_HELLO) {
        return TLS13_GROUP;
    }
    return TLS13_SIGNATURE;
}

int tls13_reason(const tls13_conn_t *conn, int error) {
    const mbedtls_ssl_context *ssl = &conn->ssl;
    if (tls13_exhausted) {
        return TLS13_MEMORY;
    }
    switch (error) {
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            return TLS13_ALERT;
        case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
            return TLS13_VERSION;
        case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
            return of_no_match(ssl);
        case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
            return TLS13_NO_CERTIFICATE;
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
            if (ssl->session_negotiate != NULL && ssl->session_negotiate->verify_result) {
                return of_flags(ssl->session_negotiate->verify_result);
            }
            return TLS13_BAD_CERTIFICATE;
        case MBEDTLS_ERR_X509_FATAL_ERROR:
            return TLS13_TOO_LONG;
        case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        case MBEDTLS_ERR_X509_ALLOC_FAILED:
        case MBEDTLS_ERR_MPI_ALLOC_FAILED:
        case MBEDTLS_ERR_PK_ALLOC_FAILED:
        case MBEDTLS_ERR_ECP_ALLOC_FAILED:
            return TLS13_MEMORY;
        case MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL:
        case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:  // a record that the buffer cannot hold
            return TLS13_TOO_LARGE;
        case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
        case MBEDTLS_ERR_SSL_BAD_CONFIG:
            return TLS13_INTERNAL;
        default:
            break;
    }
    if (error <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && error >= MBEDTLS_ERR_X509_BUFFER_TOO_SMALL) {
        return TLS13_BAD_CERTIFICATE;
    }
    if (ssl->state == MBEDTLS_SSL_CLIENT_CERTIFICATE_VERIFY || ssl->state == MBEDTLS_SSL_CLIENT_FINISHED) {
        return TLS13_NO_PROOF;
    }
    return TLS13_PROTOCOL;
}
