/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_signature.h"

#include "proto/base/ascii.h"
#include "proto/base/base64_read.h"
#include "proto/base/tag_list.h"

/* A field under way. */
struct reader {
    struct dkim_signature *out;
    struct tag_list tags;
    bool legacy;
};

typedef enum dkim_reason tag_reader(struct reader *r, struct span value);

bool dkim_base64_read(struct span text, struct writer *w)
{
    uint8_t plain[DKIM_BASE64_MAX];
    struct writer p = writer_of(plain, sizeof(plain));

    for (size_t i = 0; i < text.len; i++)
        if (!ascii_folding(text.data[i]))
            writer_byte(&p, text.data[i]);
    return !p.full && base64_read(writer_span(&p), w);
}

/* domain-name and selector: labels of letters, digits, "-", "_" and UTF-8, divided by dots
 * (sections 2.10, 3.1, 3.5; RFC 8616 section 4). */
static bool good_domain(struct span domain)
{
    size_t label = 0;

    for (size_t i = 0; i < domain.len; i++) {
        uint8_t c = ascii_lower(domain.data[i]);

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if ((uint8_t)(c - 'a') >= 26 && (uint8_t)(c - '0') > 9 && c != '-' && c != '_' && c < 0x80)
            return false;
        label++;
    }
    return label > 0 && domain.len <= DKIM_DOMAIN_MAX;
}

/* Section 3.5; 0.5 was the drafts', whose later editions had RFC 4871's form already. */
static enum dkim_reason read_version(struct reader *r, struct span value)
{
    r->out->draft = r->legacy && (value.len == 0 || span_equal(value, span_text("0.5")));
    return r->out->draft || span_equal(value, span_text("1")) ? DKIM_GOOD : DKIM_VERSION;
}

static enum dkim_reason read_algorithm(struct reader *r, struct span value)
{
    static const struct {
        const char *name;
        uint8_t key_type, hash;
    } known[] = {{"rsa-sha256", DKIM_RSA, DKIM_SHA256},
                 {"ed25519-sha256", DKIM_ED25519, DKIM_SHA256},
                 {"rsa-sha1", DKIM_RSA, DKIM_SHA1}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!span_equal(value, span_text(known[i].name)))
            continue;
        r->out->key_type = known[i].key_type;
        r->out->hash = known[i].hash;
        return DKIM_GOOD;
    }
    return DKIM_ALGORITHM;
}

static bool canon_of(struct span word, uint8_t *canon_out)
{
    *canon_out = span_equal(word, span_text("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
    return *canon_out == DKIM_RELAXED || span_equal(word, span_text("simple"));
}

/* Without a second word the body's is "simple". */
static enum dkim_reason read_canon(struct reader *r, struct span value)
{
    ptrdiff_t slash = span_find(value, '/');
    struct span header = span_head(value, slash < 0 ? value.len : (size_t)slash);
    struct span body = slash < 0 ? span_text("simple") : span_skip(value, (size_t)slash + 1);

    return canon_of(header, &r->out->header_canon) && canon_of(body, &r->out->body_canon)
               ? DKIM_GOOD
               : DKIM_CANON;
}

static enum dkim_reason read_domain(struct reader *r, struct span value)
{
    r->out->domain = value;
    return good_domain(value) ? DKIM_GOOD : DKIM_TAG_VALUE;
}

static enum dkim_reason read_selector(struct reader *r, struct span value)
{
    r->out->selector = value;
    return good_domain(value) ? DKIM_GOOD : DKIM_TAG_VALUE;
}

/* dkim-quoted-printable (section 2.11): "=" and two hexadecimal digits, folds mean nothing. */
static bool decode_identity(struct span value, struct writer *w)
{
    for (size_t i = 0; i < value.len; i++) {
        int high, low;

        if (ascii_folding(value.data[i]))
            continue;
        if (value.data[i] != '=') {
            writer_byte(w, value.data[i]);
            continue;
        }
        if (i + 2 >= value.len)
            return false;
        high = ascii_hex(value.data[i + 1]);
        low = ascii_hex(value.data[i + 2]);
        if (high < 0 || low < 0)
            return false;
        writer_byte(w, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return !w->full;
}

/* [ Local-part ] "@" domain-name */
static enum dkim_reason read_identity(struct reader *r, struct span value)
{
    struct writer w = writer_of(r->out->identity_bytes, sizeof(r->out->identity_bytes));
    bool good = decode_identity(value, &w) && span_find(writer_span(&w), '@') >= 0;

    r->out->identity = value;
    r->out->identity_len = (uint16_t)w.len;
    return good && good_domain(dkim_signature_identity_domain(r->out)) ? DKIM_GOOD : DKIM_TAG_VALUE;
}

/* RFC 8617 section 4.2.1: 1 to 50. */
static enum dkim_reason read_instance(struct reader *r, struct span value)
{
    return tag_number(value, 2, &r->out->instance) && r->out->instance >= 1 &&
                   r->out->instance <= 50
               ? DKIM_GOOD
               : DKIM_TAG_VALUE;
}

/* hdr-name *( [FWS] ":" [FWS] hdr-name ) */
static enum dkim_reason read_headers(struct reader *r, struct span value)
{
    struct span name;
    uint32_t names = 0;
    bool more = true;

    r->out->headers = value;
    while (tag_piece(&value, &more, &name)) {
        if (++names > DKIM_NAMES_MAX)
            return DKIM_TAG_MANY;
        if (name.len == 0)
            return DKIM_TAG_VALUE;
        for (size_t i = 0; i < name.len; i++)
            if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
                return DKIM_TAG_VALUE;
    }
    return DKIM_GOOD;
}

static enum dkim_reason read_body_digest(struct reader *r, struct span value)
{
    uint8_t bytes[DKIM_DIGEST_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!dkim_base64_read(value, &w) || w.len != dkim_hash_size(r->out->hash))
        return DKIM_TAG_VALUE;
    memcpy(r->out->body_digest, bytes, w.len);
    return DKIM_GOOD;
}

static enum dkim_reason read_signed_with(struct reader *r, struct span value)
{
    uint8_t bytes[DKIM_SIGNATURE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    r->out->signed_with = value;
    return dkim_base64_read(value, &w) && w.len ? DKIM_GOOD : DKIM_TAG_VALUE;
}

static enum dkim_reason read_length(struct reader *r, struct span value)
{
    if (!tag_number(value, 76, &r->out->length))
        return DKIM_TAG_VALUE;
    /* No body has as many; it is not to be taken for all of it. */
    if (r->out->length == DKIM_LENGTH_ALL)
        r->out->length--;
    return DKIM_GOOD;
}

static enum dkim_reason read_time(struct reader *r, struct span value)
{
    return tag_number(value, 12, &r->out->time) ? DKIM_GOOD : DKIM_TAG_VALUE;
}

static enum dkim_reason read_expires(struct reader *r, struct span value)
{
    return tag_number(value, 12, &r->out->expires) && r->out->expires &&
                   r->out->expires > r->out->time
               ? DKIM_GOOD
               : DKIM_TAG_VALUE;
}

/* Methods that are not known are passed over; "dns" was the drafts' word. */
static enum dkim_reason read_query(struct reader *r, struct span value)
{
    return tag_has_piece(value, "dns/txt") || (r->legacy && tag_has_piece(value, "dns"))
               ? DKIM_GOOD
               : DKIM_QUERY;
}

static enum dkim_reason read_chain(struct reader *r, struct span value)
{
    r->out->chain = value;
    return DKIM_GOOD;
}

enum {
    IN_SIGNATURE = 1 << DKIM_KIND_SIGNATURE,
    IN_MESSAGE = 1 << DKIM_KIND_ARC_MESSAGE,
    IN_SEAL = 1 << DKIM_KIND_ARC_SEAL,
    IN_BOTH = IN_SIGNATURE | IN_MESSAGE,
    IN_ARC = IN_MESSAGE | IN_SEAL,
    IN_ALL = IN_SIGNATURE | IN_ARC,
};

/* In this order: what domain it is of is told even when other tags are wrong. */
static const struct {
    const char *name;
    uint8_t in;   /* kinds that have it */
    uint8_t must; /* kinds that cannot be without */
    tag_reader *read;
} known[] = {
    {"d", IN_ALL, IN_ALL, read_domain},
    {"s", IN_ALL, IN_ALL, read_selector},
    {"i", IN_ARC, IN_ARC, read_instance},
    {"v", IN_SIGNATURE, IN_SIGNATURE, read_version},
    {"a", IN_ALL, IN_ALL, read_algorithm},
    {"b", IN_ALL, IN_ALL, read_signed_with},
    {"bh", IN_BOTH, IN_BOTH, read_body_digest},
    {"h", IN_BOTH, IN_BOTH, read_headers},
    {"cv", IN_SEAL, IN_SEAL, read_chain},
    {"i", IN_SIGNATURE, 0, read_identity},
    {"c", IN_BOTH, 0, read_canon},
    {"l", IN_BOTH, 0, read_length},
    {"q", IN_BOTH, 0, read_query},
    {"t", IN_ALL, 0, read_time},
    {"x", IN_BOTH, 0, read_expires},
};

static enum dkim_reason read_tags(struct reader *r, uint8_t kind)
{
    enum dkim_reason reason = DKIM_GOOD, first = DKIM_GOOD;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct tag *tag = tag_list_find(&r->tags, known[i].name);

        if (!(known[i].in & 1 << kind))
            continue;
        if (tag)
            reason = known[i].read(r, tag->value);
        else if (known[i].read == read_version && r->legacy)
            reason = read_version(r, span_of(NULL, 0));
        else
            reason = known[i].must & 1 << kind ? DKIM_TAG_MISSING : DKIM_GOOD;
        if (first == DKIM_GOOD)
            first = reason;
    }
    /* RFC 8617 section 4.1.3: a seal covers all sets, and names no fields. */
    if (first == DKIM_GOOD && kind == DKIM_KIND_ARC_SEAL && tag_list_find(&r->tags, "h"))
        first = DKIM_TAG_VALUE;
    return first;
}

enum dkim_reason dkim_signature_read(struct span field, enum dkim_kind kind, bool legacy,
                                     struct dkim_signature *signature_out)
{
    static const enum dkim_reason statuses[] = {[TAG_LIST_GOOD] = DKIM_GOOD,
                                                [TAG_LIST_SYNTAX] = DKIM_SYNTAX,
                                                [TAG_LIST_TWICE] = DKIM_TAG_TWICE,
                                                [TAG_LIST_MANY] = DKIM_TAG_MANY};
    struct reader r = {.out = signature_out, .legacy = legacy};
    ptrdiff_t colon = span_find(field, ':');
    enum dkim_reason reason;
    const struct tag *b;

    *signature_out =
        (struct dkim_signature){.field = field, .kind = (uint8_t)kind, .length = DKIM_LENGTH_ALL};
    if (kind == DKIM_KIND_ARC_SEAL)
        signature_out->header_canon = DKIM_RELAXED; /* RFC 8617 section 4.1.3 */
    reason = statuses[tag_list_read(span_skip(field, colon < 0 ? 0 : (size_t)colon + 1), &r.tags)];
    if (reason != DKIM_GOOD)
        return reason;
    b = tag_list_find(&r.tags, "b");
    if (b) {
        signature_out->b_at = (size_t)(b->room.data - field.data);
        signature_out->b_end = signature_out->b_at + b->room.len;
    }
    return read_tags(&r, (uint8_t)kind);
}

/* Bytes of i= up to its last "@", and with it. */
static size_t local_end(const struct dkim_signature *s)
{
    size_t at = s->identity_len;

    while (at > 0 && s->identity_bytes[at - 1] != '@')
        at--;
    return at;
}

struct span dkim_signature_identity_local(const struct dkim_signature *s)
{
    size_t at = local_end(s);

    return span_of(s->identity_bytes, at ? at - 1 : 0);
}

struct span dkim_signature_identity_domain(const struct dkim_signature *s)
{
    size_t at = local_end(s);

    return at ? span_of(s->identity_bytes + at, s->identity_len - at) : s->domain;
}
