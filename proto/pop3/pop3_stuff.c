/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_stuff.h"

#include "proto/pop3/pop3_place.h"

/* At the start of a line; the extra dot was handed out. */
enum { PLACE_STUFFED = POP3_PLACE_OWN };

bool pop3_stuff_next(struct pop3_stuff *stuff, struct span *in, struct span *out)
{
    bool after_cr = stuff->at == POP3_PLACE_CR;

    if (in->len == 0)
        return false;
    if (stuff->at == POP3_PLACE_START && in->data[0] == '.') {
        stuff->at = PLACE_STUFFED;
        *out = span_text(".");
        return true;
    }
    *out = span_head(*in, pop3_place_run(*in, after_cr));
    *in = span_skip(*in, out->len);
    stuff->at = (uint8_t)pop3_place_behind(*out, after_cr);
    return true;
}

struct span pop3_stuff_end(struct pop3_stuff *stuff)
{
    bool whole = stuff->at == POP3_PLACE_START;

    stuff->at = POP3_PLACE_START;
    return span_text(whole ? ".\r\n" : "\r\n.\r\n");
}
