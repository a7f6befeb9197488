/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/token_row.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "proto/base/cursor.h"

enum { VERSION = 1 };

static const struct {
    const char *name, *text;
} roles[TOKEN_ROLES] = {
#define TOKEN_ROLE(SYMBOL, name_, text_) [TOKEN_##SYMBOL] = {name_, text_},
#include "control/directory/token_role.def"
#undef TOKEN_ROLE
};

const char *token_role_name(uint8_t role)
{
    return role < TOKEN_ROLES ? roles[role].name : "unknown";
}

const char *token_role_text(uint8_t role)
{
    return role < TOKEN_ROLES ? roles[role].text : "";
}

bool token_role_find(struct span name, uint8_t *role_out)
{
    for (uint8_t i = 0; i < TOKEN_ROLES; i++)
        if (span_equal(name, span_text(roles[i].name))) {
            *role_out = i;
            return true;
        }
    return false;
}

bool token_name_good(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_')
            return false;
    }
    return name.len > 0 && name.len <= TOKEN_NAME;
}

/* {version, role, created, expires, hash, number of domains, each} */
void token_row_put(struct writer *w, const struct token_row *row)
{
    writer_byte(w, VERSION);
    writer_byte(w, row->role);
    writer_uint(w, row->created_ms, 8);
    writer_uint(w, row->expires_ms, 8);
    writer_span_put(w, span_of(row->hash, sizeof(row->hash)));
    writer_uint(w, row->domain_count, 2);
    for (uint32_t i = 0; i < row->domain_count; i++)
        writer_blob(w, row->domains[i]);
}

bool token_row_read(struct span value, struct token_row *row)
{
    struct cursor c = cursor_of(value);
    bool known = cursor_u8(&c) == VERSION;
    struct span hash;

    row->role = cursor_u8(&c);
    row->created_ms = cursor_u64(&c);
    row->expires_ms = cursor_u64(&c);
    hash = cursor_take(&c, sizeof(row->hash));
    if (hash.len)
        memcpy(row->hash, hash.data, hash.len);
    row->domain_count = (uint32_t)cursor_uint(&c, 2);
    if (!known || c.bad || row->role >= TOKEN_ROLES || row->domain_count > TOKEN_DOMAINS)
        return false;
    for (uint32_t i = 0; i < row->domain_count; i++)
        row->domains[i] = cursor_blob(&c);
    return !c.bad && cursor_left(&c) == 0;
}

bool token_make(char secret_out[TOKEN_SECRET + 1], uint8_t hash_out[TOKEN_HASH])
{
    struct writer w = writer_of(secret_out, TOKEN_SECRET);
    uint8_t random[TOKEN_SECRET / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    for (size_t i = 0; i < sizeof(random); i++)
        writer_hex(&w, random[i], 2);
    secret_out[w.len] = 0;
    SHA256((const uint8_t *)secret_out, w.len, hash_out);
    explicit_bzero(random, sizeof(random));
    return true;
}

/* text = name "." secret */
enum store_status token_check(struct store *store, struct span text, uint64_t now_ms,
                              uint8_t *memory, struct token_row *row_out)
{
    ptrdiff_t dot = span_find(text, '.');
    struct span name = span_head(text, dot > 0 ? (size_t)dot : 0), secret;
    uint8_t key_bytes[1 + TOKEN_NAME], hash[SHA256_DIGEST_LENGTH];
    struct writer key = writer_of(key_bytes, sizeof(key_bytes));
    struct writer value = writer_of(memory, TOKEN_ROW);
    enum store_status status;

    if (!token_name_good(name))
        return STORE_NONE;
    secret = span_skip(text, name.len + 1);
    SHA256(secret.data, secret.len, hash);
    writer_byte(&key, TOKEN_KEY);
    writer_span_put(&key, name);
    status = store_directory_find(store, writer_span(&key), &value);
    if (status != STORE_OK)
        return status;
    if (!token_row_read(writer_span(&value), row_out))
        return STORE_CORRUPT;
    return CRYPTO_memcmp(hash, row_out->hash, sizeof(hash)) == 0 &&
                   (!row_out->expires_ms || now_ms < row_out->expires_ms)
               ? STORE_OK
               : STORE_NONE;
}
