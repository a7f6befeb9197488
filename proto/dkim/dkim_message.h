/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_MESSAGE_H
#define PROTO_DKIM_DKIM_MESSAGE_H

#include "proto/base/writer.h"
#include "proto/dkim/dkim_body.h"
#include "proto/dkim/dkim_header.h"

/*
 * A message on its way: its header is kept, its body is hashed as it passes. What hashes are wanted
 * is said between the two.
 */
struct dkim_message {
    struct writer kept; /* the header, without the empty line */
    uint8_t end;        /* bytes of CRLF CRLF that were seen last */
    bool header_done;
    struct dkim_header header; /* once it is done; into what is kept */
    struct dkim_body body;
};

/* Before all else, once. */
void dkim_message_init(struct dkim_message *m);
void dkim_message_fini(struct dkim_message *m);
/* A message begins. Borrows memory for its header until it is done with: what does not fit makes
 * the header `cut`. */
void dkim_message_begin(struct dkim_message *m, void *memory, size_t size);
/*
 * Takes bytes of the header, cut anywhere, and moves *in behind them. True, once, when it is whole:
 * then hashes may be wanted of `body`, and all that follows is fed to that.
 */
bool dkim_message_header(struct dkim_message *m, struct span *in);
/* The message has ended. True when the header has become whole by that: as above. */
bool dkim_message_end(struct dkim_message *m);

#endif
