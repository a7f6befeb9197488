/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_top.h"

void pop3_top_init(struct pop3_top *top, uint32_t lines)
{
    *top = (struct pop3_top){.left = lines};
}

/* A line has ended; `len` is its length with CR but without LF. */
static void line_ended(struct pop3_top *t, size_t len)
{
    if (t->body)
        t->left--;
    else
        t->body = len == 1;
    t->done = t->body && t->left == 0;
    t->held = 0;
    t->cr = false;
}

struct span pop3_top_take(struct pop3_top *t, struct span bytes)
{
    size_t begin = 0, at = 0;

    if (t->left == POP3_LINES_ALL)
        return bytes;
    while (!t->done) {
        ptrdiff_t lf = span_find(span_skip(bytes, at), '\n');
        size_t len;

        if (lf < 0)
            break;
        at += (size_t)lf;
        len = t->held + at - begin;
        if (at > begin ? bytes.data[at - 1] == '\r' : t->cr) {
            line_ended(t, len);
            begin = at + 1;
        }
        at++;
    }
    if (t->done)
        return span_head(bytes, at);
    if (begin < bytes.len) {
        t->held = t->held + (bytes.len - begin) >= 2 ? 2 : 1;
        t->cr = bytes.data[bytes.len - 1] == '\r';
    }
    return bytes;
}
