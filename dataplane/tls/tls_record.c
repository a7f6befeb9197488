/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_record.h"

#include "dataplane/tls/tls_cbc.h"
#include "dataplane/tls/tls_crypto.h"

enum { EXPLICIT = 8 };

static void lane_init(struct tls_record *r, struct tls_crypto *crypto, struct tls_lane *lane,
                      const struct tls_way *way)
{
    lane->way = *way;
    lane->serial = ++crypto->serials;
    if (r->version == TLS_VERSION_1_3)
        tls_crypto_derive(r->suite, &lane->way);
}

bool tls_record_init(struct tls_record *r, struct tls_crypto *crypto, const struct tls_keys *keys)
{
    const struct tls_suite *suite = tls_suite_find(keys->suite);

    if (!suite || !tls_suite_is_of(suite, keys->version))
        return false;
    *r = (struct tls_record){.suite = suite, .version = keys->version, .etm = keys->etm};
    lane_init(r, crypto, &r->read, &keys->read);
    lane_init(r, crypto, &r->write, &keys->write);
    return true;
}

void tls_record_wipe(struct tls_record *r)
{
    explicit_bzero(r, sizeof(*r));
}

void tls_record_update(struct tls_record *r, struct tls_crypto *crypto, struct tls_lane *lane)
{
    uint8_t next[TLS_SECRET_MAX];

    tls_crypto_expand(r->suite->sha384, lane->way.secret, "traffic upd", next,
                      r->suite->sha384 ? 48 : 32);
    memcpy(lane->way.secret, next, sizeof(next));
    explicit_bzero(next, sizeof(next));
    lane->way.sequence = 0;
    lane->serial = ++crypto->serials;
    tls_crypto_derive(r->suite, &lane->way);
}

/*
 * struct { ContentType type; ProtocolVersion version; uint16 length; } of a TLSPlaintext or a
 * TLSCiphertext (RFC 8446 sections 5.1 and 5.2). The version is that of no record's own; its major
 * number tells TLS from what was never TLS.
 */
size_t tls_record_length(const uint8_t header[TLS_HEADER])
{
    size_t len = (size_t)header[3] << 8 | header[4];

    if (header[0] < TLS_CHANGE_CIPHER_SPEC || header[0] > TLS_APPLICATION_DATA || header[1] != 3 ||
        len > TLS_SEALED_MAX)
        return 0;
    return TLS_HEADER + len;
}

/* RFC 8446 section 5.3: the sequence number, padded on the left, and the IV. */
static void mixed_nonce(const struct tls_lane *lane, uint8_t nonce[TLS_IV])
{
    memcpy(nonce, lane->way.iv, TLS_IV);
    for (int i = 0; i < 8; i++)
        nonce[TLS_IV - 1 - i] ^= (uint8_t)(lane->way.sequence >> (8 * i));
}

/* AES-GCM of TLS 1.2 has part of its nonce in the record (RFC 5288 section 3). */
static size_t explicit_nonce(const struct tls_record *r)
{
    return r->version == TLS_VERSION_1_2 && r->suite->cipher != TLS_CIPHER_CHACHA20_POLY1305
               ? EXPLICIT
               : 0;
}

void tls_record_number(uint8_t *to, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
}

void tls_record_pseudo_header(const struct tls_lane *lane, const uint8_t header[TLS_HEADER],
                              size_t len, uint8_t out[TLS_PSEUDO_HEADER])
{
    tls_record_number(out, lane->way.sequence, 8);
    memcpy(out + 8, header, 3);
    tls_record_number(out + 11, len, 2);
}

/*
 * additional_data of TLS 1.3 is the header as it is on the wire (RFC 8446 section 5.2), of TLS 1.2
 * seq_num + type + version + length of the plaintext (RFC 5246 section 6.2.3.3).
 */
static int additional_data(const struct tls_record *r, const struct tls_lane *lane,
                           const uint8_t header[TLS_HEADER], size_t plain_len,
                           uint8_t aad[TLS_PSEUDO_HEADER])
{
    if (r->version == TLS_VERSION_1_3) {
        memcpy(aad, header, TLS_HEADER);
        return TLS_HEADER;
    }
    tls_record_pseudo_header(lane, header, plain_len, aad);
    return TLS_PSEUDO_HEADER;
}

/* The context, ready for the lane's next record. */
static EVP_CIPHER_CTX *begin(struct tls_record *r, struct tls_crypto *crypto,
                             const struct tls_lane *lane, const uint8_t *given, bool seal)
{
    EVP_CIPHER_CTX *context = tls_crypto_context(crypto, (enum tls_cipher)r->suite->cipher, lane, seal);
    uint8_t nonce[TLS_IV];

    if (!context)
        return NULL;
    if (given) {
        memcpy(nonce, lane->way.iv, TLS_GCM_SALT);
        memcpy(nonce + TLS_GCM_SALT, given, EXPLICIT);
    } else {
        mixed_nonce(lane, nonce);
    }
    return EVP_CipherInit_ex2(context, NULL, NULL, nonce, seal, NULL) == 1 ? context : NULL;
}

static bool decrypt(EVP_CIPHER_CTX *context, struct span aad, struct span sealed, uint8_t *out)
{
    size_t len = sealed.len - TLS_TAG;
    uint8_t tag[TLS_TAG];
    int n;

    memcpy(tag, sealed.data + len, TLS_TAG);
    return EVP_DecryptUpdate(context, NULL, &n, aad.data, (int)aad.len) == 1 &&
           EVP_DecryptUpdate(context, out, &n, sealed.data, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TLS_TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(context, out + n, &n) == 1;
}

/* struct { opaque content[]; ContentType type; uint8 zeros[]; } TLSInnerPlaintext */
static enum tls_opened unpad(uint8_t *type_out, struct span *plain)
{
    while (plain->len && plain->data[plain->len - 1] == 0)
        plain->len--;
    /* All zeros is an error of its own: RFC 8446 section 5.4. */
    if (plain->len == 0)
        return TLS_MISFORMED;
    *type_out = plain->data[--plain->len];
    return TLS_OPENED;
}

static enum tls_opened open_aead(struct tls_record *r, struct tls_crypto *crypto,
                                 struct span record, uint8_t *room, uint8_t *type_out,
                                 struct span *plain_out)
{
    size_t nonce = explicit_nonce(r), least = TLS_HEADER + nonce + TLS_TAG;
    struct span sealed = span_skip(record, TLS_HEADER + nonce);
    uint8_t aad[TLS_PSEUDO_HEADER];
    EVP_CIPHER_CTX *context;
    int aad_len;

    /* RFC 8446 section 5.2: protected records are application_data on the outside. */
    if (record.len < least ||
        (r->version == TLS_VERSION_1_3 && record.data[0] != TLS_APPLICATION_DATA))
        return TLS_MISFORMED;
    if (r->version == TLS_VERSION_1_3 && sealed.len > TLS13_SEALED_MAX)
        return TLS_TOO_LONG;
    aad_len = additional_data(r, &r->read, record.data, sealed.len - TLS_TAG, aad);
    context = begin(r, crypto, &r->read, nonce ? record.data + TLS_HEADER : NULL, false);
    if (!context || !decrypt(context, span_of(aad, (size_t)aad_len), sealed, room)) {
        explicit_bzero(room, sealed.len);
        return TLS_FORGED;
    }
    *plain_out = span_of(room, sealed.len - TLS_TAG);
    return r->version == TLS_VERSION_1_3 ? unpad(type_out, plain_out) : TLS_OPENED;
}

enum tls_opened tls_record_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                                uint8_t *room, uint8_t *type_out, struct span *plain_out)
{
    enum tls_opened opened;

    *plain_out = span_of(room, 0);
    if (record.len < TLS_HEADER || record.len != tls_record_length(record.data))
        return TLS_MISFORMED;
    if (r->read.way.sequence == UINT64_MAX)
        return TLS_FORGED;
    *type_out = record.data[0];
    opened = r->suite->mac ? tls_cbc_open(r, crypto, record, room, plain_out)
                           : open_aead(r, crypto, record, room, type_out, plain_out);
    if (opened == TLS_OPENED && plain_out->len > TLS_PLAIN_MAX)
        opened = TLS_TOO_LONG;
    if (opened != TLS_OPENED)
        *plain_out = span_of(room, 0);
    return opened;
}

void tls_record_taken(struct tls_record *r)
{
    r->read.way.sequence++;
    if (r->suite->mac)
        tls_cbc_taken(r);
}

/* Seals `out` bytes in place and puts the tag behind them. */
static bool encrypt(EVP_CIPHER_CTX *context, struct span aad, struct span plain, uint8_t inner_type,
                    uint8_t *out)
{
    uint8_t *at = out;
    int n;

    if (EVP_EncryptUpdate(context, NULL, &n, aad.data, (int)aad.len) != 1 ||
        (plain.len && EVP_EncryptUpdate(context, at, &n, plain.data, (int)plain.len) != 1))
        return false;
    at += plain.len;
    if (inner_type && EVP_EncryptUpdate(context, at, &n, &inner_type, 1) != 1)
        return false;
    at += inner_type != 0;
    return EVP_EncryptFinal_ex(context, at, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TLS_TAG, at) == 1;
}

static size_t seal_aead(struct tls_record *r, struct tls_crypto *crypto, enum tls_content type,
                        struct span plain, uint8_t *room)
{
    bool tls13 = r->version == TLS_VERSION_1_3;
    size_t nonce = explicit_nonce(r), len = nonce + plain.len + tls13 + TLS_TAG;
    uint8_t aad[TLS_PSEUDO_HEADER], *given = nonce ? room + TLS_HEADER : NULL;
    EVP_CIPHER_CTX *context;
    int aad_len;

    tls_record_number(room + 3, len, 2);
    if (given)
        tls_record_number(given, r->write.way.sequence, EXPLICIT);
    aad_len = additional_data(r, &r->write, room, plain.len, aad);
    context = begin(r, crypto, &r->write, given, true);
    if (!context || !encrypt(context, span_of(aad, (size_t)aad_len), plain,
                             tls13 ? (uint8_t)type : 0, room + TLS_HEADER + nonce))
        return 0;
    return TLS_HEADER + len;
}

size_t tls_record_seal(struct tls_record *r, struct tls_crypto *crypto, enum tls_content type,
                       struct span plain, uint8_t *room)
{
    bool tls13 = r->version == TLS_VERSION_1_3;
    size_t len;

    if (plain.len > TLS_PLAIN_MAX || r->write.way.sequence >= TLS_RECORDS_A_KEY)
        return 0;
    room[0] = tls13 ? TLS_APPLICATION_DATA : (uint8_t)type;
    /* RFC 8446 section 5.1: 0x0303 for TLS 1.3 too. */
    tls_record_number(room + 1, tls13 ? TLS_VERSION_1_2 : r->version, 2);
    len = r->suite->mac ? tls_cbc_seal(r, crypto, plain, room)
                        : seal_aead(r, crypto, type, plain, room);
    r->write.way.sequence += len > 0;
    return len;
}
