/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_DIRECTORY_H
#define DATAPLANE_HANDOFF_DIRECTORY_H

#include "proto/base/writer.h"

/*
 * Addresses and domains that workers can look up without a job: immutable entries in a hash table
 * that is read under RCU (QSBR) and changed one entry at a time by control. A name found stays
 * valid until the reader's next quiescent state. What the configuration has is here for good; what
 * other back ends were asked about, for a while: that somebody is there, or nobody. Of each of the
 * two kinds there are at most so many; the one that was put first makes room.
 */
enum directory_kind {
    DIRECTORY_ADDRESS, /* key: address_key() of local part and domain */
    DIRECTORY_DOMAIN,  /* key: the domain as A-label in lower case */
    DIRECTORY_SENDER,  /* key: directory_sender_key(): the account may send as that. No accounts */
    DIRECTORY_QUEUE,   /* key: DIRECTORY_QUEUE_KEY: where mail for other servers is kept */
};

#define DIRECTORY_QUEUE_KEY "queue"

/* Octets of the key of any DIRECTORY_SENDER: an account's id, and an address's key. */
enum { DIRECTORY_SENDER_KEY = 8 + 320 };

/* `name`: the key of an address, or "@" and a domain. */
static inline void directory_sender_key(struct writer *w, uint64_t account, struct span name)
{
    writer_uint(w, account, 8);
    writer_span_put(w, name);
}

enum directory_class { DIRECTORY_LOCAL, DIRECTORY_REFUSED };

/* A mailbox that mail to an address ends in, or an address on another server that it goes on to. */
struct directory_account {
    uint64_t id;  /* immutable; of a forward: the queue's */
    bool no_copy; /* all its mail is forwarded: it may send as that address, and gets none */
    int32_t quarantine_score,
        reject_score;    /* of the account's own domain, for verdicts; INT32_MAX when off */
    struct span address; /* for Delivered-To: as configured, the domain as A-labels; of a forward:
                            who passes the mail on */
    struct span forward; /* where the mail goes on to, in the same form; empty: a mailbox here */
    struct span tenant;  /* name of whose the account's own domain is, for rules */
};

enum { DIRECTORY_ACCOUNTS = 100 }; /* most accounts of an entry: one recipient fits a message */

struct directory_entry {
    uint64_t tenant, domain; /* immutable ids */
    uint64_t version;        /* of the configuration that put it, to sweep what a reload left out */
    uint8_t kind;            /* enum directory_kind */
    uint8_t class;           /* enum directory_class */
    uint8_t
        detail_separator; /* of a domain: stands between user and detail in a local part; 0: none */
    bool case_sensitive;  /* of a domain: the local parts in its addresses' keys are not folded */
    bool greylist;        /* mail from strangers waits */
    bool exempt;      /* of an address: a postmaster's or abuse, to whom content is never refused */
    bool absent;      /* there is no such name: nothing else is filled */
    uint32_t until_s; /* wall clock, seconds since 1970: is not true any more; 0: for good */
    uint32_t account_count; /* of a domain: those of its catch-all, 0 without one; of an address: at
                               least 1, each once */
    const struct directory_account *accounts;
    struct span key;
};

struct directory;

/* At most `entries_max` entries for good. */
struct directory *directory_new(uint32_t entries_max);
/* At most so many entries for a while, of either kind; before the first of them. `key` makes places
 * in the table unforeseeable: before the first entry. */
void directory_cache(struct directory *d, uint32_t found, uint32_t absent, const uint8_t key[16]);
/* What is not here may be elsewhere: workers ask. Control only. */
void directory_set_dynamic(struct directory *d, bool dynamic);
void directory_free(struct directory *d);
/* Copies the fields, the accounts with their texts, and `key` (fields->key is not looked at);
 * an entry of the same kind and key is replaced. False: full or no memory. Control only. */
bool directory_put(struct directory *d, const struct directory_entry *fields, struct span key);
/* An entry for a while: key and `fields`' kind, until_s and exempt, and the accounts of the entry
 * `like`. False: there is none. Control only. */
bool directory_put_like(struct directory *d, const struct directory_entry *fields, struct span key,
                        enum directory_kind like_kind, struct span like);
/* Removes the entry if it is one for a while. Control only. */
void directory_forget(struct directory *d, enum directory_kind kind, struct span key);
/* Removes all that are for a while. Control only. */
void directory_forget_all(struct directory *d);
/* Copies what an address leads to that is there for good, at most `room`, its texts into `text`.
 * The number; 0 where there is none, or where it does not fit. Control only. */
uint32_t directory_copy(struct directory *d, struct span key, struct directory_account *accounts,
                        uint32_t room, struct writer *text);
/* Moves with every change, once readers can see it: while it stays, so does what they find, but for
 * what is true for a while. From any thread. */
uint64_t directory_changes(const struct directory *d);
/* Whether there is one for good. Control only. */
bool directory_keeps(struct directory *d, enum directory_kind kind, struct span key);
/* Removes all entries whose version differs, and those that are for a while. Control only. */
void directory_sweep(struct directory *d, uint64_t version);
/* From any thread. */
uint32_t directory_count(const struct directory *d);
/* Of them, how many for a while: names that are there, names that are not. */
uint32_t directory_cached(const struct directory *d, bool absent);

enum directory_sight {
    DIRECTORY_HERE,
    DIRECTORY_ABSENT, /* there is no such name */
    DIRECTORY_UNSEEN, /* nobody knows yet */
};

/* From a registered RCU reader. `now_s`: wall clock. HERE: *entry_out. */
enum directory_sight directory_look(struct directory *d, enum directory_kind kind, struct span key,
                                    uint32_t now_s, const struct directory_entry **entry_out);
/* NULL when there is none, or nobody knows. From a registered RCU reader. */
const struct directory_entry *directory_find(struct directory *d, enum directory_kind kind,
                                             struct span key);

#endif
