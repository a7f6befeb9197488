/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_check.h"

#include "proto/address/address.h"
#include "proto/base/tag_list.h"

static void decide(struct dkim_check *c, enum dkim_reason reason)
{
    c->decided = true;
    c->reason = (uint8_t)reason;
}

static void note(struct dkim_check *c, enum dkim_note note)
{
    c->notes |= UINT32_C(1) << note;
}

/* The domain of i= is d= (0), below it (1), or neither (-1): as A-labels (RFC 8616 section 4). */
static int below(const struct dkim_signature *s)
{
    uint8_t domain_room[ADDRESS_KEY_MAX], identity_room[ADDRESS_KEY_MAX];
    struct span domain = address_a_labels(s->domain, domain_room);
    struct span identity = address_a_labels(dkim_signature_identity_domain(s), identity_room);
    size_t more = identity.len - domain.len;

    if (identity.len < domain.len || !span_equal_nocase(span_skip(identity, more), domain))
        return -1;
    return more == 0 ? 0 : identity.data[more - 1] == '.' ? 1 : -1;
}

/* Section 3.6.2.1. */
static bool name_key(struct dkim_check *c)
{
    uint8_t text[DNS_NAME_MAX + 1], room[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_span_put(&w, address_a_labels(c->signature.selector, room));
    writer_text(&w, "._domainkey.");
    writer_span_put(&w, address_a_labels(c->signature.domain, room));
    c->question.type = DNS_TXT;
    return !w.full && dns_name_of_text(writer_span(&w), &c->question.name);
}

/* What can be said before anybody is asked (sections 6.1.1 and 3.5). */
static enum dkim_reason judge_tags(struct dkim_check *c, const struct dkim_settings *settings)
{
    const struct dkim_signature *s = &c->signature;

    if (s->kind == DKIM_KIND_SIGNATURE && below(s) < 0)
        return DKIM_IDENTITY;
    if (s->kind != DKIM_KIND_ARC_SEAL && !tag_has_piece(s->headers, "from"))
        return DKIM_FROM;
    if (s->hash == DKIM_SHA1 && !settings->legacy)
        return DKIM_RETIRED;
    if (s->expires && s->expires < settings->now)
        return DKIM_EXPIRED;
    return name_key(c) ? DKIM_GOOD : DKIM_NO_DOMAIN;
}

void dkim_check_init(struct dkim_check *c, const struct dkim_header *header, uint16_t field,
                     enum dkim_kind kind, const struct dkim_settings *settings)
{
    const struct dkim_signature *s = &c->signature;
    enum dkim_reason reason;

    memset(c, 0, sizeof(*c));
    c->field = field;
    c->want = -1;
    c->outcome = DNS_OUTCOMES;
    reason = dkim_signature_read(dkim_header_field(header, field), kind, settings->legacy,
                                 &c->signature);
    if (reason == DKIM_GOOD && header->cut)
        reason = DKIM_HEADER_LONG;
    if (reason == DKIM_GOOD)
        reason = judge_tags(c, settings);
    if (reason != DKIM_GOOD)
        decide(c, reason);
    if (s->length != DKIM_LENGTH_ALL)
        note(c, DKIM_NOTE_LENGTH);
    if (s->time > settings->now)
        note(c, DKIM_NOTE_FUTURE);
    if (s->expires)
        note(c, DKIM_NOTE_EXPIRES);
    if (s->hash == DKIM_SHA1 || s->draft)
        note(c, DKIM_NOTE_LEGACY);
}

void dkim_check_fini(struct dkim_check *c)
{
    dkim_key_fini(&c->own_key);
}

void dkim_check_want(struct dkim_check *c, struct dkim_body *body)
{
    const struct dkim_signature *s = &c->signature;

    if (c->decided || s->kind == DKIM_KIND_ARC_SEAL)
        return;
    c->want = dkim_body_want(body, s->body_canon, s->hash, s->length);
    if (c->want < 0)
        decide(c, DKIM_MEMORY);
}

void dkim_check_take_key(struct dkim_check *c, const struct dkim_key *key,
                         const struct dkim_settings *settings)
{
    const struct dkim_signature *s = &c->signature;
    uint32_t least = settings->legacy ? DKIM_RSA_BITS_LEGACY : settings->bits_least;
    enum dkim_reason reason;

    if (c->decided)
        return;
    reason = dkim_key_fits(key, s, s->kind != DKIM_KIND_SIGNATURE || below(s) == 0, least,
                           settings->legacy);
    c->key = key;
    if (key->testing)
        note(c, DKIM_NOTE_TESTING);
    if (key->key && key->type == DKIM_RSA && key->bits < DKIM_RSA_BITS_ENOUGH)
        note(c, DKIM_NOTE_SHORT);
    if (key->key && key->type == DKIM_RSA && key->bits < DKIM_RSA_BITS_LEAST)
        note(c, DKIM_NOTE_LEGACY);
    if (reason != DKIM_GOOD)
        decide(c, reason);
}

/* The first record that fits, or else the first one. */
static bool read_key(struct dkim_check *c, const struct dns_answer *answer,
                     const struct dkim_settings *settings)
{
    uint8_t text[DKIM_RECORD_TEXT_MAX];
    uint32_t count = answer->count < DKIM_RECORDS_MAX ? answer->count : DKIM_RECORDS_MAX;
    uint32_t least = settings->legacy ? DKIM_RSA_BITS_LEGACY : settings->bits_least;
    bool strict_match = c->signature.kind != DKIM_KIND_SIGNATURE || below(&c->signature) == 0;
    bool found = false;

    for (uint32_t i = 0; i < count; i++) {
        struct writer w = writer_of(text, sizeof(text));
        struct dkim_key key;

        if (!dns_read_text(answer->records[i], &w))
            continue;
        dkim_key_init(&key, writer_span(&w));
        if (!found || dkim_key_fits(&key, &c->signature, strict_match, least, settings->legacy) ==
                          DKIM_GOOD) {
            dkim_key_fini(&c->own_key);
            c->own_key = key;
            found = true;
        } else {
            dkim_key_fini(&key);
        }
    }
    return found;
}

void dkim_check_answer(struct dkim_check *c, const struct dns_answer *answer,
                       const struct dkim_settings *settings)
{
    if (c->decided)
        return;
    c->secure = answer->secure;
    c->outcome = (uint8_t)answer->outcome;
    if (dns_answer_void(answer))
        decide(c, DKIM_NO_KEY);
    else if (answer->outcome == DNS_TOO_LARGE)
        decide(c, DKIM_RECORD_LONG);
    else if (dns_answer_error(answer))
        decide(c, DKIM_DNS);
    else if (read_key(c, answer, settings))
        dkim_check_take_key(c, &c->own_key, settings);
    else
        decide(c, DKIM_RECORD_LONG);
}

void dkim_check_expire(struct dkim_check *c)
{
    if (!c->decided)
        decide(c, DKIM_TIME);
}

void dkim_check_verify(struct dkim_check *c, struct span digest)
{
    uint8_t bytes[DKIM_SIGNATURE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!dkim_base64_read(c->signature.signed_with, &w))
        decide(c, DKIM_TAG_VALUE);
    else
        decide(c, dkim_key_verify(c->key, c->signature.hash, digest, writer_span(&w)));
}

/* Fields of which a message has one (RFC 5322 section 3.6): one more than was signed is somebody
 * else's (RFC 6376 section 8.15). */
static void look_for_added(struct dkim_check *c, struct dkim_pick *pick)
{
    static const char *const once[] = {"from",
                                       "subject",
                                       "date",
                                       "to",
                                       "cc",
                                       "reply-to",
                                       "sender",
                                       "message-id",
                                       "content-type",
                                       "mime-version",
                                       "content-transfer-encoding"};

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        if (tag_has_piece(c->signature.headers, once[i]) &&
            dkim_pick_next(pick, span_text(once[i])) != DKIM_FIELD_NONE)
            note(c, DKIM_NOTE_ADDED);
}

static void judge_header(struct dkim_check *c, const struct dkim_header *header)
{
    const struct dkim_signature *s = &c->signature;
    uint8_t bytes[DKIM_DIGEST_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dkim_digest digest;
    struct dkim_pick pick;

    dkim_pick_init(&pick, header, c->field);
    dkim_digest_init(&digest, s->hash);
    dkim_digest_fields(&digest, s->header_canon, &pick, s->headers);
    dkim_digest_own(&digest, s->header_canon, s->field, s->b_at, s->b_end);
    if (dkim_digest_finish(&digest, &w))
        dkim_check_verify(c, writer_span(&w));
    else
        decide(c, DKIM_MEMORY);
    look_for_added(c, &pick);
}

void dkim_check_judge(struct dkim_check *c, const struct dkim_header *header,
                      const struct dkim_body *body)
{
    const struct dkim_signature *s = &c->signature;
    const struct dkim_body_want *want = c->want < 0 ? NULL : &body->wants[c->want];

    if (want && s->length < dkim_body_total(body, s->body_canon))
        note(c, DKIM_NOTE_TAIL);
    if (c->decided)
        return;
    if (!c->key || body->failed)
        decide(c, c->key ? DKIM_MEMORY : DKIM_TIME);
    else if (!want || !want->done)
        decide(c, DKIM_LENGTH);
    else if (memcmp(want->digest, s->body_digest, dkim_hash_size(s->hash)) != 0)
        decide(c, DKIM_BODY);
    else
        judge_header(c, header);
}
