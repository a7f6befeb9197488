/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_TEXT_H
#define CONTROL_MAIL_MAIL_TEXT_H

#include "proto/base/writer.h"

/*
 * What is composed of an answer and was not sent yet. It grows as it must, up to MAIL_TEXT_MAX:
 * whoever writes does so again with more room where it did not fit (mail_text_fits()).
 */
enum { MAIL_TEXT_FIRST = 4096, MAIL_TEXT_MAX = 8 << 20 };

struct mail_text {
    struct writer w; /* to be written to */
    size_t taken;    /* octets from the front that have gone */
    bool failed;     /* something was larger than MAIL_TEXT_MAX, or there was no memory */
};

/* Where what is written next begins: for mail_text_fits(). */
static inline size_t mail_text_mark(const struct mail_text *t)
{
    return t->w.len;
}

/*
 * True when all that was written since `mark` is there. Otherwise it is dropped, and there is more
 * room to write it again; when there can be none, `failed` is set and it is true.
 *
 *     do mark = mail_text_mark(t); write(&t->w);
 *     while (!mail_text_fits(t, mark));
 */
bool mail_text_fits(struct mail_text *t, size_t mark);
/* What is left to be sent. Valid until the next write. */
struct span mail_text_left(const struct mail_text *t);
/* `n` octets of it have gone. */
void mail_text_take(struct mail_text *t, size_t n);
void mail_text_free(struct mail_text *t);

#endif
