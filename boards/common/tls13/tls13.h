// What the files of module tls13 share.
#ifndef TLS13_H
#define TLS13_H

#include "py/obj.h"

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "mbedtls/ssl.h"
#include "mbedtls/x509_crt.h"
#include "mbedtls/pk.h"

// Options of a build (micropython.mk, micropython.cmake).
#ifndef TLS13_CLIENT
#define TLS13_CLIENT 0
#endif
#ifndef TLS13_KEY_LOG
#define TLS13_KEY_LOG 0
#endif

#define TLS13_LIST 8  // groups, suites or signature algorithms in a profile
#define TLS13_IN 1024
#define TLS13_OUT (MBEDTLS_SSL_OUT_CONTENT_LEN + 64)  // one whole record
#define TLS13_NAME 64  // upper bound of a common name (RFC 5280)

typedef struct {
    mp_obj_base_t base;
    bool live;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt own;
    mbedtls_x509_crt roots;
    mbedtls_pk_context key;
    mbedtls_x509_crt_profile profile;
    int suites[TLS13_LIST + 1];
    uint16_t groups[TLS13_LIST + 1];
    uint16_t signatures[TLS13_LIST + 1];
} tls13_config_t;

typedef struct {
    mp_obj_base_t base;
    bool live;
    bool clock_known;
    bool framed;  // the first byte was that of a TLS handshake
    uint8_t state;
    uint8_t reason;
    uint8_t alert;  // that the peer sent
    int error;  // of mbedTLS
    uint32_t flags;  // of the verification of the peer's chain
    long long unix_s;
    tls13_config_t *config;
    mbedtls_ssl_context ssl;
    size_t name_n;
    size_t in_at, in_n;
    size_t out_at, out_n;
    uint32_t sent;  // records
    mp_obj_t key_log;
    uint8_t name[TLS13_NAME];
    uint8_t in[TLS13_IN];
    uint8_t out[TLS13_OUT];
} tls13_conn_t;

int tls13_reason(const tls13_conn_t *conn, int error);
int tls13_random(void *context, unsigned char *out, size_t n);

bool tls13_ready(void);
extern bool tls13_exhausted;  // an allocation in the arena has failed since the connection began
extern const mp_obj_type_t tls13_config_type;
extern const mp_obj_fun_builtin_var_t tls13_signatures_obj;

// State of a connection.
enum { TLS13_IDLE, TLS13_HANDSHAKE, TLS13_OPEN, TLS13_ENDED, TLS13_FAILED };

// Why a handshake or a connection failed. The order is that of REASON_TEXTS in firmware/net/tls_stage.py.
enum {
    TLS13_OK, TLS13_NOT_TLS, TLS13_VERSION, TLS13_SUITE, TLS13_GROUP, TLS13_SIGNATURE, TLS13_NO_CERTIFICATE,
    TLS13_UNKNOWN_ROOT, TLS13_EXPIRED, TLS13_NOT_YET_VALID, TLS13_PURPOSE, TLS13_WEAK, TLS13_BAD_CERTIFICATE,
    TLS13_TOO_LONG, TLS13_NO_PROOF, TLS13_TOO_LARGE, TLS13_ALERT, TLS13_PROTOCOL, TLS13_MEMORY, TLS13_INTERNAL,
};

#endif
