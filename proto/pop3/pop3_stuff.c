/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_stuff.h"

enum place {
    PLACE_START,   /* at the start of a line; a dot here gets another before it */
    PLACE_STUFFED, /* at the start of a line, the extra dot was handed out */
    PLACE_MIDDLE,
    PLACE_CR, /* behind a CR */
};

/* The number of bytes up to and with the next CRLF that a dot follows; all of them when there is
 * none. */
static size_t run(struct span s, bool after_cr)
{
    size_t at = 0;

    while (at < s.len) {
        ptrdiff_t lf = span_find(span_skip(s, at), '\n');
        bool whole;

        if (lf < 0)
            break;
        at += (size_t)lf + 1;
        whole = at >= 2 ? s.data[at - 2] == '\r' : after_cr;
        if (whole && at < s.len && s.data[at] == '.')
            return at;
    }
    return s.len;
}

static enum place place_behind(struct span s, bool after_cr)
{
    uint8_t last = s.data[s.len - 1];
    bool cr = s.len >= 2 ? s.data[s.len - 2] == '\r' : after_cr;

    if (last == '\n' && cr)
        return PLACE_START;
    return last == '\r' ? PLACE_CR : PLACE_MIDDLE;
}

bool pop3_stuff_next(struct pop3_stuff *stuff, struct span *in, struct span *out)
{
    bool after_cr = stuff->at == PLACE_CR;

    if (in->len == 0)
        return false;
    if (stuff->at == PLACE_START && in->data[0] == '.') {
        stuff->at = PLACE_STUFFED;
        *out = span_text(".");
        return true;
    }
    *out = span_head(*in, run(*in, after_cr));
    *in = span_skip(*in, out->len);
    stuff->at = (uint8_t)place_behind(*out, after_cr);
    return true;
}

struct span pop3_stuff_end(struct pop3_stuff *stuff)
{
    bool whole = stuff->at == PLACE_START;

    stuff->at = PLACE_START;
    return span_text(whole ? ".\r\n" : "\r\n.\r\n");
}
