/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_PART_H
#define CONTROL_MAIL_MAIL_INDEX_PART_H

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "control/mail/mail_index.h"
#include "control/mail/mail_index_catalogue.h"
#include "control/mail/mail_index_file.h"

/* What the files of the index share. All of it is the thread's own but for what says otherwise. */

enum {
    INDEX_NOTED = 256,     /* mailboxes noted apart; more: all are looked at */
    INDEX_PENDING = 16384, /* mailboxes that wait; more are found when these are done */
    INDEX_FILES_MAX = 1024,
};

/* A mailbox that has changed. */
struct index_pending {
    uint64_t mailbox, account;
    uint64_t behind;         /* messages that are not in the index yet */
    uint64_t compare_modseq; /* removals up to here are known when the comparison is over */
    uint32_t compare_uid;    /* all UIDs are compared, from this one on; 0: they are not */
    bool compared;           /* they were */
};

struct index_open {
    uint64_t account;
    uint64_t used; /* higher is later */
    struct mail_index_file *file;
};

/* What another thread wants done, and waits for. */
struct index_call {
    struct index_call *next;
    void (*run)(struct mail_index *index, struct index_call *call);
    uint64_t account;
    enum store_status status;
    struct mail_index_status found;
    bool done;
};

struct mail_index_query {
    struct mail_index_query *next;
    uint64_t account, mailbox;
    const struct mail_grep *what;
    struct index_hits *hits; /* by `what` */
    uint32_t count;
    void (*done)(void *context);
    void *context;
    uint32_t *known; /* UIDs of messages of which what is not a hit is none, ascending */
    uint32_t known_count, known_cap;
    bool all_known;
    /* How far it is. */
    uint64_t deadline_ms;
    uint32_t which; /* of `what` */
    uint32_t uid;   /* the next one */
    int64_t document;
    struct index_page *page;
};

struct index_hits {
    uint32_t *uids; /* ascending when `whole` */
    uint32_t count, cap;
    bool whole; /* all were looked for */
};

struct mail_index {
    struct mail_index_options options;
    char path[PATH_MAX - 64];
    pthread_t thread;
    sem_t wake;
    /* Anybody's. */
    _Atomic uint64_t noted[INDEX_NOTED];
    _Atomic bool noted_all, noted_any, asleep, hurry, stop;
    pthread_mutex_t lock; /* of the next ones */
    pthread_cond_t called;
    struct index_call *calls;
    struct mail_index_query *asked, **asked_end;
    bool ready, begun, halted;
    /* The thread's. */
    struct mail_index_query *queries, **queries_end;
    struct mail_index_catalogue *catalogue;
    struct index_open *open;
    uint32_t open_count;
    uint64_t uses;
    struct index_pending *pending;
    uint32_t pending_count, pending_at;
    bool scan;             /* all mailboxes are to be looked at */
    bool scan_failed;      /* and of those looked at last some could not be indexed */
    uint64_t scan_from;    /* not before (monotonic ms) */
    uint64_t pause_until;  /* after a fault */
    uint32_t pause_ms;     /* the last one's length */
    struct mail_index_text text;
    /* Written by the thread, read by anyone. */
    _Atomic uint64_t faults[MAIL_INDEX_FAULTS];
    _Atomic uint64_t accounts, indexed, bytes, lag, waiting, searches, unanswered, added, removed;
    _Atomic bool caught_up;
};

/* mail_index_folder.c: the files. */

/* Opens the catalogue; what is damaged is made anew. */
enum mail_index_fault index_folder_open(struct mail_index *index);
void index_folder_close(struct mail_index *index);
/* The account has one. */
bool index_folder_has(struct mail_index *index, uint64_t account);
/* NULL with the fault counted. `make`: where it is not there. It may be closed by the next call. */
struct mail_index_file *index_folder_file(struct mail_index *index, uint64_t account, bool make);
/* After work on it: counts its fault, closes it, and throws it away when it is damaged: then all
 * mailboxes of the account are pending. */
enum mail_index_fault index_folder_settle(struct mail_index *index, uint64_t account);
/* The account has no index any more. */
void index_folder_drop(struct mail_index *index, uint64_t account);
/* All of them. */
void index_folder_drop_all(struct mail_index *index);
/* Files of accounts that the catalogue has nothing of. */
void index_folder_sweep(struct mail_index *index);
/* A mailbox is indexed so far; how large the account's file is. */
void index_folder_note(struct mail_index *index, const struct mail_index_known *known);
void index_folder_forget(struct mail_index *index, uint64_t mailbox);
void index_folder_measure(struct mail_index *index, uint64_t account);
/* Counts it, and work waits for a while. */
void index_folder_failed(struct mail_index *index, enum mail_index_fault fault, const char *name);

/* mail_index_feed.c: what is to be indexed. */

/* To the end of those that wait, unless it does already. */
void index_feed_put(struct mail_index *index, uint64_t mailbox, uint64_t account);
/* All mailboxes of an account. STORE_NONE: it has none. */
enum store_status index_feed_account(struct mail_index *index, uint64_t account);
/* Looks for mailboxes that have changed unseen. */
void index_feed_scan(struct mail_index *index);
/* Works on the next one until `until_ns`, or a bound. */
void index_feed_step(struct mail_index *index, uint64_t until_ns);
/* The mailbox as the store shows it now. */
enum store_status index_feed_show(struct mail_index *index, uint64_t mailbox,
                                  struct store_mailbox *mailbox_out);

/* mail_index_query.c */

/* A slice of the first query, which then is over, or goes behind the others. */
void index_query_slice(struct mail_index *index, uint64_t until_ns);
/* Ends all of them. */
void index_query_cancel(struct mail_index *index);

#endif
