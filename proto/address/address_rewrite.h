/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_REWRITE_H
#define PROTO_ADDRESS_ADDRESS_REWRITE_H

#include "proto/address/address_map.h"

/*
 * Puts other addresses in place of those in a message's header while it streams by: in From,
 * Sender, Reply-To, To, Cc and their Resent- fields (RFC 5322 sections 3.6.2, 3.6.3, 3.6.6). Only
 * the octets of an addr-spec change; folds, comments, names, quoted strings, groups and everything
 * else stay, and so does the body. What comes out does not depend on how the bytes were cut.
 *
 * A field is held until it is whole. One that is longer than ADDRESS_REWRITE_HELD, cannot be taken
 * apart in one way only, would get a line of more than 998 octets, or would make the message grow
 * by more than ADDRESS_REWRITE_GROWTH in all, stays as it is, and so does an address that cannot be
 * read; each is counted.
 */
enum {
    ADDRESS_REWRITE_HELD = 16384,
    ADDRESS_REWRITE_GROWTH = 16384,
};

struct address_rewrite_user {
    /* Writes what stands in place of an address in a field of that class; false: it stays. Is asked
     * twice about each, and says the same. */
    bool (*map)(void *context, enum address_map_class where, const struct address *address,
                struct writer *out);
    /* This field is going to be changed; all before it has been given out. False: it stays. */
    bool (*changes)(void *context, struct span name, struct span value);
    void *context;
};

struct address_rewrite {
    uint8_t state;
    bool recipient; /* the field held is one of recipients */
    bool pending;   /* `piece` comes next */
    uint32_t held_len, colon;
    uint32_t grown;         /* octets, of all fields so far */
    uint32_t changed, left; /* addresses; fields and addresses that stayed because of the above */
    struct span rest;       /* of `held`, to be given out */
    struct span list;       /* of that, where the next address is looked for */
    uint16_t piece_len;
    uint8_t piece[ADDRESS_MAP_MAX];
    uint8_t held[ADDRESS_REWRITE_HELD];
};

void address_rewrite_init(struct address_rewrite *r);
/* Takes bytes from *in and moves it behind them; the bytes to go on with: in the input, or in *r
 * until the next call. None: all of *in was taken. */
struct span address_rewrite_take(struct address_rewrite *r, const struct address_rewrite_user *user,
                                 struct span *in);
/* The message has ended: what is still held, piece by piece. None: that was all. */
struct span address_rewrite_finish(struct address_rewrite *r,
                                   const struct address_rewrite_user *user);

#endif
