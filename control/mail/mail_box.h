/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_BOX_H
#define CONTROL_MAIL_MAIL_BOX_H

#include "control/mail/mail_tally.h"

/*
 * A mailbox that somebody has selected: what the store knows of its messages, in memory, in the
 * order of UIDs, shared by all sessions that have it. Messages that are gone stay until every
 * session was told; so what a session sees (struct mail_view) is three numbers. One thread.
 */
struct mail_digest;
struct mail_digests;

struct mail_message {
    struct mail_digest *digest; /* what is remembered of it, or NULL: mail_digest.h */
    uint64_t modseq; /* of its last change, its loss among them */
    uint64_t size;
    uint64_t internal_ms, saved_ms;
    uint32_t uid;
    uint32_t gone;     /* which of the mailbox's losses it was, from 1; 0: it is there */
    uint32_t flags;    /* enum store_flag */
    uint32_t keywords; /* index into box->words: all of its keywords together; 0: none */
    uint32_t recent;   /* number of the view that it is \Recent in; 0: none */
};

/* What is remembered of its messages (mail_digest.h). */
struct mail_box_digests {
    struct mail_digests *of;        /* NULL: nothing yet */
    struct mail_box *newer, *older; /* by their last use */
    struct mail_digest *replaced;   /* that somebody may still have */
    uint32_t users;                 /* commands that have some */
};

struct mail_words;
struct mail_view;

struct mail_box {
    struct mail_box *next; /* in the table */
    uint64_t id, account;
    uint32_t uid_validity, uid_next;
    uint64_t modseq;  /* the highest */
    uint64_t changed; /* the highest of a change of flags that is in `messages` */
    uint64_t read_to; /* whatever came or was lost up to here is known: never raised by a change of
                         ours, which says nothing of what was before it */
    struct mail_message *messages;
    uint32_t count, cap;
    uint32_t losses;           /* how many were ever lost while it is open */
    uint32_t present;          /* messages that are not gone, */
    uint64_t octets;           /* their sizes, */
    struct mail_counts counts; /* and what their flags count for */
    uint32_t recent_from;      /* the first UID that no session was told of yet */
    uint32_t view_last;        /* number of the last view */
    uint32_t first_gone;       /* no message before this slot is gone */
    struct mail_words *words;
    struct mail_box_digests digests;
    struct mail_view *views; /* of sessions that have it */
    uint32_t openers;        /* sessions that wait until it is read */
    bool opening;            /* it is not read to its end yet: nobody has a view */
    bool news;               /* the store has changed it since it was read */
    bool deleted;            /* the mailbox itself is */
};

/* What one session has been told. Sequence numbers are those of the messages in it. */
struct mail_view {
    struct mail_view *next, *prev;
    struct mail_box *box;
    uint32_t slots;  /* the first so many of the box's messages, */
    uint32_t losses; /* but not those lost by then */
    uint32_t exists; /* how many that are */
    uint64_t modseq; /* flags changed by then */
    uint32_t number; /* among those of its mailbox, from 1 */
    bool looks;      /* EXAMINE: what is recent stays so for others */
    bool walked;     /* a command goes over it, by slots: they stay */
};

/* Begins to read it: no message is in it yet. STORE_NONE: there is no such mailbox. */
enum store_status mail_box_open(struct store *store, uint64_t mailbox, struct mail_box **box_out);
/* The next so many messages (0: all), while it is opening, in the order of UIDs. STORE_NONE: it was
 * deleted. Behind the last ones it is whole as of a moment since it was begun; mail_box_refresh()
 * says what came later. */
enum store_status mail_box_read(struct store *store, struct mail_box *box, uint32_t most);
/* Nobody has it any more. */
void mail_box_close(struct store *store, struct mail_box *box);
/* Takes over what others have changed. STORE_NONE: it was deleted. */
enum store_status mail_box_refresh(struct store *store, struct mail_box *box);

/* All that is there now is in it; the session is to be told of nothing. */
void mail_view_open(struct mail_view *view, struct mail_box *box, bool looks);
void mail_view_close(struct mail_view *view);

/* True when the message at a slot is in the view. */
static inline bool mail_view_has(const struct mail_view *v, uint32_t slot)
{
    const struct mail_message *m = &v->box->messages[slot];

    return slot < v->slots && (m->gone == 0 || m->gone > v->losses);
}

/* What nobody was told of before is \Recent in this view, from now on. */
void mail_view_claim(struct mail_view *view);
bool mail_view_recent(const struct mail_view *v, const struct mail_message *m);
/* How many of the view are. */
uint32_t mail_view_recents(const struct mail_view *v);

/* The slot of a UID or of the first one behind it; box->count: none. */
uint32_t mail_box_slot(const struct mail_box *box, uint32_t uid);
/* The sequence number of a slot that is in the view. O(messages that are gone). */
uint32_t mail_view_number(const struct mail_view *v, uint32_t slot);
/* The slot of a sequence number, 1 to v->exists. */
uint32_t mail_view_slot(const struct mail_view *v, uint32_t number);
/* The largest UID in the view, 0: it is empty. */
uint32_t mail_view_largest(const struct mail_view *v);

/* All keywords of a message, each a blob (32-bit length, bytes), as an index, and back. UINT32_MAX:
 * no memory. */
uint32_t mail_box_words(struct mail_box *box, struct span keywords);
struct span mail_box_keywords(const struct mail_box *box, uint32_t words);

/* Our own change of flags is in the store: it is in the box too. */
void mail_box_mark(struct mail_box *box, uint32_t slot, uint32_t flags, uint32_t words,
                   uint64_t modseq);
/* What its flags count for, and the state that this is true for. STORE_BUSY: the store has changed
 * it since it was read. */
enum store_status mail_box_tally(struct store *store, const struct mail_box *box,
                                 struct mail_tally *tally_out);
/* Room of messages that every session knows to be gone. */
void mail_box_settle(struct mail_box *box);

#endif
