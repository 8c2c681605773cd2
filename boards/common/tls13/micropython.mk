# User C module tls13. MBEDTLS_DIR names the source of mbedTLS 3.6. Options of a variant, before this file is read:
# TLS13_CLIENT = 1 for the side of the car too, TLS13_KEY_LOG = 1 for secrets on request, TLS13_MEMORY_STATISTICS = 1 for the
# peak of the arena. All three are for the bench.
ifeq ($(wildcard $(MBEDTLS_DIR)/library/ssl_tls13_server.c),)
$(error MBEDTLS_DIR=$(MBEDTLS_DIR) holds no source of mbedTLS 3.6)
endif
TLS13_CLIENT ?= 0
TLS13_KEY_LOG ?= 0
TLS13_MEMORY_STATISTICS ?= 0

SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/, tls13.c tls13_config.c tls13_known.c tls13_reason.c tls13_wrap.c)
CFLAGS_USERMOD += -I$(USERMOD_DIR) -I$(MBEDTLS_DIR)/include -DMBEDTLS_CONFIG_FILE='"tls13_mbedtls_config.h"' \
	-DTLS13_CLIENT=$(TLS13_CLIENT) -DTLS13_KEY_LOG=$(TLS13_KEY_LOG) \
	-DTLS13_MEMORY_STATISTICS=$(TLS13_MEMORY_STATISTICS)
# tls13_wrap.c and tls13_known.c say what for.
LDFLAGS_USERMOD += -Wl,--wrap=mbedtls_ssl_write_sig_alg_ext -Wl,--wrap=mbedtls_ssl_pend_fatal_alert \
	-Wl,--wrap=mbedtls_ssl_tls13_check_received_extension -Wl,--wrap=mbedtls_calloc -Wl,--wrap=mbedtls_pk_verify_ext

include $(USERMOD_DIR)/sources.mk
SRC_USERMOD_LIB_C += $(addprefix library/, $(TLS13_MBEDTLS_C))
vpath %.c $(MBEDTLS_DIR)
$(BUILD)/library/%.o: CFLAGS += -Wno-error
