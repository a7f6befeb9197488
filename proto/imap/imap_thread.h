/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_THREAD_H
#define PROTO_IMAP_IMAP_THREAD_H

#include "proto/base/writer.h"

/* THREAD (RFC 5256 sections 3 and 4): pure functions over what an index knows of messages. */

enum imap_thread_how {
    IMAP_THREAD_ORDEREDSUBJECT,
    IMAP_THREAD_REFERENCES,
    /* By references alone, threads by their latest message (draft-ietf-morg-inthread). */
    IMAP_THREAD_REFS,
};

struct imap_thread_message {
    uint32_t number;         /* sequence number or UID, as it is to be told; ascending */
    bool reply;              /* imap_subject_base() said so */
    int64_t date;            /* the sent date: imap_sort_date() */
    struct span subject;     /* the base subject, folded */
    struct span message_id;  /* value of Message-ID */
    struct span references;  /* value of References */
    struct span in_reply_to; /* value of In-Reply-To: its first id counts without References */
};

/* Links are indexes of nodes; 0, the root, is none. Members are the threads' own. */
struct imap_thread_node {
    struct span id;   /* empty: of a message without one, or whose id another has */
    uint32_t message; /* index + 1; 0: only spoken of */
    uint32_t parent, child, next;
    uint32_t slot;    /* of hash tables: the first node of this slot; later what is compared by */
    uint32_t follows; /* ... and the next node of the same slot */
    uint32_t kept;    /* of one that is only spoken of: its children */
    uint32_t stands;  /* of the first of a subject: who stands for it */
};

struct imap_thread {
    struct imap_thread_node *nodes; /* nodes[0]'s children are the threads */
    uint32_t cap;
    uint32_t count; /* nodes in use */
    bool full;      /* links were left out: there were more ids than nodes */
    bool latest;    /* threads are ordered by their latest message */
    const struct imap_thread_message *messages;
    uint8_t key[16];
    uint32_t walk; /* imap_thread_put()'s: the node that is next */
    bool leaving;
};

/*
 * Threads `count` messages. `nodes` is the caller's memory for `cap` nodes: one more than messages
 * at least, else false. With twice as many, and one for each id that is referred to, nothing is
 * left out. `key`: 16 bytes that no peer knows (ids are kept in hash tables). Time: n log n, n
 * being messages and ids; of a chain of replies at most IMAP_THREAD_CHAIN links are looked along
 * when a link is made, and one that would need more is left out.
 */
enum { IMAP_THREAD_CHAIN = 1000 };
bool imap_thread_init(struct imap_thread *t, enum imap_thread_how how,
                      const struct imap_thread_message *messages, uint32_t count,
                      struct imap_thread_node *nodes, uint32_t cap, const uint8_t key[16]);
/*
 * Writes "(1)(2 (3)(4 5))" (RFC 5256 section 5: thread-data) piece by piece, as long as there are
 * IMAP_THREAD_PUT_MAX bytes of room; true when there is more.
 */
enum { IMAP_THREAD_PUT_MAX = 16 };
bool imap_thread_put(struct imap_thread *t, struct writer *w);

#endif
