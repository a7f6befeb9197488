/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_H
#define CONTROL_MAIL_MAIL_INDEX_H

#include "control/mail/mail_grep.h"
#include "dataplane/handoff/metric.h"

/*
 * The full-text index of SEARCH: a file for each account (mail_index_file.h), kept up to date by a
 * thread of its own, which is told what changes, and finds after a start what has changed before.
 * It says of messages that are in it exactly what mail_grep() would; of the others nothing, and
 * they are read. So whatever befalls it, a search is right, and only takes longer.
 * docs/search-index.md.
 */
struct mail_index;

struct mail_index_options {
    struct store *store; /* borrowed; it is watched (store_watch_all()) */
    const char *path;    /* a folder, made when it is not there */
    uint64_t text_max;   /* octets of text that are kept of a message */
    uint64_t reserve;    /* nothing is added while less is free on the disk */
    uint32_t files;      /* that are open at a time */
};

/* Nothing is indexed before mail_index_begin(). NULL with a line in the log: no folder, no thread,
 * no memory. */
struct mail_index *mail_index_start(const struct mail_index_options *options);
/* Files may be made from now on. No index, NULL, is fine here and in the next two. */
void mail_index_begin(struct mail_index *index);
/* The thread ends, what was asked is answered, and nothing is answered any more. Once or more. */
void mail_index_halt(struct mail_index *index);
/* After the former, and when nobody asks any more. */
void mail_index_free(struct mail_index *index);

/* ---- searching ---- */

/* What is to be found in a mailbox. */
struct mail_index_query;

/* `what` and what it leads to stay until it is freed. `done` is called on the index's thread, once,
 * a few seconds after it was asked at the latest unless the disk keeps the thread waiting. NULL: no
 * memory. */
struct mail_index_query *mail_index_query_new(uint64_t account, uint64_t mailbox,
                                              const struct mail_grep *what, uint32_t count,
                                              void (*done)(void *context), void *context);
/* Not between asking and `done`. NULL is fine. */
void mail_index_query_free(struct mail_index_query *query);
/* False: there is no index (NULL is one of those), and `done` is not called. */
bool mail_index_ask(struct mail_index *index, struct mail_index_query *query);

enum mail_index_answer {
    MAIL_INDEX_NO,
    MAIL_INDEX_YES,
    MAIL_INDEX_UNKNOWN, /* the message has to be read */
};

/* When it is done: whether what[which] is found in a message. O(log messages). */
enum mail_index_answer mail_index_query_answer(const struct mail_index_query *query, uint32_t which,
                                               uint32_t uid);

/* ---- looking after it ---- */

struct mail_index_status {
    bool caught_up;     /* nothing that is known of waits */
    uint64_t accounts;  /* that have a file */
    uint64_t indexed;   /* messages that are in it; one in two mailboxes is two */
    uint64_t lag;       /* messages known of that are not in it yet */
    uint64_t mailboxes; /* that wait */
    uint64_t bytes;     /* of the files */
};

/* Any thread. */
struct mail_index_status mail_index_status(const struct mail_index *index);
/* Of one account. Waits for the index's thread. STORE_NONE: there is no such account. */
enum store_status mail_index_status_of(struct mail_index *index, uint64_t account,
                                       struct mail_index_status *status_out);
/* Throws away the index of an account, or with 0 of all, and makes it anew in the background. Waits
 * for the first half. */
enum store_status mail_index_rebuild(struct mail_index *index, uint64_t account);
/* By name; metrics_named.def says what. NULL: all are 0. Any thread. */
void mail_index_counters(const struct mail_index *index, const struct counter_sink *sink);

#endif
