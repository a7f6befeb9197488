/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_DIRECTORY_BACKEND_H
#define CONTROL_DIRECTORY_DIRECTORY_BACKEND_H

#include "dataplane/handoff/directory.h"
#include "proto/sasl/scram_keys.h"

/*
 * The directory: who has an account here, what an address leads to, who may log in. This is what a
 * back end answers, and the whole of what it has to know of the rest; docs/directory.md.
 *
 * Back ends are asked in their configured order, from control threads, never from a worker. `ask`
 * takes a question and does not block; it is answered exactly once, with directory_answer(), from
 * any thread, at once or later. Who has to wait for something (a server, a disk) has a
 * directory_pool of its own, so that a back end that is stalled stalls no other.
 *
 * A back end says NOBODY only when it knows so. When it cannot know it says UNAVAILABLE: then no
 * other is asked, nothing is remembered, and whoever waits is told to come again.
 *
 * Names are keys, as address_key() makes them: "@" and domain as A-labels in lower case; the local
 * part is folded or not as its domain says, and a back end compares octets. Accounts are known by
 * the key of their one primary address; the ids of the store are the asker's business.
 */
enum directory_result {
    DIRECTORY_FOUND,
    DIRECTORY_NOBODY,      /* nothing of that name is here; the next back end is asked */
    DIRECTORY_WRONG,       /* of PASSWORD alone: somebody, or nobody, and not that password */
    DIRECTORY_UNAVAILABLE, /* nothing is known; our fault */
};

enum directory_ask {
    /* Is `name` a domain with addresses here? Answers answer.policy, and in members what its
     * catch-all leads to. A back end that has accounts in domains of others answers NOBODY. */
    DIRECTORY_ASK_DOMAIN,
    /* What does the address `name` lead to? Answers members: the account, or those that an alias or
     * group leads to in the end, and addresses on other servers. A detail was taken off, and
     * catch-alls are not meant. */
    DIRECTORY_ASK_ADDRESS,
    /* May the account with the key `account` send as `name`, or as all of `name`'s domain? FOUND or
     * NOBODY. What leads to the account by ASK_ADDRESS it may anyway, and is not asked about. */
    DIRECTORY_ASK_SENDER,
    /* Who logs in as `name`, and what is known of its password? Answers members[0] and hash, scram;
     * an account without either cannot log in. Or `verifies`: see PASSWORD. */
    DIRECTORY_ASK_CREDENTIALS,
    /*
     * Is `password` that of `name`? Asked of the back end that said `verifies`, and answered with
     * members[0]. It may say `verifies` with NOBODY too: then it is asked this if nobody else has
     * the name, and answers WRONG after what it takes for others, so that time tells nobody who
     * exists. In all other cases the asker hashes, once for each login, for nobody too.
     */
    DIRECTORY_ASK_PASSWORD,
    /* Whose is `name`, an identity that `source` has proved? Answers members[0]. The identity's
     * form is the source's; a mail address is given as a key. */
    DIRECTORY_ASK_IDENTITY,
    /* Keep `hash` and `scram` for the account `name`, which has logged in by password, instead of
     * `stale`, its hash before (if that is still it). FOUND: done. */
    DIRECTORY_ASK_UPGRADE,
};

/* Who has proved an identity. */
enum directory_source { DIRECTORY_OAUTH, DIRECTORY_CERTIFICATE };

/* What is so for all of a domain. */
struct directory_policy {
    bool known;               /* false, of a member: its domain is of the configuration */
    uint8_t class;            /* enum directory_class */
    uint8_t detail_separator; /* 0: none */
    bool case_sensitive;
    bool greylist;
    int32_t quarantine_score, reject_score; /* thousandths; INT32_MAX: off */
    struct span tenant;                     /* its name */
};

/* An account, or an address on another server that mail goes on to. */
struct directory_member {
    struct span key;     /* of its primary address */
    struct span forward; /* the address on another server, as config_forward_address() writes it;
                            `mailbox` is then who passes the mail on, and the rest is not filled.
                            Empty: an account */
    bool no_copy;        /* an account whose mail is all forwarded */
    struct span mailbox; /* that address as spelled, the domain as A-labels; empty: as the key */
    uint64_t quota;      /* octets; 0: none; DIRECTORY_QUOTA_DEFAULT: that of store.quota */
    uint64_t id;         /* in the store; 0: not known to the back end */
    /* What stays when the key changes, DIRECTORY_UNIQUE octets that no other account of any back
     * end has; empty: nothing does. */
    struct span unique;
    bool elsewhere;                 /* of a domain's or alias's members: `key` is an account of the
                                       configuration, and the rest is not filled: what it leads to is in the
                                       workers' table */
    struct directory_policy policy; /* of the account's own domain */
};
#define DIRECTORY_QUOTA_DEFAULT UINT64_MAX
enum { DIRECTORY_UNIQUE = 32 };

struct directory_answer {
    struct directory_policy policy; /* of DOMAIN */
    uint32_t count;
    struct directory_member *members; /* the asker's, room for `room` */
    uint32_t room;
    bool verifies;
    struct span hash;                /* for crypt(3); empty: none */
    struct span scram[SCRAM_HASHES]; /* RFC 5803; empty: none */
    bool stale;                      /* the back end would like an UPGRADE after a login */
    struct writer text;              /* the asker's memory, for directory_text() */
};

struct directory_chain;

struct directory_question {
    /* The asker's, valid until `done`. */
    uint8_t kind;   /* enum directory_ask */
    uint8_t source; /* enum directory_source */
    struct span name, account, password, hash, stale;
    struct span scram[SCRAM_HASHES];
    uint64_t deadline_ms; /* monotonic: an answer after it is late */
    /* Once, on whatever thread the answer comes on; must not block. The question is the asker's
     * again. */
    void (*done)(struct directory_question *question, enum directory_result result);
    /* The back end's to fill. Spans go through directory_text(). */
    struct directory_answer answer;
    /* The back end's, while it has the question. */
    struct directory_question *next;
    /* Set for the asker, before `done`: the place in the chain of the back end that answered with
     * FOUND, or said `verifies`; directory_chain_ask_one() takes it. */
    uint32_t from;
    /* Private to directory_chain.c. */
    struct directory_chain *chain;
    uint32_t at, verifier;
    bool one;
};

/* Copies octets for the answer. Empty, and answer.text.full is set, when there is no room: the back
 * end then answers UNAVAILABLE. */
struct span directory_text(struct directory_question *question, struct span octets);
/* The next member of the answer, all zeros; NULL: there is no room. */
struct directory_member *directory_member(struct directory_question *question);
/* Gives the question back with its result. */
void directory_answer(struct directory_question *question, enum directory_result result);

struct directory_backend;

struct directory_backend_ops {
    const char *name; /* as in directory.backends */
    /* What may be not in the workers' table: addresses have to be asked for. False: all that it has
     * was put there (the configuration's own). */
    bool dynamic;
    void (*ask)(struct directory_backend *backend, struct directory_question *question);
    /* Ends what runs, and frees. No question is with it any more. */
    void (*free)(struct directory_backend *backend);
};

/* The first member of a back end's own struct. */
struct directory_backend {
    const struct directory_backend_ops *ops;
};

#endif
