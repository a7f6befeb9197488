/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_record.h"

#include "dataplane/tls/tls_crypto.h"

enum { EXPLICIT = 8, AAD_MAX = 13 };

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

    if (!suite || suite->tls13 != (keys->version == TLS_VERSION_1_3))
        return false;
    *r = (struct tls_record){.suite = suite, .version = keys->version};
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
    return r->version == TLS_VERSION_1_2 && r->suite->aead != TLS_AEAD_CHACHA20_POLY1305 ? EXPLICIT
                                                                                         : 0;
}

static void put_number(uint8_t *to, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
}

/*
 * additional_data of TLS 1.3 is the header as it is on the wire (RFC 8446 section 5.2), of TLS 1.2
 * seq_num + type + version + length of the plaintext (RFC 5246 section 6.2.3.3).
 */
static int additional_data(const struct tls_record *r, const struct tls_lane *lane,
                           const uint8_t header[TLS_HEADER], size_t plain_len, uint8_t aad[AAD_MAX])
{
    if (r->version == TLS_VERSION_1_3) {
        memcpy(aad, header, TLS_HEADER);
        return TLS_HEADER;
    }
    put_number(aad, lane->way.sequence, 8);
    memcpy(aad + 8, header, 3);
    put_number(aad + 11, plain_len, 2);
    return AAD_MAX;
}

/* The context, ready for the lane's next record. */
static EVP_CIPHER_CTX *begin(struct tls_record *r, struct tls_crypto *crypto,
                             const struct tls_lane *lane, const uint8_t *given, bool seal)
{
    EVP_CIPHER_CTX *context = tls_crypto_context(crypto, (enum tls_aead)r->suite->aead, lane, seal);
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

enum tls_opened tls_record_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                                uint8_t *room, uint8_t *type_out, struct span *plain_out)
{
    size_t nonce = explicit_nonce(r), least = TLS_HEADER + nonce + TLS_TAG;
    struct span sealed = span_skip(record, TLS_HEADER + nonce);
    uint8_t aad[AAD_MAX];
    EVP_CIPHER_CTX *context;
    int aad_len;

    *plain_out = span_of(room, 0);
    /* RFC 8446 section 5.2: protected records are application_data on the outside. */
    if (record.len < least || record.len != tls_record_length(record.data) ||
        (r->version == TLS_VERSION_1_3 && record.data[0] != TLS_APPLICATION_DATA))
        return TLS_MISFORMED;
    if (r->read.way.sequence == UINT64_MAX)
        return TLS_FORGED;
    aad_len = additional_data(r, &r->read, record.data, sealed.len - TLS_TAG, aad);
    context = begin(r, crypto, &r->read, nonce ? record.data + TLS_HEADER : NULL, false);
    if (!context || !decrypt(context, span_of(aad, (size_t)aad_len), sealed, room)) {
        explicit_bzero(room, sealed.len);
        return TLS_FORGED;
    }
    *plain_out = span_of(room, sealed.len - TLS_TAG);
    *type_out = record.data[0];
    if (r->version == TLS_VERSION_1_3 && unpad(type_out, plain_out) != TLS_OPENED)
        return TLS_MISFORMED;
    return plain_out->len > TLS_PLAIN_MAX ? TLS_TOO_LONG : TLS_OPENED;
}

void tls_record_taken(struct tls_record *r)
{
    r->read.way.sequence++;
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

size_t tls_record_seal(struct tls_record *r, struct tls_crypto *crypto, enum tls_content type,
                       struct span plain, uint8_t *room)
{
    bool tls13 = r->version == TLS_VERSION_1_3;
    size_t nonce = explicit_nonce(r), len = nonce + plain.len + tls13 + TLS_TAG;
    uint8_t aad[AAD_MAX], *given = nonce ? room + TLS_HEADER : NULL;
    EVP_CIPHER_CTX *context;
    int aad_len;

    if (plain.len > TLS_PLAIN_MAX || r->write.way.sequence >= TLS_RECORDS_A_KEY)
        return 0;
    room[0] = tls13 ? TLS_APPLICATION_DATA : (uint8_t)type;
    room[1] = 3;
    room[2] = 3;
    put_number(room + 3, len, 2);
    if (given)
        put_number(given, r->write.way.sequence, EXPLICIT);
    aad_len = additional_data(r, &r->write, room, plain.len, aad);
    context = begin(r, crypto, &r->write, given, true);
    if (!context || !encrypt(context, span_of(aad, (size_t)aad_len), plain,
                             tls13 ? (uint8_t)type : 0, room + TLS_HEADER + nonce))
        return 0;
    r->write.way.sequence++;
    return TLS_HEADER + len;
}
