/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_privacy.h"

#include <stdlib.h>

#include "proto/base/ip_address.h"
#include "proto/base/peer_text.h"

enum form { FORM_TEXT, FORM_ADDRESS, FORM_MESSAGE_ID, FORM_IP };

enum {
    HEAD = 8, /* bytes that a truncated text has */
    NORMAL_MAX = 1024,
    IPV4_LEFT = 24, /* bits of an address that are left */
    IPV6_LEFT = 48,
};

static const struct {
    const char *path;
    uint8_t class, form;
} fields[RECORD_FIELDS] = {
#define RECORD_FIELD(symbol, path_, class_, form_)                                                 \
    [RECORD_FIELD_##symbol] = {.path = path_, .class = RECORD_CLASS_##class_, .form = FORM_##form_},
#include "control/record/record_field.def"
#undef RECORD_FIELD
};

const struct record_privacy record_privacy_default = {
    .action = {[RECORD_CLASS_secret] = RECORD_PRIVACY_DROP}};

const char *record_field_path(enum record_field field)
{
    return fields[field].path;
}

enum record_class record_field_class(enum record_field field)
{
    return (enum record_class)fields[field].class;
}

json_t *record_json_text(struct span bytes)
{
    /* No byte becomes more than one: the text is never longer than the bytes are. */
    size_t cap = bytes.len + 1;
    char *text = malloc(cap);
    struct writer w = writer_of(text, cap);
    json_t *json = NULL;

    if (text) {
        peer_text(&w, bytes, bytes.len, PEER_TEXT_UTF8);
        json = json_stringn(text, w.len);
    }
    free(text);
    return json;
}

static ptrdiff_t last_at(struct span s)
{
    for (size_t i = s.len; i-- > 0;)
        if (s.data[i] == '@')
            return (ptrdiff_t)i;
    return -1;
}

/* What is hashed, so that spellings of the same thing have the same hash. */
static struct span normal(enum form form, struct span bytes, uint8_t memory[NORMAL_MAX])
{
    ptrdiff_t open = span_find(bytes, '<');
    size_t n = bytes.len < NORMAL_MAX ? bytes.len : NORMAL_MAX;

    if (form == FORM_MESSAGE_ID && open >= 0) {
        struct span inner = span_skip(bytes, (size_t)open + 1);
        ptrdiff_t close = span_find(inner, '>');

        return close >= 0 ? span_head(inner, (size_t)close) : inner;
    }
    if (form != FORM_ADDRESS)
        return bytes;
    for (size_t i = 0; i < n; i++)
        memory[i] = ascii_lower(bytes.data[i]);
    return span_of(memory, n);
}

static json_t *hash_of(const struct record_key *key, enum form form, struct span bytes, bool local)
{
    uint8_t memory[NORMAL_MAX];
    char text[RECORD_HASH_TEXT + NORMAL_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct span what = normal(form, bytes, memory), domain = {0};
    ptrdiff_t at = form == FORM_ADDRESS && local ? last_at(what) : -1;

    if (at >= 0)
        domain = span_skip(what, (size_t)at);
    /* The whole address in both ways, so that the same local part at another domain has another
     * hash. */
    record_key_hash(key, what, text);
    w.len = RECORD_HASH_TEXT;
    peer_text(&w, domain, domain.len, PEER_TEXT_UTF8);
    return json_stringn(text, w.len);
}

json_t *record_privacy_hash(const struct record_key *key, enum record_field field,
                            struct span bytes, bool local)
{
    return hash_of(key, (enum form)fields[field].form, bytes, local);
}

static json_t *network_of(struct span text)
{
    char out[IP_ADDRESS_TEXT];
    struct writer w = writer_of(out, sizeof(out));
    struct ip_address a;
    unsigned left;

    if (!ip_address_parse(text, &a))
        return json_null();
    left = ip_address_is_v4(&a) ? 96 + IPV4_LEFT : IPV6_LEFT;
    memset(a.bytes + left / 8, 0, 16 - left / 8);
    ip_address_put(&w, &a);
    return json_stringn(out, w.len);
}

/* A whole number of characters; an address keeps its domain. */
static json_t *beginning_of(enum form form, struct span bytes)
{
    char text[NORMAL_MAX];
    struct writer w = writer_of(text, sizeof(text));
    ptrdiff_t at = form == FORM_ADDRESS ? last_at(bytes) : -1;
    size_t most = at >= 0 ? 1 : HEAD, whole = at >= 0 ? (size_t)at : bytes.len,
           n = whole < most ? whole : most;

    while (n && n < bytes.len && (bytes.data[n] & 0xc0) == 0x80)
        n--;
    peer_text(&w, span_head(bytes, n), n, PEER_TEXT_UTF8);
    if (n < whole)
        writer_text(&w, "...");
    if (at >= 0) {
        struct span domain = span_skip(bytes, (size_t)at);

        peer_text(&w, domain, domain.len, PEER_TEXT_UTF8);
    }
    return json_stringn(text, w.len);
}

json_t *record_privacy_text(const struct record_privacy *privacy, enum record_field field,
                            struct span bytes)
{
    enum form form = (enum form)fields[field].form;
    uint8_t action = privacy->action[fields[field].class];

    /* Nothing is nobody's: the null reverse-path stays what it is. */
    if (action != RECORD_PRIVACY_DROP && bytes.len == 0)
        return json_string("");
    switch (action) {
    case RECORD_PRIVACY_KEEP:
        return record_json_text(bytes);
    case RECORD_PRIVACY_HASH:
    case RECORD_PRIVACY_HASH_LOCAL:
        return privacy->key
                   ? hash_of(privacy->key, form, bytes, action == RECORD_PRIVACY_HASH_LOCAL)
                   : json_null();
    case RECORD_PRIVACY_TRUNCATE:
        return form == FORM_IP ? network_of(bytes) : beginning_of(form, bytes);
    default:
        return json_null();
    }
}
