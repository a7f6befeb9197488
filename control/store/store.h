/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_H
#define CONTROL_STORE_STORE_H

#include "dataplane/handoff/job.h"
#include "dataplane/handoff/message.h"

/*
 * Where mail lies. No type of a back end appears here: RocksDB is one implementation of struct
 * store_ops, others stand beside it. All calls block, from any control thread; changes are
 * serialised inside. What the rows are: docs/store.md.
 */
struct store;

enum store_status {
    STORE_OK,
    STORE_NONE,      /* no such account, mailbox or message */
    STORE_BUSY,      /* the mailbox is open elsewhere */
    STORE_FULL,      /* the account's quota, or the one of its quarantine */
    STORE_DISK_FULL, /* nothing was done */
    STORE_CORRUPT,   /* a row that cannot be read */
    STORE_NEWER,     /* written by a later version of the program */
    STORE_FAILED,    /* I/O error or a caller's mistake; nothing was done */
    STORE_TOO_OLD,   /* tombstones that were asked for have been collected */
    STORE_EXISTS,    /* the name is taken */
    STORE_LIMIT, /* a bound of the store's own: mailboxes of an account, keywords of a mailbox */
};

enum { STORE_ERROR = 256 };

struct store_options {
    const char *path;        /* a directory of the store's own; created */
    bool sync;               /* false: nothing survives a power loss; for measurements */
    uint16_t node;           /* this machine's number among all that share accounts */
    uint64_t memtable_bytes; /* written rows kept in memory before they become a file, a column
                                family; 0: 16 MiB */
    uint64_t cache_bytes;    /* cache of blocks read; 0: 64 MiB */
    uint64_t reserve_bytes;  /* commits are STORE_DISK_FULL while less than this is free; 0: none */
    uint64_t memory_bytes;   /* of a store in memory: commits are STORE_DISK_FULL when it is full;
                                0: 1 GiB, at most 256 GiB */
    bool prefault;           /* of a store in memory: all of it is taken from the system at once */
};

/* Out: *store_out, or a reason in `error` (STORE_ERROR bytes, NUL-terminated). Removes what older
 * incarnations left uncommitted. */
enum store_status store_rocks_open(const struct store_options *options, struct store **store_out,
                                   char *error);
/* In plain memory, gone with store_close(), for workers themselves (control/store/store_near.h); of
 * the options it heeds `memory_bytes`. */
enum store_status store_memory_open(const struct store_options *options, struct store **store_out,
                                    char *error);
/* All views were closed and all pins given back. */
void store_close(struct store *store);
/* Wall milliseconds since 1970 that no id of a message committed before this opening lies behind:
 * ids begin there when the wall clock has gone back meanwhile. 0: none. */
uint64_t store_clock(struct store *store);

enum { STORE_SECRET = 32 };

/* Random octets that are this store's for ever: what must look random and stay the same is made of
 * them. */
void store_secret(struct store *store, uint8_t secret_out[STORE_SECRET]);
const char *store_status_name(enum store_status status);

/* ---- tenants, domains, accounts: found by name, or made with a new id that never changes and is
 * never used again ---- */

enum store_status store_tenant_put(struct store *store, struct span name, uint64_t *tenant_out);
/* `class` is enum directory_class. Class and tenant of an existing domain are brought up to date.
 */
enum store_status store_domain_put(struct store *store, uint64_t tenant, struct span name,
                                   uint8_t class, uint64_t *domain_out);

enum {
    STORE_NAME = 1024, /* longest name, bytes */
    STORE_UIDL = 70,   /* longest unique-id (RFC 1939 section 7) */
};

/* Key of the account whose mailboxes hold what is to go to other servers: no address. */
#define STORE_QUEUE "(queue)"

struct store_account {
    uint64_t domain;
    struct span key;       /* address_key() of its primary address */
    uint64_t quota_octets; /* of everything but the quarantine; 0: none */
};

/* Makes the account's inbox and quarantine with it. The quota of an existing account is brought up
 * to date; a larger one makes room. */
enum store_status store_account_put(struct store *store, const struct store_account *account,
                                    uint64_t *account_out);
/* The account that is known by `from`, if that is it, is known by `to` from now on. STORE_NONE: it
 * is not, and nothing was done; STORE_FAILED also where another one is known by `to`. */
enum store_status store_account_rename(struct store *store, uint64_t account, struct span from,
                                       struct span to);
enum store_status store_account_find(struct store *store, struct span key, uint64_t *account_out);

/* An account that is full: of mail that came for its inbox some was refused for want of room, and
 * since then none was taken and no room made. */
struct store_full {
    uint64_t account;
    uint64_t since_ms; /* wall clock; 0: not full any more */
    uint64_t room;     /* octets left of its quota; UINT64_MAX without one */
};

/* Must be quick, and call nothing of the store. One call at a time. */
typedef void store_full_visit(void *context, const struct store_full *full);

/* From now on tells of each account that becomes full, changes while it is, and is not any more; of
 * one that was full before with its next store_account_put(). NULL: nobody is told. */
void store_full_watch(struct store *store, store_full_visit *visit, void *context);

/* ---- changes ---- */

/*
 * One full row of a body, in ascending order of `row`, on disk but invisible until the message is
 * committed. STORE_FAILED also when an earlier row is missing. Rows that are never committed
 * vanish with STORE_DISCARD or the next open.
 */
enum store_status store_write(struct store *store, const struct id128 *message, uint32_t row,
                              struct span bytes);

enum store_change_kind {
    STORE_COMMIT,
    STORE_DELETE,
    STORE_DISCARD,
    STORE_RELEASE, /* control/store/store_quarantine.h, like the next */
    STORE_DROP,
    STORE_IMPORT, /* control/store/store_import.h */
    STORE_MARK,   /* control/store/store_mailbox.h, like the rest */
    STORE_EXPUNGE,
    STORE_COPY,
    STORE_APPEND,
};

struct store_change {
    uint8_t kind; /* enum store_change_kind */
    enum store_status status_out;
    union {
        struct message *message; /* COMMIT: whole or not at all; sets uid_out of its deliveries */
        struct {
            const struct pop3_mailbox *view;
            const uint8_t *marked; /* DELETE: bit i, entry i; what is gone already is passed over */
        };
        struct id128 discarded;              /* DISCARD */
        struct store_quarantine *quarantine; /* RELEASE, DROP */
        struct store_import *import;         /* IMPORT */
        struct store_mark *mark;             /* MARK */
        struct store_expunge *expunge;       /* EXPUNGE */
        struct store_copy *copy;             /* COPY */
        struct store_append *append;         /* APPEND */
    };
};

/*
 * All changes in one batch and one sync (none of nothing but STORE_MARKs that do not ask for it);
 * each has its own status, and one that is impossible
 * (quota, account gone) fails alone. STORE_OK means durable. Bodies that nobody refers to any more
 * go in the same batch.
 */
void store_apply(struct store *store, struct store_change *changes, uint32_t count);

/* ---- an account's inbox as one POP3 session sees it ---- */

/* Locks the inbox for other views. What is changed behind its back does not show, and can still be
 * read. */
enum store_status store_view_open(struct store *store, uint64_t account,
                                  const struct pop3_mailbox **view_out);
/* Bytes from `offset` of prefix and body, as far as they lie in one piece; none at the end. They
 * stay until store_unpin(). */
enum store_status store_view_read(struct store *store, const struct pop3_mailbox *view,
                                  uint32_t index, uint64_t offset, struct span *bytes_out,
                                  void **pin_out);
/* Messages `index` to `index + count - 1`, whole and one behind the other, to the end of `out`,
 * which has room for all. Where one cannot be read, only those before it are there. */
enum store_status store_view_gather(struct store *store, const struct pop3_mailbox *view,
                                    uint32_t index, uint32_t count, struct writer *out);
/* A pin's lowest bit is 0. */
void store_unpin(struct store *store, void **pins, uint32_t count);
void store_view_close(struct store *store, const struct pop3_mailbox *view);

/* ---- what there is ---- */

enum { STORE_FOLDER = 2 }; /* place of a mailbox beside the two of enum message_place */

struct store_mailbox {
    uint64_t id, account;
    struct span name; /* valid during the call */
    uint8_t place;    /* enum message_place or STORE_FOLDER */
    uint16_t uses;    /* enum store_use (control/store/store_mailbox.h) */
    uint32_t uid_validity, uid_next;
    uint64_t
        modseq;     /* the highest so far; never goes back, and may grow when the store is opened */
    uint64_t floor; /* up to here tombstones are forgotten */
    uint64_t messages, octets;
    struct span keywords; /* all that were ever used in it, each a blob, in the order of their first
                             use; valid during the call */
};

/* A message in a mailbox. Spans are valid during the call that hands it out. */
struct store_entry {
    uint64_t mailbox, account;
    uint32_t uid;
    uint8_t place;        /* enum message_place or STORE_FOLDER */
    uint8_t retention;    /* class of retention; 0 is the default one */
    uint8_t form;         /* enum pop3_form: what a plain client cannot take as it is */
    uint16_t delivery;    /* which recipient of the envelope */
    struct id128 message; /* the shared body */
    struct id128 thread;
    struct id128
        email_base; /* with email_delivery: the email id, alike wherever this copy is copied to */
    uint16_t email_delivery;
    uint64_t incarnation; /* under which the body's rows were written */
    uint32_t prefix_len;
    uint64_t size; /* prefix and body */
    uint64_t internal_ms, saved_ms;
    uint64_t modseq;
    uint32_t flags;       /* enum store_flag */
    struct span keywords; /* each a blob (32-bit length, bytes) */
    struct span
        uidl; /* given by an import: STORE_UIDL bytes at most; empty: made of UIDVALIDITY and UID */
    struct span verdict; /* id of the rule that put it here */
};

enum store_flag {
    STORE_FLAG_SEEN = 1,
    STORE_FLAG_ANSWERED = 2,
    STORE_FLAG_FLAGGED = 4,
    STORE_FLAG_DELETED = 8,
    STORE_FLAG_DRAFT = 16,
};

/* What came with the message, as it was said. Spans are valid during the call that hands it out. */
struct store_message {
    struct id128 id;
    uint64_t size; /* of the shared body */
    uint32_t rows;
    uint64_t received_ms;
    struct message_envelope envelope;
    struct span tree; /* encoded part tree */
    uint32_t deliveries;
    struct store_recipient {
        struct span recipient, orcpt;
        uint8_t notify, place;
        uint64_t account;
    } delivery[MESSAGE_DELIVERIES];
};

/* False ends the walk, which is then STORE_OK. */
typedef bool store_mailbox_visit(void *context, const struct store_mailbox *mailbox);
typedef bool store_entry_visit(void *context, const struct store_entry *entry);
typedef bool store_message_visit(void *context, const struct store_message *message);
typedef bool store_bytes_visit(void *context, struct span bytes);

/* Of one account, in the byte order of names, or of all with 0. */
enum store_status store_mailboxes(struct store *store, uint64_t account, store_mailbox_visit *visit,
                                  void *context);
/* In the order of UIDs. */
enum store_status store_entries(struct store *store, uint64_t mailbox, store_entry_visit *visit,
                                void *context);
/* From that UID on. */
enum store_status store_entries_from(struct store *store, uint64_t mailbox, uint32_t uid,
                                     store_entry_visit *visit, void *context);
enum store_status store_entry_find(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_entry_visit *visit, void *context);
/* Every mailbox entry of a message. */
enum store_status store_places(struct store *store, const struct id128 *message,
                               store_entry_visit *visit, void *context);
enum store_status store_message_show(struct store *store, const struct id128 *message,
                                     store_message_visit *visit, void *context);
/* Prefix and body, exactly as POP3 would give them, in pieces. */
enum store_status store_export(struct store *store, uint64_t mailbox, uint32_t uid,
                               store_bytes_visit *visit, void *context);
/* UIDs of a mailbox deleted since a modification sequence, oldest first, through entry->uid,
 * entry->modseq and entry->saved_ms (when) alone. STORE_TOO_OLD: some of them are forgotten, and
 * the asker must compare all UIDs (RFC 7162 section 3.2.5.2). */
enum store_status store_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                   store_entry_visit *visit, void *context);

/* What a walk over the whole store found; everything from `bad` on is 0 in a sound one. */
enum { STORE_FAULTS_MAX = 16 };

struct store_health {
    uint64_t bodies, entries, rows;
    uint64_t bad;      /* rows that cannot be read */
    uint64_t bodiless; /* entries without a body, bodies with rows missing */
    uint64_t orphans;  /* rows of bodies, references, envelopes that nothing leads to */
    uint64_t counts;   /* mailbox or quota counters that differ from what is there */
    uint64_t repaired; /* of all these */
    uint64_t faults[STORE_FAULTS_MAX]; /* by enum store_fault_class */
};

/* A fault of one row, or of one counter. What it has nothing of is 0. */
struct store_fault {
    uint8_t class; /* enum store_fault_class */
    struct id128 message;
    uint64_t account, mailbox;
    uint32_t uid;
    bool repaired;
};

enum store_fault_class {
#define STORE_FAULT(NAME, name, sum, repair, text) STORE_FAULT_##NAME,
#include "control/store/store_fault.def"
#undef STORE_FAULT
    STORE_FAULTS
};

struct store_fault_row {
    const char *name;
    bool repair; /* store_fsck() can make it good */
    const char *text;
};
extern const struct store_fault_row store_faults[STORE_FAULTS];

typedef void store_fault_visit(void *context, const struct store_fault *fault);

struct store_fsck {
    bool repair; /* makes good what can be, without a risk to mail */
    store_fault_visit
        *visit; /* each fault, but no more than STORE_FSCK_VISITS of a class; may be NULL */
    void *context;
};

enum { STORE_FSCK_VISITS = 64 };

/*
 * Slow: reads every row, as of one moment, while changes go on; only a repair holds them back, for
 * the time of one row. STORE_BUSY: ended early, since another check runs or the store has to be
 * opened again after an error.
 */
enum store_status store_fsck(struct store *store, const struct store_fsck *options,
                             struct store_health *health_out);
/* The same, repairing and telling nothing. */
enum store_status store_check(struct store *store, struct store_health *health_out);

#endif
