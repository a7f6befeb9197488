/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_tnef.h"

enum state {
    HEAD,       /* signature and key */
    ATTRIBUTE,  /* level to length */
    DATA_BEGIN, /* of a file */
    DATA,
    DATA_END,
    TEXT,
    NAME,        /* gathers t->want bytes of t->left */
    PROPERTIES,  /* looks for the long file name's tag */
    NAME_LENGTH, /* of such a property */
    NAME_VALUE,
    SKIP,
    OVER,
};

enum {
    HEAD_LEN = 6,
    ATTRIBUTE_LEN = 9,
    CHECKSUM_LEN = 2,
    ATT_BODY = 0x800c,
    ATT_ATTACH_DATA = 0x800f,
    ATT_ATTACH_TITLE = 0x8010,
    ATT_ATTACHMENT = 0x9005,
    LONG_NAME = 0x3707001e, /* PR_ATTACH_LONG_FILENAME, 8 bits a character */
    LONG_NAME_WIDE = 0x3707001f,
};

void mime_tnef_init(struct mime_tnef *t)
{
    memset(t, 0, offsetof(struct mime_tnef, text));
    t->want = HEAD_LEN;
}

static uint32_t little(const uint8_t *at, size_t bytes)
{
    uint32_t n = 0;

    for (size_t i = bytes; i > 0; i--)
        n = n << 8 | at[i - 1];
    return n;
}

/* Gathers up to t->want bytes. True when all are there. */
static bool gather(struct mime_tnef *t, struct span *in)
{
    struct span part = span_head(*in, (size_t)(t->want - t->len));

    if (part.len)
        memcpy(t->text + t->len, part.data, part.len);
    t->len = (uint16_t)(t->len + part.len);
    *in = span_skip(*in, part.len);
    return t->len == t->want;
}

static void expect(struct mime_tnef *t, enum state state, size_t bytes)
{
    t->state = (uint8_t)state;
    t->len = 0;
    t->want = (uint16_t)(bytes < MIME_TNEF_NAME ? bytes : MIME_TNEF_NAME);
}

/* The rest of the attribute is passed over. */
static void to_skip(struct mime_tnef *t)
{
    t->left += CHECKSUM_LEN;
    t->state = SKIP;
}

static void begin_attribute(struct mime_tnef *t)
{
    t->id = (uint16_t)little(t->text + 1, 2);
    t->left = little(t->text + 5, 4);
    t->last = 0;
    t->wide = false;
    switch (t->id) {
    case ATT_ATTACH_DATA:
        t->state = DATA_BEGIN;
        break;
    case ATT_ATTACH_TITLE:
        expect(t, NAME, t->left);
        t->left -= t->want;
        break;
    case ATT_ATTACHMENT:
        t->state = PROPERTIES;
        break;
    case ATT_BODY:
        t->state = TEXT;
        break;
    default:
        to_skip(t);
        break;
    }
    /* A level is 1 or 2: anything else is no attribute. */
    if (t->text[0] != 1 && t->text[0] != 2)
        t->state = OVER;
}

/* Bytes of the attribute's data that are there. */
static struct span take(struct mime_tnef *t, struct span *in)
{
    struct span part = span_head(*in, t->left);

    t->left -= part.len;
    *in = span_skip(*in, part.len);
    return part;
}

static void find_tag(struct mime_tnef *t, struct span *in)
{
    while (in->len && t->left) {
        t->last = t->last >> 8 | (uint32_t)in->data[0] << 24;
        t->left--;
        *in = span_skip(*in, 1);
        if ((t->last != LONG_NAME && t->last != LONG_NAME_WIDE) || t->left < 8)
            continue;
        t->wide = t->last == LONG_NAME_WIDE;
        t->left -= 8;
        expect(t, NAME_LENGTH, 8);
        return;
    }
}

/* count(4), always 1, and length(4) of the property's one value. */
static void begin_value(struct mime_tnef *t)
{
    uint32_t len = little(t->text + 4, 4);

    t->last = 0;
    t->state = PROPERTIES;
    if (little(t->text, 4) != 1 || len == 0 || len > MIME_TNEF_NAME || len > t->left)
        return;
    t->left -= len;
    expect(t, NAME_VALUE, len);
}

/* A name ends at its NUL. */
static struct span name_of(const struct mime_tnef *t)
{
    struct span name = span_of(t->text, t->len);
    size_t step = t->wide ? 2 : 1;

    for (size_t i = 0; i + step <= name.len; i += step)
        if (name.data[i] == 0 && name.data[i + step - 1] == 0)
            return span_head(name, i);
    return name;
}

static bool gathered(struct mime_tnef *t, enum mime_tnef_status *status_out, struct span *span_out)
{
    switch ((enum state)t->state) {
    case HEAD:
        expect(t, ATTRIBUTE, ATTRIBUTE_LEN);
        t->known = little(t->text, 4) == MIME_TNEF_SIGNATURE;
        if (!t->known)
            t->state = OVER;
        return false;
    case ATTRIBUTE:
        begin_attribute(t);
        return false;
    case NAME_LENGTH:
        begin_value(t);
        return false;
    default:
        *span_out = name_of(t);
        if (t->state == NAME)
            to_skip(t);
        else
            t->state = PROPERTIES;
        *status_out = MIME_TNEF_NAME_IS;
        return span_out->len > 0;
    }
}

/* The rest of the attribute and its checksum. */
static void skip(struct mime_tnef *t, struct span *in)
{
    take(t, in);
    if (t->left == 0)
        expect(t, ATTRIBUTE, ATTRIBUTE_LEN);
}

/* True when *status_out is to be returned. */
static bool step(struct mime_tnef *t, struct span *in, enum mime_tnef_status *status_out,
                 struct span *span_out)
{
    switch ((enum state)t->state) {
    case HEAD:
    case ATTRIBUTE:
    case NAME:
    case NAME_LENGTH:
    case NAME_VALUE:
        return gather(t, in) && gathered(t, status_out, span_out);
    case DATA_BEGIN:
        t->state = DATA;
        *status_out = MIME_TNEF_BEGIN;
        return true;
    case DATA:
    case TEXT:
        *span_out = take(t, in);
        *status_out = t->state == DATA ? MIME_TNEF_DATA : MIME_TNEF_TEXT;
        if (t->left == 0 && t->state == DATA)
            t->state = DATA_END;
        else if (t->left == 0)
            to_skip(t);
        return span_out->len > 0;
    case DATA_END:
        to_skip(t);
        *status_out = MIME_TNEF_END;
        return true;
    case PROPERTIES:
        find_tag(t, in);
        if (t->left == 0 && t->state == PROPERTIES)
            to_skip(t);
        return false;
    case SKIP:
        skip(t, in);
        return false;
    case OVER:
        *in = span_skip(*in, in->len);
        return false;
    }
    return false;
}

enum mime_tnef_status mime_tnef_next(struct mime_tnef *t, struct span *in, struct span *span_out)
{
    enum mime_tnef_status status;

    /* What follows from the last byte needs no further one. */
    while (in->len || t->state == DATA_BEGIN || t->state == DATA_END)
        if (step(t, in, &status, span_out))
            return status;
    return MIME_TNEF_MORE;
}

bool mime_tnef_finish(struct mime_tnef *t)
{
    bool open = t->state == DATA || t->state == DATA_END;

    t->state = OVER;
    return open;
}
