// Read by mbedTLS behind ESP-IDF's configuration (MBEDTLS_USER_CONFIG_FILE): what tls13 needs and Kconfig has no option for.
#ifndef TLS13_ESP_CONFIG_H
#define TLS13_ESP_CONFIG_H

// X448, the second group of the standard. ESP-IDF's configuration takes it out.
#undef MBEDTLS_ECP_DP_CURVE448_ENABLED
#define MBEDTLS_ECP_DP_CURVE448_ENABLED

// A car that knows record_size_limit (RFC 8449) is told how long its records may be.
#undef MBEDTLS_SSL_RECORD_SIZE_LIMIT
#define MBEDTLS_SSL_RECORD_SIZE_LIMIT
#undef MBEDTLS_X509_MAX_INTERMEDIATE_CA
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 3
#undef MBEDTLS_PSA_KEY_SLOT_COUNT
#define MBEDTLS_PSA_KEY_SLOT_COUNT 16

// tls13 keeps all memory of TLS in one arena, and does the calendar itself (64-bit time).
#undef MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#undef MBEDTLS_PLATFORM_GMTIME_R_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT

#endif
