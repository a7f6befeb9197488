/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_MEASURE_H
#define DATAPLANE_SESSION_TRANSACTION_MEASURE_H

#include "dataplane/session/body_hash.h"
#include "proto/mime/mime_reader.h"
#include "rules/rule_match.h"

/*
 * What rules compare and count of a message: its numbers, and how often its values were seen.
 * Gathered while the message arrives, as far as a rule asks for it.
 */
struct sessions;
struct transaction;

struct transaction_measure {
    uint32_t parts, attachments, header_fields;
    uint64_t links;
    uint64_t body;          /* decoded bytes of text parts */
    uint64_t leaf;          /* of the open part */
    bool attachment;        /* the open part is one */
    bool text;              /* or text */
    uint8_t scheme;         /* of "://" so many bytes were seen at the end of what was read */
    struct body_hash *hash; /* of the decoded bytes of all leaves, in order; NULL: none asks */
    bool hashed;            /* there were some */
};

/* False: no memory. */
bool transaction_measure_begin(struct sessions *ss, struct transaction *tx);
/* The message's value of `what` is known: counts it and tells the rules. An empty one is none. */
void transaction_count(struct sessions *ss, struct transaction *tx, enum rule_counter what,
                       struct span value);
/* DATA, or the first chunk: no recipient follows. There are rules. */
void transaction_measure_recipients(struct transaction *tx);
void transaction_measure_part(struct transaction *tx, const struct mime_part *part);
void transaction_measure_data(struct transaction *tx, struct span bytes);
void transaction_measure_part_end(struct transaction *tx);
/* The message's own header has ended. */
void transaction_measure_header(struct sessions *ss, struct transaction *tx);
/* The message has. */
void transaction_measure_end(struct sessions *ss, struct transaction *tx);

#endif
