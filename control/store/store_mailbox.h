/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_MAILBOX_H
#define CONTROL_STORE_STORE_MAILBOX_H

#include "control/store/store.h"

/* An account's mailboxes as IMAP has them: a tree of names, and what is done to one of them. */

/* What a mailbox is for: bits of store_mailbox.uses (RFC 6154 section 2, RFC 8457 section 3). */
enum store_use {
    STORE_USE_ALL = 1,
    STORE_USE_ARCHIVE = 2,
    STORE_USE_DRAFTS = 4,
    STORE_USE_FLAGGED = 8,
    STORE_USE_JUNK = 16,
    STORE_USE_SENT = 32,
    STORE_USE_TRASH = 64,
    STORE_USE_IMPORTANT = 128,
};

enum {
    STORE_MAILBOXES = 10000, /* of an account, and names it is subscribed to; more: STORE_LIMIT */
    STORE_KEYWORDS = 256,    /* of a mailbox, in its life; more: STORE_LIMIT */
    STORE_KEYWORD = 128,     /* bytes of one */
};

/* Its own, and between the parts of a name. */
#define STORE_INBOX "INBOX"
enum { STORE_SEPARATOR = '/' };

/* ---- the tree ----
 *
 * Names are kept as they are given (UTF-8, normalised by the caller), 1 to STORE_NAME bytes. The
 * inbox is "INBOX", the quarantine "Quarantine": both stay. Nobody needs a parent. What returns
 * STORE_OK is durable. NONE: no such account or mailbox.
 */

enum store_status store_mailbox_find(struct store *store, uint64_t account, struct span name,
                                     uint64_t *mailbox_out);
/* By its id. Its name is not looked up, and empty. */
enum store_status store_mailbox_show(struct store *store, uint64_t mailbox,
                                     store_mailbox_visit *visit, void *context);
/* EXISTS, LIMIT. The id, which is the MAILBOXID (RFC 8474) too, was never used before, nor was
 * UIDVALIDITY.
 */
enum store_status store_mailbox_create(struct store *store, uint64_t account, struct span name,
                                       uint16_t uses, uint64_t *mailbox_out);
/*
 * The name is free and the quota has its room back at once; of more than a few thousand messages
 * the rest goes with store_collect(). Inferior names stay. FAILED: the inbox or the quarantine.
 */
enum store_status store_mailbox_delete(struct store *store, uint64_t mailbox);
/*
 * With all inferior names, at once; ids and UIDs stay, and so do subscriptions. EXISTS also when
 * the new name of an inferior one is taken. The inbox stays where it is, and its messages are moved
 * to a new mailbox `name` (RFC 9051 section 6.3.6), in steps: after a crash some may still be in
 * the inbox. FAILED: the quarantine; a name below the mailbox itself; a name that gets too long.
 */
enum store_status store_mailbox_rename(struct store *store, uint64_t mailbox, struct span name);
/* What it is for, from now on. */
enum store_status store_mailbox_use(struct store *store, uint64_t mailbox, uint16_t uses);

/* Subscriptions are names, whether there are mailboxes of that name or not. To what is so already:
 * OK. LIMIT. */
enum store_status store_subscribe(struct store *store, uint64_t account, struct span name,
                                  bool subscribed);
/* False ends the walk; the span is valid during the call. */
typedef bool store_name_visit(void *context, struct span name);
/* In their byte order. */
enum store_status store_subscriptions(struct store *store, uint64_t account,
                                      store_name_visit *visit, void *context);

/* What counts is everything but the quarantine (RFC 9208). */
struct store_quota {
    uint64_t octets_max; /* 0: no limit */
    uint64_t octets, messages;
};

enum store_status store_quota(struct store *store, uint64_t account, struct store_quota *quota_out);

/* ---- changes: operands of store_apply() ----
 *
 * UIDs ascend strictly, STORE_UIDS of them at most (else FAILED). What is not there any more is
 * passed over. None of this is done to a quarantine (FAILED). NONE: no such mailbox.
 */
enum {
    STORE_UIDS = 100000,
    STORE_APPENDS = 1000, /* messages in one STORE_APPEND */
};

/* STORE_MARK: flags and keywords that messages have from now on. LIMIT: keywords. */
struct store_mark_row {
    uint32_t uid;
    uint32_t flags;       /* enum store_flag: all of them, not a difference */
    struct span keywords; /* all of them, each a blob */
    bool gone_out;        /* it was not there */
};

struct store_mark {
    uint64_t mailbox;
    struct store_mark_row *rows;
    uint32_t count;
    /*
     * false: STORE_OK means that it survives the end of the program, and a power loss from the next
     * change on that is synced, or store_sync(). No modification sequence is given twice, whatever
     * was lost: when the store is opened all mailboxes go on behind the highest one that may have
     * been given.
     */
    bool sync;
    uint64_t modseq_out; /* of all these messages; the highest of the mailbox when none was there */
};

/* STORE_EXPUNGE: leaves tombstones, each with a modification sequence of its own. */
struct store_expunge {
    uint64_t mailbox;
    const uint32_t *uids;
    uint32_t count;
    uint32_t gone_out;   /* how many were removed */
    uint64_t modseq_out; /* the mailbox's highest now */
};

/*
 * STORE_COPY: to another mailbox of the same account, or to the same one; all or none. Flags,
 * keywords, internal date, email and thread id come along, the save date is now; bodies are shared.
 * FULL: quota, of which a move needs none. LIMIT: keywords.
 */
struct store_copy {
    uint64_t from, to;
    const uint32_t *uids;
    uint32_t count;
    bool move;          /* and out of `from`, as STORE_EXPUNGE does */
    uint32_t *uids_out; /* `count`: the new UID of each, in ascending order; 0: it was not there */
    uint64_t modseq_out, from_modseq_out; /* the highest of `to` and of `from` now */
};

/* STORE_APPEND: messages into one mailbox, all or none (RFC 3502). Their rows may have been written
 * ahead. FULL, LIMIT. */
struct store_append_row {
    struct message *message; /* without deliveries; received_ms is the internal date */
    uint32_t flags;
    struct span keywords;
    uint32_t uid_out;
};

struct store_append {
    uint64_t mailbox;
    struct store_append_row *rows;
    uint32_t count;
    uint64_t modseq_out; /* the mailbox's highest now */
};

/* Makes durable what was changed without a sync; nothing when there is nothing. */
enum store_status store_sync(struct store *store);

/* ---- one message, without a view ---- */

/* What is read stays as it is until the end, also when the message is expunged meanwhile. Any
 * number at once, a view of POP3 beside them. */
struct store_reading {
    struct id128 message;
    uint64_t mailbox;
    uint32_t uid;
    uint64_t size;      /* of prefix and body */
    struct span prefix; /* in front of the body; valid until it is closed, like the tree */
    struct span tree;   /* encoded part tree of the body (proto/mime/mime_tree.h) */
};

enum store_status store_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                     const struct store_reading **reading_out);
/* Bytes from `offset` of prefix and body, as far as they lie in one piece; none at the end. They
 * stay until store_unpin(), also when the reading was closed before. One thread at a time. */
enum store_status store_reading_read(struct store *store, const struct store_reading *reading,
                                     uint64_t offset, struct span *bytes_out, void **pin_out);
void store_reading_close(struct store *store, const struct store_reading *reading);

/* ---- news ---- */

/*
 * Called once a change can be seen that brought messages into a mailbox that is watched, or took
 * some out, or the mailbox itself; on the thread that made it, of a store in memory also on
 * workers, and by several at once. Must be quick, and call nothing of the store. What has changed
 * store_mailbox_show(), store_entries_from() and store_tombstones() tell. Flags are not told.
 */
typedef void store_watch_visit(void *context, uint64_t mailbox);

/* Before the first change; NULL: nobody is told. */
void store_watch(struct store *store, store_watch_visit *visit, void *context);
/* Somebody else, who is told of every mailbox, watched or not. Likewise. */
void store_watch_all(struct store *store, store_watch_visit *visit, void *context);
/* Any thread, without a lock. Who marks a mailbox before reading it misses nothing. False: no
 * memory. */
bool store_mailbox_watch(struct store *store, uint64_t mailbox, bool watched);

#endif
