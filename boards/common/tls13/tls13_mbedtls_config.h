// mbedTLS 3.6 for what ISO 15118-20 needs and nothing else: TLS 1.3, elliptic curves, no RSA, no older protocol.
#ifndef TLS13_MBEDTLS_CONFIG_H
#define TLS13_MBEDTLS_CONFIG_H

// Protocol. Tickets, early data and PSK are left out: a session is resumed with its certificate (R-SESSION-05).
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_SRV_C
#if TLS13_CLIENT
#define MBEDTLS_SSL_CLI_C
#endif
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_SSL_RECORD_SIZE_LIMIT

// A chain of four P-521 certificates has 4 kB, a request of a session 2 kB. What is longer is refused; a car that knows
// record_size_limit (RFC 8449) is told.
#undef MBEDTLS_SSL_IN_CONTENT_LEN
#undef MBEDTLS_SSL_OUT_CONTENT_LEN
#define MBEDTLS_SSL_IN_CONTENT_LEN 6144
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 3

// Table 6: both suites.
#define MBEDTLS_AES_C
#define MBEDTLS_GCM_C
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_HKDF_C

// Tables 7 and 8 (P-521, X448), and what cars and test stacks of today use. Which of them count is said at run time.
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
// RFC 6979: the number of a signature comes from key and message. A weak random one would give the station's key away.
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP521R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_ECP_DP_CURVE448_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_HAVE_ASM
#if TLS13_P521
// The board brings the points of P-521 (boards/rpi_pico/p521); the other curves stay with mbedTLS.
#define MBEDTLS_ECP_INTERNAL_ALT
#define MBEDTLS_ECP_DOUBLE_JAC_ALT
#define MBEDTLS_ECP_ADD_MIXED_ALT
#define MBEDTLS_ECP_NORMALIZE_JAC_ALT
#define MBEDTLS_ECP_NORMALIZE_JAC_MANY_ALT
#endif

// Certificates and keys, PEM or DER.
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C

// TLS 1.3 of mbedTLS is built on PSA. Few keys live at a time.
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_KEY_SLOT_COUNT 16
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_ENTROPY_C

// Tables in flash, and small: RAM is what a controller lacks.
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES

// Memory: one arena (tls13.c). Time: what the caller of a handshake says. A port may have included its own configuration
// before: the values of this one count.
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#undef MBEDTLS_PLATFORM_STD_CALLOC
#undef MBEDTLS_PLATFORM_STD_FREE
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#if TLS13_MEMORY_STATISTICS
#define MBEDTLS_MEMORY_DEBUG
#endif
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#undef MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT
#define MBEDTLS_PLATFORM_TIME_TYPE_MACRO long long
#undef MBEDTLS_PLATFORM_TIME_MACRO
#define MBEDTLS_PLATFORM_TIME_MACRO tls13_time
long long tls13_time(long long *out);

#if TLS13_BARE_METAL
// What hashlib and cryptolib of such a port are built on.
#define MBEDTLS_SHA1_C
#define MBEDTLS_CIPHER_MODE_CBC
// The port's mbedtls_hardware_poll() is the source of randomness.
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_NO_PLATFORM_ENTROPY
#endif

#endif
