/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_BLAST_ORDER_H
#define DATAPLANE_HANDOFF_BLAST_ORDER_H

#include "dataplane/handoff/metric.h"
#include "dataplane/handoff/tls_outcome.h"
#include "proto/base/ip_address.h"
#include "proto/base/log_histogram.h"
#include "proto/imap/imap_response.h"
#include "proto/pop3/pop3_client.h"
#include "proto/smtp/smtp_client.h"

/*
 * What control orders of the load generator, and what it is told: the whole contract of
 * `wirepost blast` and `wirepost sink` between the two sides. An order is immutable while it is
 * carried out, and everything in it is borrowed.
 *
 * TLS stands between tcp_peek() and the protocol's machine, so that neither sees the other.
 */
struct blast_told;

enum blast_work { BLAST_WORK_SMTP, BLAST_WORK_POP3, BLAST_WORK_IMAP, BLAST_WORK_SINK };

/* What IMAP sessions say: those of the mix first. */
enum blast_imap_step {
#define BLAST_IMAP_STEP(name, latency)
#define BLAST_IMAP_ACTION(name, latency, weight, text) BLAST_IMAP_##name,
#include "dataplane/handoff/blast_imap_step.def"
#undef BLAST_IMAP_STEP
#undef BLAST_IMAP_ACTION
    BLAST_IMAP_ACTIONS,
    BLAST_IMAP_BEFORE = BLAST_IMAP_ACTIONS - 1,
#define BLAST_IMAP_STEP(name, latency) BLAST_IMAP_##name,
#define BLAST_IMAP_ACTION(name, latency, weight, text)
#include "dataplane/handoff/blast_imap_step.def"
#undef BLAST_IMAP_STEP
#undef BLAST_IMAP_ACTION
    BLAST_IMAP_STEPS,
};

enum {
    BLAST_ADDRESSES = 64,
    BLAST_CODES = 600,
    BLAST_RECIPIENTS = 100,      /* of a message */
    BLAST_VERIFY_RECIPIENTS = 8, /* of a message that is read back */
    BLAST_HEAD = 512,            /* bytes that blast_head() writes at most */
    BLAST_STEPS = 32,            /* of the rate */
};

/* Whether sessions are under TLS from the beginning, or ask for it (RFC 3207, 2595, 9051). */
enum blast_tls { BLAST_TLS_OFF, BLAST_TLS_IMPLICIT, BLAST_TLS_STARTTLS };

enum blast_tls_step { BLAST_TLS_MORE, BLAST_TLS_DONE, BLAST_TLS_FAILED };

/*
 * The client's side of handshakes, which control knows how to do; each is called by one worker on
 * its own thread, and may take as long as the arithmetic does.
 */
struct blast_tls_calls {
    void *context;
    /* NULL: no memory. With `resume` it tries a session that this worker was given before. */
    void *(*begin)(void *context, uint32_t worker, bool resume);
    /* Goes on with what the server has sent, nothing at first; *out is what it is to be sent, valid
     * until the next call; *taken_out bytes of `in` were the handshake's. */
    enum blast_tls_step (*feed)(void *handshake, struct span in, struct span *out,
                                uint32_t *taken_out);
    const struct tls_outcome *(*outcome)(const void *handshake); /* after DONE; the handshake's */
    const char *(*why)(const void *handshake);                   /* after FAILED; lasts */
    /* Whether whole records behind the end are to be shown to listen(), until that says false. */
    bool (*listens)(const void *handshake);
    bool (*listen)(void *handshake, struct span record);
    void (*end)(void *handshake);
};

/* For so long so many new sessions a second. */
struct blast_step {
    double rate;
    uint64_t us;
};

struct blast_address {
    struct ip_address address, gateway;
    uint8_t prefix; /* bits of the address's own family */
    bool has_gateway;
};

/* A prepared message. Each one sent begins with a head of its own, see blast_head(). */
struct blast_text {
    struct span raw;  /* ends in CRLF, no other line ends, no NUL */
    struct span wire; /* the same with dots doubled and ".CRLF" behind it */
    uint64_t sum;     /* siphash() of `raw` with a key of zeros */
};

struct blast_order {
    /* The port: see struct engine_options. */
    const char *program, *pmd, *interface, *device;
    const char *const *eal;
    uint32_t eal_count;
    struct blast_address addresses[BLAST_ADDRESSES];
    uint32_t address_count;
    uint16_t vlan;
    uint32_t workers;
    uint64_t cpus[16]; /* the workers', a bit each; none: chosen */
    bool busy;         /* workers never sleep */
    bool offloads;

    /* The work. */
    enum blast_work work;
    struct ip_address target, pop3_target;
    uint16_t port, pop3_port;             /* SINK: `port` is ours */
    uint64_t messages;                    /* in all, 0: no end */
    uint64_t logins;                      /* POP3, IMAP: sessions in all, 0: no end */
    uint64_t duration_us;                 /* of the load, 0: until all is sent */
    uint64_t drain_us;                    /* how long sessions may go on after that */
    uint32_t sessions;                    /* at a time, all workers together */
    double rate;                          /* open loop: new sessions a second; 0: closed loop */
    uint64_t ramp_us;                     /* the rate grows evenly from 0 for so long */
    struct blast_step steps[BLAST_STEPS]; /* open loop as well: one after the other */
    uint32_t step_count;
    uint32_t burst;    /* open loop as well: so many sessions at once, 0: none */
    uint64_t burst_us; /* from one burst to the next */
    double rate_limit; /* new sessions a second at most, also in a closed loop */
    uint64_t
        hold_us;    /* sessions say hello and then nothing, until so long after all stand; 0: not */
    uint32_t reuse; /* messages a connection, at least 1 */
    uint64_t timeout_us; /* silence until a session is given up */

    /* Shares of the sessions that do not behave, in percent, 100 together at most. */
    uint32_t slow_senders, slow_readers, broken;
    uint32_t slow_bytes;          /* a second, of those that are slow */
    uint64_t seed;                /* who is which */
    double loss;                  /* of 1: share of the frames lost on purpose, each way */
    uint64_t delay_us, jitter_us; /* added each way, and evenly as much more or less */
    double flood_rate;            /* SYNs a second from flood_from, 0: none */
    struct blast_address flood_from;

    /* TLS. */
    enum blast_tls tls;
    uint32_t tls_resume; /* percent of the handshakes that try to resume */
    struct blast_tls_calls tls_calls;

    /* SMTP. */
    struct span hostname, sender;
    const struct span *users; /* user_count + recipients of them, the first again at the end */
    const bool *rejected;     /* of each user: the server is expected to refuse it */
    uint32_t reject_code;     /* every message is expected to be refused with it; 0: none is */
    uint32_t user_count;
    uint32_t recipients; /* of a message, at most user_count and BLAST_RECIPIENTS */
    bool pipelining, chunking;
    const struct blast_text *texts;
    uint32_t text_count;
    uint64_t run; /* names this run in each message */

    /* POP3 and IMAP. */
    struct span password;
    uint32_t retrieve; /* POP3: messages a session at most; IMAP: of one `read` */
    bool delete;
    bool listing; /* LIST and UIDL before the messages */

    /* IMAP. */
    uint32_t weights[BLAST_IMAP_ACTIONS]; /* of the mix; their sum is not 0 */
    uint64_t commands;                    /* of the mix in one session */
    uint32_t fetch;                       /* messages of one `envelope` or `headers` */
    uint32_t watchers; /* of the sessions, that do nothing but IDLE for as long as the load lasts */

    bool compare; /* with what a run of the same words, whichever, has sent to the mailbox */
    bool verify;  /* after the load: read back what was sent */

    /* What is told, on the caller's thread. */
    void *context;
    void (*second)(void *context, const struct blast_told *told); /* about once a second */
    bool (*stopped)(void *context); /* asked ten times a second: end the load now */
    void (*counter)(void *context, const char *name,
                    uint64_t value); /* of the engine, at the end */
};

struct blast_counts {
#define BLAST_COUNT(name, text) uint64_t name;
#include "dataplane/handoff/blast_count.def"
#undef BLAST_COUNT
};

enum blast_latency {
#define BLAST_LATENCY(name, text) BLAST_LATENCY_##name,
#include "dataplane/handoff/blast_latency.def"
#undef BLAST_LATENCY
    BLAST_LATENCIES,
};

/* The same of the sessions that were to begin within one step of the rate. */
struct blast_step_tally {
    uint64_t started, done, failed;    /* sessions */
    uint64_t messages, refused;        /* accepted or retrieved; refused */
    struct log_histogram session, end; /* as the latencies of these names */
};

enum blast_manner {
#define BLAST_MANNER(name, text) BLAST_MANNER_##name,
#include "dataplane/handoff/blast_manner.def"
#undef BLAST_MANNER
    BLAST_MANNERS,
};

/* What became of those that do not behave; uint64_t all through. */
struct blast_manner_tally {
    uint64_t begun;
    uint64_t ended;                /* as they meant to, or closed by the server */
    uint64_t reset;                /* by the server */
    uint64_t failed;               /* in any other way; silence included */
    uint64_t answers;              /* the rest is of those that are broken */
    uint64_t refused[BLAST_CODES]; /* of the answers; POP3: -ERR as 500 */
};

/* What one worker has counted; written by it alone, read by others while it runs. */
struct blast_tally {
    struct blast_counts counts;
    uint64_t refused[SMTP_CLIENT_STEPS + 1][BLAST_CODES]; /* replies of 4yz and 5yz */
    uint64_t errors[POP3_VERB_COUNT];                     /* -ERR, by command */
    uint64_t imap_errors[BLAST_IMAP_STEPS];               /* NO and BAD, by command */
    uint64_t imap_faults[IMAP_RESPONSE_FAULTS];
    uint64_t smtp_faults[SMTP_CLIENT_FAULTS];
    uint64_t pop3_faults[POP3_CLIENT_FAULTS];
    const char *tls_fault; /* why TLS failed the last time; lasts; NULL: it has not */
    struct blast_manner_tally manners[BLAST_MANNERS];
    struct log_histogram latency[BLAST_LATENCIES];
    struct blast_step_tally steps[BLAST_STEPS]; /* as many as the order has */
};

/* Bytes of a tally that an order's run uses: most are of steps, and most orders have none. */
static inline size_t blast_tally_size(const struct blast_order *order)
{
    return offsetof(struct blast_tally, steps) +
           order->step_count * sizeof(struct blast_step_tally);
}

/* What reading back has found. `wrong` is what a server must not do. */
struct blast_verified {
    uint64_t expected;   /* deliveries that were answered with 2yz */
    uint64_t found;      /* of them, once and as sent */
    uint64_t lost;       /* wrong: not there */
    uint64_t duplicated; /* wrong: there once more */
    uint64_t changed;    /* wrong: other bytes */
    uint64_t unexpected; /* wrong: refused, or for somebody else, and there */
    uint64_t doubtful;   /* there, sent whole, never answered */
    uint64_t foreign;    /* messages of others */
    uint64_t mailboxes;  /* read to their end */
    uint64_t unread;     /* wrong: mailboxes that could not be read */
};

struct blast_told {
    uint64_t elapsed_us; /* since the load began */
    uint64_t load_us;    /* how long the load lasted, while it lasts: elapsed_us */
    uint32_t active;     /* sessions at the moment */
    bool verifying;
    uint64_t
        stood_us; /* with hold_us: since the load began, when all stood that could; 0: not yet */
    double busy;  /* of 1: the share of their time that the workers had something to do */
    const struct blast_tally *tally;       /* of all workers */
    const struct blast_verified *verified; /* NULL before the end */
};

/*
 * Carries out an order, from the port's start to its end; dataplane/worker/blast_run.c. The last
 * `second` has `verified` set where that was asked for. False, with the reason in `why`: it did not
 * begin.
 */
bool blast_run(const struct blast_order *order, struct writer *why);

/*
 * What message `number` begins with:
 *   X-Blast: RUN NUMBER OCTETS SUM CRLF     hexadecimal; octets and sum of all behind the
 *   Message-ID: <NUMBER.RUN@HOSTNAME> CRLF           head, the sum as in struct blast_text
 */
void blast_head(struct writer *w, const struct blast_order *order, uint64_t number);
/* The same, of another run. */
void blast_head_of(struct writer *w, const struct blast_order *order, uint64_t run,
                   uint64_t number);
/* The prepared text that message `number` goes on with. */
const struct blast_text *blast_text_of(const struct blast_order *order, uint64_t number);

#endif
