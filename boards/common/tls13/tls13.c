// Module tls13: a TLS 1.3 connection as a machine, bytes in and bytes out. It opens no socket, reads no clock and calls
// nothing back; firmware/net/tls_stage.py drives it. mbedTLS does the protocol and keeps all its memory in one arena.
#include <string.h>
#include <time.h>

#include "tls13.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "mbedtls/entropy.h"
#include "mbedtls/memory_buffer_alloc.h"
#include "mbedtls/platform.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/version.h"
#include "../library/ssl_misc.h"
#include "psa/crypto.h"

// -- time: that of the connection that is being served

static long long now_s;

long long tls13_time(long long *out) {
    if (out != NULL) {
        *out = now_s;
    }
    return now_s;
}

#if !TLS13_BARE_METAL  // a bare-metal port has its own; nothing but tickets would ask it
mbedtls_ms_time_t mbedtls_ms_time(void) {
    return now_s * 1000;
}
#endif

// Days to a date of the civil calendar: no library has to know about 64-bit time.
struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *at, struct tm *out) {
    long long days = *at / 86400, rest = *at % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    days += 719468;  // from 0000-03-01, so that a leap day is the last of its year
    int era = (int)(days / 146097);
    unsigned of_era = (unsigned)(days - (long long)era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    memset(out, 0, sizeof(*out));
    out->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    out->tm_year = (int)year + era * 400 + (month >= 10) - 1900;
    out->tm_hour = (int)(rest / 3600);
    out->tm_min = (int)(rest / 60 % 60);
    out->tm_sec = (int)(rest % 60);
    return out;
}

// -- the arena

// Hostile bytes can make mbedTLS run out of it, and of nothing else. It goes with the heap: a soft reset
// calls its finaliser, and what is finalised behind it must not touch it any more (tls13_ready).
typedef struct {
    mp_obj_base_t base;
    byte *memory;
    size_t size;
} arena_t;

static mp_obj_t arena_del(mp_obj_t self_in) {
    if (MP_STATE_VM(tls13_arena) != MP_OBJ_TO_PTR(self_in)) {
        return mp_const_none;  // of an init() that has failed; another one may have come after it
    }
    mbedtls_psa_crypto_free();
    mbedtls_memory_buffer_alloc_free();
    MP_STATE_VM(tls13_arena) = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(arena_del_obj, arena_del);

static const mp_rom_map_elem_t arena_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&arena_del_obj) },
};
static MP_DEFINE_CONST_DICT(arena_dict, arena_table);
static MP_DEFINE_CONST_OBJ_TYPE(arena_type, MP_QSTR_arena, MP_TYPE_FLAG_NONE, locals_dict, &arena_dict);

MP_REGISTER_ROOT_POINTER(void *tls13_arena);

bool tls13_ready(void) {
    return MP_STATE_VM(tls13_arena) != NULL;
}

int tls13_random(void *context, unsigned char *out, size_t n) {
    (void)context;
    return psa_generate_random(out, n) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

// init(buffer): the memory for everything that TLS will ever need. init(size) takes it from the heap. Once; later calls do nothing.
static mp_obj_t tls13_init(mp_obj_t memory_in) {
    if (tls13_ready()) {
        return mp_const_none;
    }
    arena_t *arena = mp_obj_malloc_with_finaliser(arena_t, &arena_type);
    if (mp_obj_is_int(memory_in)) {
        arena->size = mp_obj_get_int(memory_in);
        arena->memory = m_new(byte, arena->size);
    } else {
        mp_buffer_info_t info;
        mp_get_buffer_raise(memory_in, &info, MP_BUFFER_RW);
        arena->size = info.len;
        arena->memory = info.buf;  // of an object in the heap the collector finds it here
    }
    mbedtls_memory_buffer_alloc_init(arena->memory, arena->size);
    MP_STATE_VM(tls13_arena) = arena;
    #if defined(MBEDTLS_PLATFORM_TIME_ALT)  // ESP-IDF: a function that is set, instead of a macro
    mbedtls_platform_set_time(tls13_time);
    #endif
    if (psa_crypto_init() != PSA_SUCCESS) {
        arena_del(MP_OBJ_FROM_PTR(arena));
        mp_raise_OSError(MP_EIO);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(tls13_init_obj, tls13_init);

// memory() -> (bytes used, most that were ever used, size). In an image for a bench only: else (0, 0, size).
static mp_obj_t tls13_memory(size_t n_args, const mp_obj_t *args) {
    size_t used = 0, peak = 0, blocks = 0, peak_blocks = 0;
    #if defined(MBEDTLS_MEMORY_DEBUG)
    size_t header = sizeof(size_t) * 8;  // of a block, at least
    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    mbedtls_memory_buffer_alloc_max_get(&peak, &peak_blocks);
    used += blocks * header;
    peak += peak_blocks * header;
    if (n_args) {
        mbedtls_memory_buffer_alloc_max_reset();
    }
    #endif
    (void)blocks;
    (void)peak_blocks;
    arena_t *arena = MP_STATE_VM(tls13_arena);
    mp_obj_t out[] = {
        mp_obj_new_int_from_uint(used), mp_obj_new_int_from_uint(peak),
        mp_obj_new_int_from_uint(arena ? arena->size : 0),
    };
    return mp_obj_new_tuple(3, out);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tls13_memory_obj, 0, 1, tls13_memory);

// -- a connection

static int to_peer(void *context, const unsigned char *buf, size_t n) {
    tls13_conn_t *self = context;
    if (self->out_at && self->out_at == self->out_n) {
        self->out_at = self->out_n = 0;
    }
    size_t room = TLS13_OUT - self->out_n;
    if (room == 0) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    if (n > room) {
        n = room;
    }
    memcpy(self->out + self->out_n, buf, n);
    self->out_n += n;
    self->sent++;
    return (int)n;
}

static int from_peer(void *context, unsigned char *buf, size_t n) {
    tls13_conn_t *self = context;
    size_t have = self->in_n - self->in_at;
    if (have == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    if (n > have) {
        n = have;
    }
    memcpy(buf, self->in + self->in_at, n);
    self->in_at += n;
    return (int)n;
}

static int on_verify(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags) {
    tls13_conn_t *self = context;
    if (!self->clock_known) {
        *flags &= ~MBEDTLS_X509_BADCERT_FUTURE;  // the clock is at its floor: too early proves nothing, too late does
    }
    self->flags |= *flags;
    if (*flags & MBEDTLS_X509_BADCERT_FUTURE) {
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;  // for the alert: certificate_expired is "or is not currently valid"
    }
    if (depth == 0) {
        for (const mbedtls_x509_name *name = &crt->subject; name != NULL; name = name->next) {
            if (name->oid.len == 3 && memcmp(name->oid.p, "\x55\x04\x03", 3) == 0) {
                self->name_n = name->val.len < TLS13_NAME ? name->val.len : TLS13_NAME;
                memcpy(self->name, name->val.p, self->name_n);
            }
        }
    }
    return 0;
}

#if TLS13_KEY_LOG
// A line of the file that Wireshark reads (NSS key log).
static void on_keys(void *context, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t n,
    const unsigned char client_random[32], const unsigned char server_random[32], mbedtls_tls_prf_types prf) {
    static const char *const labels[] = {
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    };
    static const mbedtls_ssl_key_export_type types[] = {
        MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET,
        MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET,
        MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET,
        MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET,
    };
    (void)server_random;
    (void)prf;
    tls13_conn_t *self = context;
    for (size_t i = 0; i < MP_ARRAY_SIZE(types); i++) {
        if (types[i] == type && self->key_log != mp_const_none) {
            vstr_t line;
            vstr_init(&line, 240);
            vstr_add_str(&line, labels[i]);
            vstr_add_char(&line, ' ');
            for (size_t k = 0; k < 32 + n; k++) {
                if (k == 32) {
                    vstr_add_char(&line, ' ');
                }
                unsigned char c = k < 32 ? client_random[k] : secret[k - 32];
                vstr_add_char(&line, "0123456789abcdef"[c >> 4]);
                vstr_add_char(&line, "0123456789abcdef"[c & 15]);
            }
            mp_obj_list_append(self->key_log, mp_obj_new_str_from_vstr(&line));
        }
    }
}
#endif

// Conn(config): one connection after another. Its buffers in the arena are taken here and stay.
static mp_obj_t conn_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    if (!mp_obj_is_type(args[0], &tls13_config_type)) {
        mp_raise_TypeError(NULL);
    }
    tls13_conn_t *self = mp_obj_malloc_with_finaliser(tls13_conn_t, type);
    memset((byte *)self + sizeof(mp_obj_base_t), 0, sizeof(*self) - sizeof(mp_obj_base_t));
    self->config = MP_OBJ_TO_PTR(args[0]);
    self->key_log = mp_const_none;
    mbedtls_ssl_init(&self->ssl);
    self->live = true;
    int error = mbedtls_ssl_setup(&self->ssl, &self->config->conf);
    if (error == 0) {
        error = mbedtls_ssl_set_hostname(&self->ssl, NULL);
    }
    if (error) {
        mp_raise_type(&mp_type_MemoryError);
    }
    mbedtls_ssl_set_bio(&self->ssl, self, to_peer, from_peer, NULL);
    mbedtls_ssl_set_verify(&self->ssl, on_verify, self);
    #if TLS13_KEY_LOG
    mbedtls_ssl_set_export_keys_cb(&self->ssl, on_keys, self);
    #endif
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t conn_del(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->live && tls13_ready()) {
        mbedtls_ssl_free(&self->ssl);
    }
    self->live = false;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_del_obj, conn_del);

// reset(): forget the peer, its keys and what was on the way.
static mp_obj_t conn_reset(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    int error = mbedtls_ssl_session_reset(&self->ssl);
    self->in_at = self->in_n = self->out_at = self->out_n = 0;
    self->reason = self->alert = self->error = self->flags = self->name_n = 0;
    self->framed = false;
    self->key_log = mp_const_none;
    self->state = error ? TLS13_FAILED : TLS13_IDLE;
    if (error) {
        self->error = error;
        self->reason = TLS13_MEMORY;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_reset_obj, conn_reset);

// begin(unix_s, clock_known, key_log=None): a new peer. Certificates are judged at unix_s, seconds since 1970; without a
// clock it is a floor, and one that is not valid yet passes. key_log: a list that gets lines of secrets.
static mp_obj_t conn_begin(size_t n_args, const mp_obj_t *args) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(args[0]);
    tls13_exhausted = false;
    conn_reset(args[0]);
    if (self->state == TLS13_IDLE) {
        self->state = TLS13_HANDSHAKE;
    }
    self->unix_s = (long long)mp_obj_get_int_truncated(args[1]) & 0xFFFFFFFFLL;
    self->clock_known = mp_obj_is_true(args[2]);
    if (n_args > 3 && args[3] != mp_const_none) {
        #if TLS13_KEY_LOG
        self->key_log = args[3];
        #else
        mp_raise_ValueError(MP_ERROR_TEXT("tls13: no key log in this image"));
        #endif
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(conn_begin_obj, 3, 4, conn_begin);

// feed(buf, at, n) -> how many bytes of the peer were taken. What a finished connection gets is thrown away.
static mp_obj_t conn_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    tls13_conn_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[1], &b, MP_BUFFER_READ);
    size_t at = mp_obj_get_int(args[2]), n = mp_obj_get_int(args[3]);
    if (at > b.len || n > b.len - at) {
        mp_raise_type(&mp_type_IndexError);
    }
    if (n == 0 || (self->state != TLS13_HANDSHAKE && self->state != TLS13_OPEN)) {
        return MP_OBJ_NEW_SMALL_INT(n);
    }
    if (self->in_at) {
        self->in_n -= self->in_at;
        memmove(self->in, self->in + self->in_at, self->in_n);
        self->in_at = 0;
    }
    if (n > TLS13_IN - self->in_n) {
        n = TLS13_IN - self->in_n;
    }
    memcpy(self->in + self->in_n, (byte *)b.buf + at, n);
    self->in_n += n;
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(conn_feed_obj, 4, 4, conn_feed);

// take(buf) -> how many bytes for the peer were moved into buf.
static mp_obj_t conn_take(mp_obj_t self_in, mp_obj_t buf) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t b;
    mp_get_buffer_raise(buf, &b, MP_BUFFER_WRITE);
    size_t n = self->out_n - self->out_at;
    if (n > b.len) {
        n = b.len;
    }
    memcpy(b.buf, self->out + self->out_at, n);
    self->out_at += n;
    if (self->out_at == self->out_n) {
        self->out_at = self->out_n = 0;
    }
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_2(conn_take_obj, conn_take);

// An alert for what mbedTLS refuses in silence, so that the peer's log names a cause.
static int alert_of(int error) {
    switch (error) {
        case MBEDTLS_ERR_SSL_INVALID_RECORD:
        case MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL:
        case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
            return MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW;
        case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
            return MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE;
        case MBEDTLS_ERR_SSL_INVALID_MAC:
            return MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC;
        case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
            return MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
        case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
            return MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
        case MBEDTLS_ERR_SSL_DECODE_ERROR:
            return MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR;
        case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
        case MBEDTLS_ERR_X509_FATAL_ERROR:
            return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
        default:
            return MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    }
}

static void fail(tls13_conn_t *self, int error, uint32_t sent) {
    self->error = error;
    self->reason = self->framed ? tls13_reason(self, error) : TLS13_NOT_TLS;
    self->state = TLS13_FAILED;
    const byte *record = self->ssl.in_hdr;
    if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        self->alert = self->ssl.in_msg[1];
    } else if (error == MBEDTLS_ERR_SSL_INVALID_MAC && record[0] == MBEDTLS_SSL_MSG_ALERT && record[4] == 2) {
        // In clear, from a peer that has not come to its keys yet. Nothing is believed of it but the number for the log.
        self->reason = TLS13_ALERT;
        self->alert = record[6];
    } else if (self->framed && self->sent == sent) {
        mbedtls_ssl_send_alert_message(&self->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert_of(error));
    }
}

// True if there is nothing to go on with.
static bool waits(int error) {
    return error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE;
}

// step() -> True if the next step can be done at once. A step is one message of the handshake, and that is at most one
// generation of a key, one agreement, one signature, or the verification of one chain.
static mp_obj_t conn_step(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->state != TLS13_HANDSHAKE) {
        return mp_const_false;
    }
    mbedtls_ssl_context *ssl = &self->ssl;
    now_s = self->unix_s;
    uint32_t sent = self->sent;
    bool server = self->config->conf.endpoint == MBEDTLS_SSL_IS_SERVER;
    if (!self->framed && self->in_n > self->in_at && server) {
        self->framed = self->in[self->in_at] == MBEDTLS_SSL_MSG_HANDSHAKE;
        if (!self->framed) {
            fail(self, MBEDTLS_ERR_SSL_INVALID_RECORD, sent);  // plain V2GTP, most of the time
            return mp_const_false;
        }
    }
    bool finished = server && ssl->state == MBEDTLS_SSL_SERVER_FINISHED;
    int error = mbedtls_ssl_handshake_step(ssl);
    if (error == 0 && finished && ssl->state != MBEDTLS_SSL_SERVER_FINISHED) {
        // Behind its Finished a server sends under the application keys (RFC 8446 section A.2). mbedTLS changes them only
        // at the end, and a client that is refused in between could not read why.
        mbedtls_ssl_set_outbound_transform(ssl, ssl->transform_application);
    }
    if (waits(error)) {
        return mp_const_false;
    }
    self->framed = self->framed || !server;
    if (error) {
        fail(self, error, sent);
        return mp_const_false;
    }
    if (mbedtls_ssl_is_handshake_over(ssl)) {
        self->state = TLS13_OPEN;
        return mp_const_false;
    }
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_step_obj, conn_step);

static size_t received(tls13_conn_t *self, int n, uint32_t sent) {
    if (n >= 0) {
        return n;
    }
    if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        self->state = TLS13_ENDED;
    } else if (!waits(n)) {
        fail(self, n, sent);
    }
    return 0;
}

// pending() -> bytes that read() gives now.
static mp_obj_t conn_pending(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->state != TLS13_OPEN) {
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    if (mbedtls_ssl_get_bytes_avail(&self->ssl) == 0) {
        now_s = self->unix_s;
        received(self, mbedtls_ssl_read(&self->ssl, NULL, 0), self->sent);
    }
    return MP_OBJ_NEW_SMALL_INT(self->state == TLS13_OPEN ? mbedtls_ssl_get_bytes_avail(&self->ssl) : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_pending_obj, conn_pending);

// read(buf) -> how many bytes of the peer's message were moved into buf; 0: none now.
static mp_obj_t conn_read(mp_obj_t self_in, mp_obj_t buf) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t b;
    mp_get_buffer_raise(buf, &b, MP_BUFFER_WRITE);
    if (self->state != TLS13_OPEN || b.len == 0) {
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    now_s = self->unix_s;
    uint32_t sent = self->sent;
    return MP_OBJ_NEW_SMALL_INT(received(self, mbedtls_ssl_read(&self->ssl, b.buf, b.len), sent));
}
static MP_DEFINE_CONST_FUN_OBJ_2(conn_read_obj, conn_read);

// write(buf, at, n) -> how many bytes were taken: one record, or nothing while the last one waits for take().
static mp_obj_t conn_write(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    tls13_conn_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[1], &b, MP_BUFFER_READ);
    size_t at = mp_obj_get_int(args[2]), n = mp_obj_get_int(args[3]);
    if (at > b.len || n > b.len - at) {
        mp_raise_type(&mp_type_IndexError);
    }
    if (n == 0 || self->state != TLS13_OPEN || self->out_n != self->out_at) {
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    uint32_t sent = self->sent;
    int took = mbedtls_ssl_write(&self->ssl, (byte *)b.buf + at, n);
    if (took < 0) {
        fail(self, took, sent);
        took = 0;
    }
    return MP_OBJ_NEW_SMALL_INT(took);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(conn_write_obj, 4, 4, conn_write);

// close(): close_notify behind what waits, also in answer to the peer's (RFC 8446 section 6.1); nothing is read or written
// after it. To be called once.
static mp_obj_t conn_close(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->state == TLS13_OPEN || self->state == TLS13_ENDED) {
        mbedtls_ssl_close_notify(&self->ssl);
    }
    if (self->state != TLS13_FAILED) {
        self->state = TLS13_ENDED;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_close_obj, conn_close);

// certificate() -> DER of the peer's leaf, or None.
static mp_obj_t conn_certificate(mp_obj_t self_in) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&self->ssl);
    return crt == NULL ? mp_const_none : mp_obj_new_bytes(crt->raw.p, crt->raw.len);
}
static MP_DEFINE_CONST_FUN_OBJ_1(conn_certificate_obj, conn_certificate);

// state, reason, alert, error (of mbedTLS), name (CN of the peer's leaf, also of one that was refused), suite; waiting: bytes
// for take(); room: bytes that feed() takes.
static void conn_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    tls13_conn_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;  // nothing can be stored
    }
    switch (attr) {
        case MP_QSTR_state:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->state);
            break;
        case MP_QSTR_reason:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->reason);
            break;
        case MP_QSTR_alert:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->alert);
            break;
        case MP_QSTR_error:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->error);
            break;
        case MP_QSTR_name:
            dest[0] = mp_obj_new_bytes(self->name, self->name_n);
            break;
        case MP_QSTR_suite:
            dest[0] = MP_OBJ_NEW_SMALL_INT(mbedtls_ssl_get_ciphersuite_id_from_ssl(&self->ssl));
            break;
        case MP_QSTR_waiting:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->out_n - self->out_at);
            break;
        case MP_QSTR_room:
            dest[0] = MP_OBJ_NEW_SMALL_INT(TLS13_IN - (self->in_n - self->in_at));
            break;
        default:
            dest[1] = MP_OBJ_SENTINEL;  // a method
    }
}

static const mp_rom_map_elem_t conn_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&conn_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&conn_reset_obj) },
    { MP_ROM_QSTR(MP_QSTR_begin), MP_ROM_PTR(&conn_begin_obj) },
    { MP_ROM_QSTR(MP_QSTR_feed), MP_ROM_PTR(&conn_feed_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&conn_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_step), MP_ROM_PTR(&conn_step_obj) },
    { MP_ROM_QSTR(MP_QSTR_pending), MP_ROM_PTR(&conn_pending_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&conn_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&conn_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&conn_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_certificate), MP_ROM_PTR(&conn_certificate_obj) },
};
static MP_DEFINE_CONST_DICT(conn_dict, conn_table);

MP_DEFINE_CONST_OBJ_TYPE(
    conn_type, MP_QSTR_Conn, MP_TYPE_FLAG_NONE,
    make_new, conn_make_new,
    attr, conn_attr,
    locals_dict, &conn_dict
    );

static const mp_rom_map_elem_t module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_tls13) },
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&tls13_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&tls13_memory_obj) },
    { MP_ROM_QSTR(MP_QSTR_signatures), MP_ROM_PTR(&tls13_signatures_obj) },
    { MP_ROM_QSTR(MP_QSTR_Config), MP_ROM_PTR(&tls13_config_type) },
    { MP_ROM_QSTR(MP_QSTR_Conn), MP_ROM_PTR(&conn_type) },
    { MP_ROM_QSTR(MP_QSTR_CLIENT), TLS13_CLIENT ? MP_ROM_TRUE : MP_ROM_FALSE },
    { MP_ROM_QSTR(MP_QSTR_KEY_LOG), TLS13_KEY_LOG ? MP_ROM_TRUE : MP_ROM_FALSE },
    { MP_ROM_QSTR(MP_QSTR_IDLE), MP_ROM_INT(TLS13_IDLE) },
    { MP_ROM_QSTR(MP_QSTR_HANDSHAKE), MP_ROM_INT(TLS13_HANDSHAKE) },
    { MP_ROM_QSTR(MP_QSTR_OPEN), MP_ROM_INT(TLS13_OPEN) },
    { MP_ROM_QSTR(MP_QSTR_ENDED), MP_ROM_INT(TLS13_ENDED) },
    { MP_ROM_QSTR(MP_QSTR_FAILED), MP_ROM_INT(TLS13_FAILED) },
};
static MP_DEFINE_CONST_DICT(module_dict, module_table);

const mp_obj_module_t tls13_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_dict,
};
MP_REGISTER_MODULE(MP_QSTR_tls13, tls13_module);
