/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_PARTING_H
#define PROTO_BASE_PARTING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a server machine still has to say before it reads on or closes: a reply, what that reply
 * announces (the machine's own business, between the two), a farewell, and then the end. Rows are
 * those of the protocol's reply table; 0 is none.
 */
struct parting {
    uint8_t reply;    /* to be sent next */
    uint8_t farewell; /* to be sent behind all that is due, before the end */
    bool closing;     /* nothing more is read; the connection ends behind all that is due */
};

/* The last word was said by somebody else than the peer: `farewell` comes behind what is due, 0 for
 * an end without a word. False, without effect, when the end was decided before. */
static inline bool parting_begin(struct parting *p, uint8_t farewell)
{
    if (p->closing)
        return false;
    p->closing = true;
    p->farewell = farewell;
    return true;
}

#endif
