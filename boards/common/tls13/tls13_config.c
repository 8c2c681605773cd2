// tls13.Config: who we are, whom we trust, and what of TLS 1.3 we want to speak. Made once, shared by connections.
#include <string.h>

#include "tls13.h"
#include "py/runtime.h"

#include "../library/pk_internal.h"
#include "mbedtls/platform_util.h"

static void refuse(const char *what, int error) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("tls13: %s (-0x%04x)"), what, (unsigned)-error);
}

static size_t list_of(mp_obj_t items, size_t *n, mp_obj_t **at) {
    mp_obj_get_array(items, n, at);
    if (*n == 0 || *n > TLS13_LIST) {
        mp_raise_ValueError(MP_ERROR_TEXT("tls13: 1 to 8 code points"));
    }
    return *n;
}

static void code_points(mp_obj_t items, uint16_t *out) {
    size_t n;
    mp_obj_t *at;
    list_of(items, &n, &at);
    for (size_t i = 0; i < n; i++) {
        out[i] = mp_obj_get_int(at[i]);
    }
    out[n] = 0;
}

// PEM wants its terminating zero counted, and an object of Python need not have one.
static byte *terminated(mp_obj_t source, size_t *n) {
    mp_buffer_info_t b;
    mp_get_buffer_raise(source, &b, MP_BUFFER_READ);
    byte *copy = m_new(byte, b.len + 1);
    memcpy(copy, b.buf, b.len);
    copy[b.len] = 0;
    *n = b.len && memchr(copy, '-', b.len < 200 ? b.len : 200) && strstr((char *)copy, "-----BEGIN") ? b.len + 1 : b.len;
    return copy;
}

static void wipe(byte *copy, size_t n) {
    mbedtls_platform_zeroize(copy, n);
    m_del(byte, copy, n);
}

static void certificates(mbedtls_x509_crt *chain, mp_obj_t source, const char *what) {
    size_t n;
    byte *copy = terminated(source, &n);
    int error = mbedtls_x509_crt_parse(chain, copy, n);
    m_del(byte, copy, n);
    if (error) {
        refuse(what, error > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : error);
    }
}

// What a signature algorithm of the profile says about certificates: its hash and its curve, no other.
static void profile_of(tls13_config_t *self) {
    self->profile.allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY);
    for (const uint16_t *s = self->signatures; *s; s++) {
        if (*s == MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512) {
            self->profile.allowed_mds |= MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512);
            self->profile.allowed_curves |= MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1);
        } else if (*s == MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256) {
            self->profile.allowed_mds |= MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256);
            self->profile.allowed_curves |= MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1);
        } else {
            mp_raise_ValueError(MP_ERROR_TEXT("tls13: signature algorithm"));
        }
    }
}

static void load(tls13_config_t *self, mp_obj_t chain, mp_obj_t key, mp_obj_t roots) {
    int error;
    if (chain != mp_const_none) {
        certificates(&self->own, chain, "own chain");
        size_t n, size = 0;
        byte *copy = terminated(key, &n);
        error = mbedtls_pk_parse_key(&self->key, copy, n, NULL, 0, tls13_random, NULL);
        wipe(copy, n);
        if (error) {
            refuse("own key", error);
        }
        error = mbedtls_pk_check_pair(&self->own.pk, &self->key, tls13_random, NULL);
        if (error) {
            refuse("own key is not that of the certificate", error);
        }
        mbedtls_ecp_group_id curve = mbedtls_pk_get_ec_group_id(&self->own.pk);
        if (curve == MBEDTLS_ECP_DP_NONE || !(self->profile.allowed_curves & MBEDTLS_X509_ID_FLAG(curve))) {
            refuse("own certificate is not of the profile", 0);  // R-TLS-05
        }
        for (mbedtls_x509_crt *c = &self->own; c != NULL; c = c->next) {
            size += c->raw.len + 5;
        }
        if (size > MBEDTLS_SSL_OUT_CONTENT_LEN - 16) {
            refuse("own chain is too large", 0);
        }
        error = mbedtls_ssl_conf_own_cert(&self->conf, &self->own, &self->key);
        if (error) {
            refuse("own chain", error);
        }
    }
    size_t n = 0;
    mp_obj_t *at = NULL;
    mp_obj_get_array(roots, &n, &at);
    for (size_t i = 0; i < n; i++) {
        certificates(&self->roots, at[i], "root");
    }
}

// Config(chain, key, roots, suites, groups, signatures, server=True)
// chain: leaf and intermediates (PEM, or one DER), or None; roots: tuple of PEM or DER; the lists are code points of TLS.
// ValueError says what does not fit.
static mp_obj_t config_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 6, 7, false);
    bool server = n_args < 7 || mp_obj_is_true(args[6]);
    if (!tls13_ready()) {
        mp_raise_ValueError(MP_ERROR_TEXT("tls13: init() first"));
    }
    #if !TLS13_CLIENT
    if (!server) {
        mp_raise_ValueError(MP_ERROR_TEXT("tls13: no client in this image"));
    }
    #endif
    tls13_config_t *self = mp_obj_malloc_with_finaliser(tls13_config_t, type);
    memset((byte *)self + sizeof(mp_obj_base_t), 0, sizeof(*self) - sizeof(mp_obj_base_t));
    mbedtls_ssl_config_init(&self->conf);
    mbedtls_x509_crt_init(&self->own);
    mbedtls_x509_crt_init(&self->roots);
    mbedtls_pk_init(&self->key);
    self->live = true;
    size_t n;
    mp_obj_t *at;
    list_of(args[3], &n, &at);
    for (size_t i = 0; i < n; i++) {
        self->suites[i] = mp_obj_get_int(at[i]);
    }
    code_points(args[4], self->groups);
    code_points(args[5], self->signatures);
    profile_of(self);
    int error = mbedtls_ssl_config_defaults(&self->conf, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (error) {
        refuse("defaults", error);
    }
    load(self, args[0], args[1], args[2]);
    mbedtls_ssl_conf_rng(&self->conf, tls13_random, NULL);
    mbedtls_ssl_conf_min_tls_version(&self->conf, MBEDTLS_SSL_VERSION_TLS1_3);  // R-TLS-01
    mbedtls_ssl_conf_ciphersuites(&self->conf, self->suites);
    mbedtls_ssl_conf_groups(&self->conf, self->groups);
    mbedtls_ssl_conf_sig_algs(&self->conf, self->signatures);
    mbedtls_ssl_conf_cert_profile(&self->conf, &self->profile);
    mbedtls_ssl_conf_authmode(&self->conf, MBEDTLS_SSL_VERIFY_REQUIRED);  // R-TLS-06
    mbedtls_ssl_conf_ca_chain(&self->conf, &self->roots, NULL);  // R-TLS-08, -11
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t config_del(mp_obj_t self_in) {
    tls13_config_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->live && tls13_ready()) {
        mbedtls_ssl_config_free(&self->conf);
        mbedtls_x509_crt_free(&self->own);
        mbedtls_x509_crt_free(&self->roots);
        mbedtls_pk_free(&self->key);
    }
    self->live = false;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(config_del_obj, config_del);

static const mp_rom_map_elem_t config_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&config_del_obj) },
};
static MP_DEFINE_CONST_DICT(config_dict, config_table);

MP_DEFINE_CONST_OBJ_TYPE(
    tls13_config_type, MP_QSTR_Config, MP_TYPE_FLAG_NONE,
    make_new, config_make_new,
    locals_dict, &config_dict
    );
