/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/sasl_observer.h"

#include "proto/base/base64_read.h"

enum { RESPONSE_MAX = 1024, SEPARATOR = 1 };

void sasl_observer_begin(struct sasl_observer *o, struct span mechanism)
{
    *o = (struct sasl_observer){0};
    mechanism = span_head(mechanism, SASL_MECHANISM_MAX);
    for (size_t i = 0; i < mechanism.len; i++) {
        uint8_t c = mechanism.data[i];

        o->mechanism[i] = (uint8_t)(c - 'a') < 26 ? (uint8_t)(c - 32) : c;
    }
    o->mechanism_len = (uint8_t)mechanism.len;
}

static void set_user(struct sasl_observer *o, struct span user)
{
    user = span_head(user, SASL_USER_MAX);
    o->user_len = (uint8_t)user.len;
    if (user.len)
        memcpy(o->user, user.data, user.len);
}

static bool is(const struct sasl_observer *o, const char *name)
{
    return span_equal(sasl_observer_mechanism(o), span_text(name));
}

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd                     ; RFC 4616 section 2 */
static void read_plain(struct sasl_observer *o, struct span text)
{
    ptrdiff_t end = span_find(text, 0);

    if (end < 0)
        return;
    text = span_skip(text, (size_t)end + 1);
    end = span_find(text, 0);
    if (end >= 0)
        set_user(o, span_head(text, (size_t)end));
}

/* The user, a space, and the digest in hexadecimal (RFC 2195 section 2). */
static void read_cram(struct sasl_observer *o, struct span text)
{
    while (text.len && text.data[text.len - 1] != ' ')
        text.len--;
    if (text.len)
        set_user(o, span_head(text, text.len - 1));
}

static void read_xoauth2(struct sasl_observer *o, struct span text)
{
    struct span key = span_text("user=");
    ptrdiff_t end = span_find(text, SEPARATOR);

    if (end >= 0 && span_equal(span_head(text, key.len), key))
        set_user(o, span_skip(span_head(text, (size_t)end), key.len));
}

void sasl_observer_response(struct sasl_observer *o, struct span response)
{
    uint8_t memory[RESPONSE_MAX];
    struct writer text = writer_of(memory, sizeof(memory));

    if (o->step++ || !base64_read(response, &text)) {
        o->step |= 1; /* never back to none */
        return;
    }
    if (is(o, "PLAIN"))
        read_plain(o, writer_span(&text));
    else if (is(o, "LOGIN"))
        set_user(o, writer_span(&text));
    else if (is(o, "CRAM-MD5"))
        read_cram(o, writer_span(&text));
    else if (is(o, "XOAUTH2"))
        read_xoauth2(o, writer_span(&text));
}
