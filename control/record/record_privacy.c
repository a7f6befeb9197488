/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_privacy.h"

#include "proto/base/ip_address.h"
#include "proto/base/peer_text.h"

enum form { FORM_TEXT, FORM_ADDRESS, FORM_MESSAGE_ID, FORM_IP };

enum {
    HEAD = 8, /* bytes that a truncated text has */
    NORMAL_MAX = RECORD_PRIVACY_ROOM - RECORD_HASH_TEXT,
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

static void put_hash(struct writer *out, const struct record_key *key, enum form form,
                     struct span bytes, bool local)
{
    uint8_t memory[NORMAL_MAX];
    char text[RECORD_HASH_TEXT];
    struct span what = normal(form, bytes, memory), domain = {0};
    ptrdiff_t at = form == FORM_ADDRESS && local ? last_at(what) : -1;

    if (at >= 0)
        domain = span_skip(what, (size_t)at);
    /* The whole address in both ways, so that the same local part at another domain has another
     * hash. */
    record_key_hash(key, what, text);
    writer_span_put(out, span_of(text, sizeof(text)));
    peer_text(out, domain, domain.len, PEER_TEXT_UTF8);
}

json_t *record_privacy_hash(const struct record_key *key, enum record_field field,
                            struct span bytes, bool local)
{
    char text[RECORD_PRIVACY_ROOM];
    struct writer w = writer_of(text, sizeof(text));

    put_hash(&w, key, (enum form)fields[field].form, bytes, local);
    return json_stringn(text, w.len);
}

static bool put_network(struct writer *out, struct span text)
{
    struct ip_address a;
    unsigned left;

    if (!ip_address_parse(text, &a))
        return false;
    left = ip_address_is_v4(&a) ? 96 + IPV4_LEFT : IPV6_LEFT;
    memset(a.bytes + left / 8, 0, 16 - left / 8);
    ip_address_put(out, &a);
    return true;
}

/* A whole number of characters; an address keeps its domain. */
static void put_beginning(struct writer *out, enum form form, struct span bytes)
{
    ptrdiff_t at = form == FORM_ADDRESS ? last_at(bytes) : -1;
    size_t most = at >= 0 ? 1 : HEAD, whole = at >= 0 ? (size_t)at : bytes.len,
           n = whole < most ? whole : most;

    while (n && n < bytes.len && (bytes.data[n] & 0xc0) == 0x80)
        n--;
    peer_text(out, span_head(bytes, n), n, PEER_TEXT_UTF8);
    if (n < whole)
        writer_text(out, "...");
    if (at >= 0) {
        struct span domain = span_skip(bytes, (size_t)at);

        peer_text(out, domain, domain.len, PEER_TEXT_UTF8);
    }
}

/* What is not kept as it is. False: nothing may be told. */
static bool put_changed(struct writer *out, const struct record_privacy *privacy,
                        enum record_field field, struct span bytes)
{
    enum form form = (enum form)fields[field].form;
    uint8_t action = privacy->action[fields[field].class];

    if (action == RECORD_PRIVACY_DROP)
        return false;
    /* Nothing is nobody's: the null reverse-path stays what it is. */
    if (bytes.len == 0)
        return true;
    if (action == RECORD_PRIVACY_TRUNCATE && form == FORM_IP)
        return put_network(out, bytes);
    if (action == RECORD_PRIVACY_TRUNCATE)
        put_beginning(out, form, bytes);
    else if (privacy->key)
        put_hash(out, privacy->key, form, bytes, action == RECORD_PRIVACY_HASH_LOCAL);
    else
        return false;
    return true;
}

bool record_privacy_text(const struct record_privacy *privacy, enum record_field field,
                         struct span bytes, struct writer *out)
{
    if (privacy->action[fields[field].class] != RECORD_PRIVACY_KEEP)
        return put_changed(out, privacy, field, bytes);
    peer_text(out, bytes, bytes.len, PEER_TEXT_UTF8);
    return true;
}

void record_privacy_put(struct json_line *j, const char *key, const struct record_privacy *privacy,
                        enum record_field field, struct span bytes)
{
    char text[RECORD_PRIVACY_ROOM];
    struct writer w = writer_of(text, sizeof(text));

    if (privacy->action[fields[field].class] == RECORD_PRIVACY_KEEP)
        json_line_peer(j, key, bytes);
    else if (put_changed(&w, privacy, field, bytes))
        json_line_peer(j, key, writer_span(&w));
    else
        json_line_null(j, key);
}
