/* SPDX-License-Identifier: BSD-3-Clause */
/* Records with CBC as a peer may pad them, well and badly. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "dataplane/tls/tls_stream.h"
#include "tests/harness/check.h"

enum { SHA1 = 20, PADDING_MAX = 256, NOWHERE = -1, CHANGE = 0x55 };

static struct tls_crypto *crypto;

/* How one record is made. */
struct making {
    uint16_t version;
    bool etm;
    size_t padding; /* octets, its length among them */
    int wrong;      /* which octet of padding and MAC is another, from the end */
};

static struct tls_keys keys_of(const struct making *m)
{
    struct tls_keys keys = {.version = m->version, .suite = 0x002f, .etm = m->etm};

    memset(keys.read.key, 1, 16);
    memset(keys.read.secret, 2, SHA1);
    memset(keys.read.iv, 3, TLS_BLOCK);
    keys.read.sequence = 7;
    keys.write = keys.read;
    return keys;
}

static void put_mac(const struct tls_way *way, const struct making *m, struct span text,
                    uint8_t *out)
{
    static uint8_t all[TLS_RECORD_MAX + PADDING_MAX];
    const uint8_t head[13] = {
        0, 0, 0, 0, 0, 0, 0, 7, 23, 3, (uint8_t)m->version, (uint8_t)(text.len >> 8), (uint8_t)text.len};

    memcpy(all, head, 13);
    memcpy(all + 13, text.data, text.len);
    CHECK(HMAC(EVP_sha1(), way->secret, SHA1, all, 13 + text.len, out, NULL) != NULL);
}

static size_t encrypt(const struct tls_way *way, const uint8_t *iv, uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int n = 0;

    CHECK(EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), NULL, way->key, iv) == 1);
    EVP_CIPHER_CTX_set_padding(context, 0);
    CHECK(EVP_EncryptUpdate(context, data, &n, data, (int)len) == 1);
    EVP_CIPHER_CTX_free(context);
    return (size_t)n;
}

/* The record; with padding that does not fill the last block it is none. */
static size_t make(const struct making *m, struct span plain, uint8_t *record)
{
    const struct tls_keys keys = keys_of(m);
    size_t iv = m->version > TLS_VERSION_1_0 ? TLS_BLOCK : 0, len = plain.len;
    uint8_t *body = record + TLS_HEADER, *data = body + iv;

    memset(body, 9, iv);
    memcpy(data, plain.data, len);
    if (!m->etm) {
        put_mac(&keys.read, m, plain, data + len);
        len += SHA1;
    }
    memset(data + len, (int)m->padding - 1, m->padding);
    len += m->padding;
    if (m->wrong != NOWHERE)
        data[len - 1 - (size_t)m->wrong] ^= CHANGE;
    len = iv + encrypt(&keys.read, iv ? body : keys.read.iv, data, len);
    if (m->etm) {
        put_mac(&keys.read, m, span_of(body, len), body + len);
        len += SHA1;
    }
    record[0] = 23;
    record[1] = 3;
    record[2] = (uint8_t)m->version;
    record[3] = (uint8_t)(len >> 8);
    record[4] = (uint8_t)len;
    return TLS_HEADER + len;
}

static enum tls_event open_made(const struct making *m, struct span plain, struct span *got,
                                uint8_t *alert_out)
{
    static uint8_t record[TLS_RECORD_MAX + PADDING_MAX], room[TLS_SEALED_MAX];
    const struct tls_keys keys = keys_of(m);
    struct tls_stream s;
    enum tls_event event;

    CHECK(tls_stream_init(&s, crypto, &keys));
    event = tls_stream_open(&s, crypto, span_of(record, make(m, plain, record)), room, got);
    *alert_out = s.alert;
    return event;
}

/* What fills the last block behind `len` octets, and up to 15 blocks more. */
static size_t least_padding(const struct making *m, size_t len)
{
    return TLS_BLOCK - (len + (m->etm ? 0 : SHA1)) % TLS_BLOCK;
}

static void each_padding_is_taken_off(void)
{
    static uint8_t data[TLS_PLAIN_MAX];
    static const size_t sizes[] = {0, 1, 11, 12, 13, 100, 1000, TLS_PLAIN_MAX};

    for (uint16_t version = TLS_VERSION_1_0; version <= TLS_VERSION_1_2; version++)
        for (int etm = 0; etm < 2; etm++)
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct making m = {.version = version, .etm = etm, .wrong = NOWHERE};

                for (m.padding = least_padding(&m, sizes[i]); m.padding <= PADDING_MAX;
                     m.padding += TLS_BLOCK) {
                    struct span got;
                    uint8_t alert;

                    CHECK(open_made(&m, span_of(data, sizes[i]), &got, &alert) ==
                          (sizes[i] ? TLS_EVENT_DATA : TLS_EVENT_NONE));
                    CHECK(got.len == sizes[i] && alert == TLS_NO_ALERT);
                }
            }
}

/* One alert for all of it: RFC 5246 section 6.2.3.2. */
static void wrong_padding_and_wrong_macs_are_one_error(void)
{
    static uint8_t data[64];

    for (uint16_t version = TLS_VERSION_1_0; version <= TLS_VERSION_1_2; version++)
        for (int etm = 0; etm < 2; etm++)
            for (size_t len = 0; len < sizeof(data); len += 7) {
                struct making m = {.version = version, .etm = etm};
                size_t least = least_padding(&m, len);

                for (m.padding = least; m.padding <= PADDING_MAX; m.padding += 5 * TLS_BLOCK)
                    for (m.wrong = 0; m.wrong < (int)m.padding + (etm ? 0 : SHA1); m.wrong++) {
                        struct span got;
                        uint8_t alert;

                        /* A length of 0 is right wherever no MAC is in front of it. */
                        if (etm && m.wrong == 0 && m.padding - 1 == CHANGE)
                            continue;
                        CHECK(open_made(&m, span_of(data, len), &got, &alert) == TLS_EVENT_BAD);
                        CHECK(got.len == 0 && alert == TLS_ALERT_BAD_RECORD_MAC);
                    }
            }
}

/* Data for which no MAC was left, padding that is longer than the record. */
static void what_is_too_short_is_refused(void)
{
    static uint8_t record[TLS_RECORD_MAX], room[TLS_SEALED_MAX];

    for (uint16_t version = TLS_VERSION_1_0; version <= TLS_VERSION_1_2; version++)
        for (int etm = 0; etm < 2; etm++)
            for (size_t len = 0; len < 120; len++) {
                struct making m = {.version = version, .etm = etm};
                const struct tls_keys keys = keys_of(&m);
                struct tls_stream s;
                struct span got, copy;

                record[0] = 23;
                record[1] = 3;
                record[2] = (uint8_t)version;
                record[4] = (uint8_t)len;
                copy = guard_copy(span_of(record, TLS_HEADER + len), true);
                CHECK(tls_stream_init(&s, crypto, &keys));
                CHECK(tls_stream_open(&s, crypto, copy, room, &got) == TLS_EVENT_BAD);
                CHECK(got.len == 0 && s.alert == TLS_ALERT_BAD_RECORD_MAC);
                guard_free(copy);
            }
}

static void too_much_data_is_refused(void)
{
    static uint8_t data[TLS_PLAIN_MAX + 1];

    for (int etm = 0; etm < 2; etm++) {
        struct making m = {.version = TLS_VERSION_1_2, .etm = etm, .wrong = NOWHERE};
        struct span got;
        uint8_t alert;

        m.padding = least_padding(&m, sizeof(data));
        CHECK(open_made(&m, span_of(data, sizeof(data)), &got, &alert) == TLS_EVENT_BAD);
        CHECK(got.len == 0 && alert == TLS_ALERT_RECORD_OVERFLOW);
    }
}

int main(void)
{
    check_begin();
    crypto = tls_crypto_new();
    CHECK_CASE(each_padding_is_taken_off);
    CHECK_CASE(wrong_padding_and_wrong_macs_are_one_error);
    CHECK_CASE(what_is_too_short_is_refused);
    CHECK_CASE(too_much_data_is_refused);
    tls_crypto_free(crypto);
    return check_end();
}
