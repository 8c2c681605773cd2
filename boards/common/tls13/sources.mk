# Files of mbedTLS' library/ that the configuration puts to use. Read by make and by cmake.
TLS13_MBEDTLS_C = aes.c asn1parse.c asn1write.c base64.c bignum.c bignum_core.c block_cipher.c chacha20.c chachapoly.c \
	cipher.c cipher_wrap.c constant_time.c ctr_drbg.c ecdh.c ecdsa.c ecp.c ecp_curves.c entropy.c entropy_poll.c gcm.c \
	hkdf.c hmac_drbg.c md.c memory_buffer_alloc.c oid.c pem.c pk.c pk_ecc.c pk_wrap.c pkparse.c platform.c platform_util.c poly1305.c \
	psa_crypto.c psa_crypto_aead.c psa_crypto_cipher.c psa_crypto_client.c psa_crypto_driver_wrappers_no_static.c \
	psa_crypto_ecp.c psa_crypto_hash.c psa_crypto_mac.c psa_crypto_random.c psa_crypto_slot_management.c psa_util.c \
	sha256.c sha512.c ssl_ciphersuites.c ssl_client.c ssl_msg.c ssl_tls.c ssl_tls13_client.c ssl_tls13_generic.c \
	ssl_tls13_keys.c ssl_tls13_server.c x509.c x509_crt.c
