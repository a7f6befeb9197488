/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_CONVERT_H
#define PROTO_POP3_POP3_CONVERT_H

#include "proto/mime/mime_tree.h"
#include "proto/pop3/pop3_mailbox.h"

/*
 * A stored message on its way to a client that cannot take it as it is: headers of an
 * internationalized message are downgraded (RFC 6858, pop3_downgrade.h), binary leaves of a
 * BINARYMIME message become base64 and their Content-Transfer-Encoding says so (RFC 3030 section 3,
 * RFC 2045 section 6.2); multiparts and messages that were binary are then 8bit. The part tree that
 * was stored with the message tells where headers and leaves lie, so nothing is parsed again, and
 * what lies between them passes as it is. Streaming: the memory is fixed, the result does not
 * depend on how the message is cut. A tree is never trusted: parts beyond the message or out of
 * order are passed over.
 */
enum {
    POP3_CONVERT_FIELD = 65536, /* longest header field that is downgraded whole; of a longer one
                                   bytes above 127 become "?", or it is left out when one of them
                                   is among its first so many bytes */
    POP3_CONVERT_MEMORY = 3 * POP3_CONVERT_FIELD,
    POP3_CONVERT_ROOM_MIN = 128, /* room in `out` that a call makes use of */
};

enum pop3_convert_status {
    POP3_CONVERT_MORE, /* the input is used up: the next bytes from `offset` */
    POP3_CONVERT_ROOM, /* `out` is full */
    POP3_CONVERT_DONE,
};

/* Members are private but for `offset`. */
struct pop3_convert {
    uint64_t offset; /* of the message: the next byte that is read */
    uint64_t until;  /* end of the segment */
    uint64_t size, prefix;
    struct mime_tree_read tree;
    struct mime_tree_part part; /* the one under way or the next */
    struct span staged;         /* to be written before anything is read */
    uint8_t *field, *spare, *scratch;
    uint32_t field_len;
    uint32_t column; /* BASE64 */
    uint8_t carry[3];
    uint8_t carry_len;
    uint8_t forms;   /* enum pop3_form: what is to be changed */
    uint8_t segment; /* enum pop3_segment */
    uint8_t cut;     /* a field that is too long: what becomes of the rest */
    bool has_part;   /* `part` is the next one */
    bool leaf;       /* `part` has had its header, and its body becomes base64 */
    bool recoded;    /* this header's Content-Transfer-Encoding was rewritten */
    bool line_begin;
};

/*
 * Begins a message of `size` bytes, `prefix` of them in front of what the tree is of. `forms`:
 * POP3_FORM_UTF8, POP3_FORM_BINARY. Borrows the tree and `memory`, POP3_CONVERT_MEMORY bytes.
 */
void pop3_convert_init(struct pop3_convert *c, struct span tree, uint64_t prefix, uint64_t size,
                       unsigned forms, uint8_t *memory);
/* Reads from *in, the message from c->offset on, and writes to `out`, which needs
 * POP3_CONVERT_ROOM_MIN. One pass. */
enum pop3_convert_status pop3_convert_feed(struct pop3_convert *c, struct span *in,
                                           struct writer *out);
/*
 * To learn how long the result is without reading bodies: passes over what lies next when its
 * outcome's length is known, and adds that to *length. False when *wanted_out bytes from c->offset
 * on must be fed first, or at the end.
 */
bool pop3_convert_skip(struct pop3_convert *c, uint64_t *length, uint64_t *wanted_out);

#endif
