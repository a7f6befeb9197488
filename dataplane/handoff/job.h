/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_JOB_H
#define DATAPLANE_HANDOFF_JOB_H

#include "dataplane/handoff/budget.h"
#include "dataplane/handoff/message.h"
#include "proto/imap/imap_server.h"
#include "proto/pop3/pop3_mailbox.h"
#include "proto/sasl/scram_keys.h"

enum { IMAP_LANES = 16 }; /* threads of SERVICE_IMAP at most */

/*
 * A job is asked by a worker and answered by a service of control, exactly once, also when it was
 * cancelled. From job_submit() to the answer the job and all that its row in job.def declares
 * belong to control (it reads; only *_out fields are written); afterwards to the worker again. An
 * answer whose session is gone is dropped by the worker, which matches {session, generation}.
 */
enum service {
    SERVICE_STORE,   /* the commit thread: writes, commits, deletions */
    SERVICE_READ,    /* mailbox listings and message bytes */
    SERVICE_ACCOUNT, /* passwords */
    SERVICE_GREYLIST,
    SERVICE_CRYPTO,   /* private keys */
    SERVICE_IDENTITY, /* tokens and certificates */
    SERVICE_DIRECTORY,
    SERVICE_IMAP, /* mailboxes as IMAP sees them: the first of its lanes, handoff_imap_lane() */
    SERVICES = SERVICE_IMAP + IMAP_LANES,
};

enum job_kind {
#define JOB(name, service, text) JOB_##name,
#include "dataplane/handoff/job.def"
#undef JOB
    JOB_KINDS
};

enum job_status {
    JOB_OK,
    JOB_REFUSED,   /* the answer is no: wrong password, mailbox in use */
    JOB_FULL,      /* no room: quota (mailbox) */
    JOB_DISK_FULL, /* no room: disk */
    JOB_FAILED,    /* our fault; nothing was done */
    JOB_GONE,      /* an account that mail was for is not served any more; nothing was done */
    JOB_CANCELLED, /* nothing was done because the session had gone */
};

/* JOB_STORE_WRITE: one full chunk of a body, on disk, invisible until the commit. */
struct job_store_write {
    struct id128 message;
    uint32_t row; /* from 0 */
    const struct chunk
        *chunk; /* the row is chunk->data[0 .. len); CHUNK_LARGE_DATA bytes but for the last row */
};

/* JOB_STORE_COMMIT: all or nothing; JOB_OK only when it is durable. */
struct job_store_commit {
    struct message *message;
};

/* JOB_STORE_DISCARD: the rows of a message that will not be committed. */
struct job_store_discard {
    struct id128 message;
    uint32_t rows;
};

/* Why a login was refused. */
enum login_refusal {
    LOGIN_WRONG, /* name or password */
    LOGIN_BUSY,  /* too many at once, or too many wrong ones, from this address; not judged */
    LOGIN_EARLY, /* right, but too soon after the last one */
    LOGIN_SCOPE, /* of a token: good, but not for this; otherwise as LOGIN_WRONG */
};

/* JOB_ACCOUNT_LOGIN: JOB_OK, or JOB_REFUSED with a reason. */
struct job_account_login {
    struct span user, password;
    struct span identity; /* whom the user wants to act as; empty: itself */
    struct ip_address client;
    uint64_t account_out;
    uint32_t delay_ms_out; /* how long a refusal is to be held back */
    uint8_t why_out;       /* enum login_refusal */
};

/* JOB_ACCOUNT_SALT: what SCRAM's challenge takes (RFC 5802). JOB_OK also for a name that nobody
 * has, whose salt is always the same. */
struct job_account_salt {
    struct span user;
    uint8_t hash; /* enum scram_hash */
    uint8_t salt_len_out;
    uint32_t iterations_out;
    uint8_t salt_out[SCRAM_SALT_MAX];
    uint8_t nonce_out[SCRAM_SERVER_NONCE];
};

/* JOB_ACCOUNT_PROOF: does it show that the user knows the password? As JOB_ACCOUNT_LOGIN. */
struct job_account_proof {
    struct span identity, user, message;
    struct ip_address client;
    uint64_t account_out;
    uint8_t proof[SCRAM_KEY_MAX];
    uint8_t signature_out[SCRAM_KEY_MAX];
    uint32_t delay_ms_out;
    uint8_t hash;    /* enum scram_hash */
    uint8_t why_out; /* enum login_refusal */
};

/*
 * JOB_ACCOUNT_IDENTITY: whose is what the client has shown? Answered as JOB_ACCOUNT_LOGIN; with
 * JOB_OK `name` has the key of the account's address.
 */
struct job_account_identity {
    struct span shown;    /* a token; or whom a certificate that TLS has verified is for */
    struct span identity; /* whom the client wants to act as; empty: itself */
    struct ip_address client;
    uint8_t *name; /* room for ADDRESS_KEY_MAX octets */
    uint64_t account_out;
    uint32_t delay_ms_out;
    uint16_t name_len_out;
    bool token;
    uint8_t why_out; /* enum login_refusal */
};

/*
 * JOB_MAILBOX_OPEN: locks the account's inbox for one POP3 session. JOB_REFUSED: somebody else
 * holds it. JOB_FULL: it holds more than POP3_MESSAGES_MAX messages. The view is in the order of
 * UIDs; memory of the store's, unchanged until JOB_MAILBOX_CLOSE.
 */
struct job_mailbox_open {
    uint64_t account;
    uint8_t converted; /* enum pop3_form: what has these is converted for the client */
    uint8_t refused;   /* what has these is not for it */
    const struct pop3_mailbox *view_out;
};

/*
 * JOB_MAILBOX_READ: message bytes from `offset` of prefix and body taken together, as far as they
 * lie in one piece. A message that is asked for from its beginning and no larger than `most` may
 * come whole, and then whole messages behind it too, in their order, `most` bytes in all at most.
 * The pin keeps them until it is given back with JOB_MAILBOX_UNPIN.
 */
struct job_mailbox_read {
    const struct pop3_mailbox *view;
    uint32_t index;
    uint32_t most;
    uint64_t offset;
    struct span bytes_out;
    void *pin_out;
};

/* JOB_MAILBOX_UNPIN: up to 16 pins at once. */
struct job_mailbox_unpin {
    uint32_t count;
    void *pins[16];
};

/* JOB_MAILBOX_DELETE: removes the marked messages, durable before the answer. */
struct job_mailbox_delete {
    const struct pop3_mailbox *view;
    const uint8_t *marked; /* bit i: entry i */
};

/* JOB_MAILBOX_CLOSE: ends the view and its lock; all pins were given back before. */
struct job_mailbox_close {
    const struct pop3_mailbox *view;
};

/*
 * JOB_IMAP_OPEN: the session of `account` begins; JOB_FAILED: there is no such account, or no
 * memory. JOB_IMAP_COMMAND: executes a command, or ends an IDLE (`done`); JOB_IMAP_MORE goes on
 * with it; JOB_IMAP_NEWS: what an idling session is to be told. An APPEND is a COMMAND up to its
 * message, to which `append_out` says that it may come, and then JOB_IMAP_APPEND with the message
 * and what stands behind it; where another follows (`again`), `append_out` says of that the same.
 * What is to be sent is appended to `out`, at least one octet while there is more; behind it come
 * `bytes_out`, which the pin keeps. One job of a session at a time.
 */
struct imap_session;

struct job_imap {
    struct imap_session *session; /* control's; OPEN: answer */
    uint64_t account;             /* whose session it is */
    struct span command;          /* COMMAND: without its last CRLF; APPEND: behind the message */
    struct chunk *out;
    struct span bytes_out;
    void *pin_out;
    struct message *message; /* APPEND: without deliveries; NULL: it was not good */
    const char *fault;       /* APPEND: why it was not; lasts */
    uint64_t append_max;     /* COMMAND: octets that a message may have */
    bool again;              /* APPEND: another message follows; `command` up to its literal */
    bool nul;                /* APPEND: there is one in the message */
    bool fault_bad;          /* APPEND: for such a fault a command is BAD */
    bool append_out;         /* COMMAND, APPEND: the message that follows may come */
    bool stored_out;         /* APPEND: it is in the mailbox, or kept for the end of the command */
    bool done;               /* COMMAND: the line that ends an IDLE */
    bool more_out;           /* ask again with JOB_IMAP_MORE; of what follows nothing is set */
    bool bad_out;            /* the command was answered BAD */
    uint8_t state_out;       /* enum imap_executed */
};

/* JOB_GREYLIST: JOB_OK lets the recipient's mail in, JOB_REFUSED has it come again. */
struct job_greylist {
    const struct chunk *triple; /* the key of greylist.h is triple->data[0 .. len) */
};

/*
 * JOB_DIRECTORY_ADDRESS: what does an address lead to, that the directory's table does not know?
 * JOB_DIRECTORY_SENDER: and may the account send as it? JOB_OK: the table knows now, for a while:
 * look again. JOB_FAILED: nobody can say.
 */
struct job_directory {
    const struct chunk *names; /* data[0 .. address): address_key(), not folded; behind it, up to
                                  len, the key of the account's own address */
    uint64_t account;          /* of SENDER */
    uint32_t address;
};

struct tls_outcome;

/*
 * JOB_TLS_HANDSHAKE: goes on with a handshake, or begins one. JOB_OK: it waits for the peer, or is
 * over when there is an outcome. JOB_REFUSED: it has failed, and `out_out` has the alert.
 * JOB_FAILED: it could not be begun. Each that was begun ends with JOB_TLS_END.
 */
struct job_tls_handshake {
    struct span in;     /* from the peer: whole records, or the next part of one */
    void *handshake;    /* NULL: begins one */
    uint16_t port;      /* of the listener */
    uint32_t taken_out; /* of `in`; what is behind the end of the handshake is not */
    void *handshake_out;
    struct span out_out; /* to be sent */
    uint32_t memory_out; /* bytes that are held for it */
    const struct tls_outcome *outcome_out;
    const char *why_out; /* lasts */
};

struct job_tls_end {
    void *handshake;
};

struct job {
    uint8_t kind;   /* enum job_kind */
    uint8_t status; /* enum job_status, with the answer */
    uint16_t worker;
    uint32_t session;
    uint32_t generation;
    _Atomic uint32_t cancelled; /* the session is gone: skip what was not begun */
    uint64_t asked_tsc;         /* for the worker's own accounting */
    struct job *next;           /* for the holder's lists */
    union {
        struct job_store_write store_write;
        struct job_store_commit store_commit;
        struct job_store_discard store_discard;
        struct job_account_login account_login;
        struct job_account_salt account_salt;
        struct job_account_proof account_proof;
        struct job_account_identity account_identity;
        struct job_mailbox_open mailbox_open;
        struct job_mailbox_read mailbox_read;
        struct job_mailbox_unpin mailbox_unpin;
        struct job_mailbox_delete mailbox_delete;
        struct job_mailbox_close mailbox_close;
        struct job_imap imap;
        struct job_greylist greylist;
        struct job_directory directory;
        struct job_tls_handshake tls_handshake;
        struct job_tls_end tls_end;
    };
};
_Static_assert(sizeof(struct job) <= BUDGET_JOB, "three cache lines");

enum service job_service(enum job_kind kind);

#endif
