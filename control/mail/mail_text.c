/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_text.h"

#include <stdlib.h>

static bool grow(struct mail_text *t)
{
    size_t cap = t->w.cap ? 2 * t->w.cap : MAIL_TEXT_FIRST;
    uint8_t *data = cap <= MAIL_TEXT_MAX ? realloc(t->w.data, cap) : NULL;

    if (!data)
        return false;
    t->w.data = data;
    t->w.cap = cap;
    return true;
}

bool mail_text_fits(struct mail_text *t, size_t mark)
{
    if (!t->w.full)
        return true;
    t->w.full = false;
    t->w.len = mark;
    if (grow(t))
        return false;
    t->failed = true;
    return true;
}

struct span mail_text_left(const struct mail_text *t)
{
    return span_skip(writer_span(&t->w), t->taken);
}

void mail_text_take(struct mail_text *t, size_t n)
{
    t->taken += n;
    if (t->taken == t->w.len)
        t->taken = t->w.len = 0;
}

void mail_text_free(struct mail_text *t)
{
    free(t->w.data);
    *t = (struct mail_text){0};
}
