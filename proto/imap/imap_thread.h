/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_THREAD_H
#define PROTO_IMAP_IMAP_THREAD_H

#include "proto/base/index_sort.h"
#include "proto/base/writer.h"
#include "proto/imap/imap_search.h"

/*
 * THREAD (RFC 5256 sections 3 and 4), over what an index knows of messages. Ids and subjects are
 * numbers here, hashes of 64 bits under a key that no peer knows: two of ten million are the same
 * with a chance of three in a million.
 */

enum imap_thread_how {
    IMAP_THREAD_ORDEREDSUBJECT,
    IMAP_THREAD_REFERENCES,
    /* By references alone, threads by their latest message (draft-ietf-morg-inthread). */
    IMAP_THREAD_REFS,
};

/*
 * thread = ("ORDEREDSUBJECT" / "REFERENCES" / "REFS") SP charset 1*(SP search-key)
 *
 * Bad in the cursor when it is none.
 */
bool imap_thread_parse(struct imap_cursor *c, enum imap_thread_how *how_out,
                       struct imap_search *search);

/*
 * Hashes of the ids that a message is threaded by: its own from Message-ID, 0 without one; then
 * those of References, the parent last, or without any the first of In-Reply-To. At most `cap`, and
 * one for three octets of the values. Returns how many, one at least.
 */
uint32_t imap_thread_ids(struct span message_id, struct span references, struct span in_reply_to,
                         const uint8_t key[16], uint64_t *ids_out, uint32_t cap);
/* Of a base subject as it is compared; 0: it is empty. */
uint64_t imap_thread_subject(struct span subject, const uint8_t key[16]);

struct imap_thread_message {
    uint32_t number; /* sequence number or UID, as it is to be told; ascending */
    bool reply;      /* imap_subject_base() said so */
    int64_t date;    /* the sent date: imap_sort_date() */
    uint64_t subject;
    const uint64_t *ids; /* imap_thread_ids() */
    uint32_t id_count;
};

/* Links are indexes of nodes; 0, the root, is none. Members are the threads' own. */
struct imap_thread_node {
    uint64_t id;      /* 0: of a message without one, or whose id another has */
    uint32_t message; /* index + 1; 0: only spoken of */
    uint32_t parent, child, next;
    uint32_t slot;    /* of hash tables: the first node of this slot; later the top of its thread */
    uint32_t follows; /* ... and the next node of the same slot */
    uint32_t kept;    /* of one that is only spoken of: its children */
    uint32_t stands;  /* of the first of a subject: who stands for it */
};

struct imap_thread {
    struct imap_thread_node *nodes; /* nodes[0]'s children are the threads */
    uint32_t cap;
    uint32_t count; /* nodes in use */
    bool full;      /* links were left out: there were more ids than nodes */
    enum imap_thread_how how;
    const struct imap_thread_message *messages;
    uint32_t message_count;
    struct index_sort order; /* of messages, by date */
    const uint8_t *phase;    /* what is done now, and how far it is */
    uint32_t at;
    uint32_t work; /* since the step began */
    uint32_t walk; /* imap_thread_put()'s: the node that is next */
    bool leaving;
};

/*
 * Begins to thread `count` messages. `nodes` is the caller's memory for `cap` nodes: one more than
 * messages at least, else false; with twice as many, and one for each id that is referred to,
 * nothing is left out. `order`: room for 2 * count numbers. Time: n log n, n being messages and
 * ids; of a chain of replies at most IMAP_THREAD_CHAIN links are looked along when a link is made,
 * and one that would need more is left out.
 */
enum { IMAP_THREAD_CHAIN = 1000 };
bool imap_thread_init(struct imap_thread *t, enum imap_thread_how how,
                      const struct imap_thread_message *messages, uint32_t count,
                      struct imap_thread_node *nodes, uint32_t cap, uint32_t *order);
/* Goes on for about `steps` comparisons or links. True: they are threaded. */
bool imap_thread_step(struct imap_thread *t, uint32_t steps);
/*
 * Writes "(1)(2 (3)(4 5))" (RFC 5256 section 5: thread-data) piece by piece, as long as there are
 * IMAP_THREAD_PUT_MAX bytes of room; true when there is more.
 */
enum { IMAP_THREAD_PUT_MAX = 16 };
bool imap_thread_put(struct imap_thread *t, struct writer *w);

#endif
