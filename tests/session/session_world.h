/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SESSION_SESSION_WORLD_H
#define TESTS_SESSION_SESSION_WORLD_H

#include "dataplane/session/session.h"
#include "dataplane/tcp/tcp.h"

/*
 * One worker's TCP and sessions, a client's TCP, and control played by a small model, all in one
 * thread under a virtual clock. Control is the executor of the design: jobs are answered between
 * turns, at once or as the test says.
 */
enum { WORLD_ROWS = 128, WORLD_MESSAGES = 64, WORLD_TEXT = 65536, WORLD_CLIENTS = 8 };

struct world_message {
    struct id128 id;
    uint8_t *bytes; /* prefix of the first delivery, then the body */
    size_t prefix, len;
    uint64_t accounts[4];
    uint8_t places[4];
    char folders[4][16]; /* the beginning of what a folder was asked for as */
    bool make, junk;     /* of the first delivery */
    uint32_t deliveries;
    bool tls_optional; /* of its envelope */
    bool deleted;
};

/* Messages handed out together. */
struct world_batch {
    size_t len;
    uint8_t bytes[];
};

struct world {
    uint64_t now;
    uint64_t wall_ms;
    struct handoff *handoff;
    struct chunk_pool *pool, *client_pool;
    struct tcp *tcp, *client;
    struct sessions *sessions;
    struct tcp_conn *conn; /* the client's newest connection */
    bool closed;           /* and whether it has ended */
    struct tcp_conn
        *others[WORLD_CLIENTS]; /* connections that a test opened itself; NULL once ended */
    bool deaf;                  /* no client reads */
    size_t step;                /* bytes that the client hands its TCP at a time; 0: all */
    char text[WORLD_TEXT];      /* what the client has read, NUL-terminated */
    size_t text_len;
    uint64_t swallowed; /* bytes read beyond that */
    struct settings settings;

    /* Control. */
    bool hold;    /* begin nothing, answer nothing */
    bool late;    /* do what is asked, and answer later */
    bool forgets; /* keeps no message */
    bool near;    /* the store answers within the turn */
    bool shared;  /* a mailbox may be open in several sessions */
    struct job *done[64];
    uint32_t done_count;
    uint32_t jobs; /* there are */
    enum job_status write_status, commit_status, login_status, open_status, read_status;
    struct world_message messages[WORLD_MESSAGES];
    uint32_t message_count;
    struct {
        struct id128 id;
        uint32_t row;
        uint8_t *bytes;
        size_t len;
    } rows[WORLD_ROWS];
    uint32_t row_count;
    uint32_t discards, pins, views, writes;
    uint32_t reads, batches; /* readings asked for; batches that are out */
    struct record records[8];
    uint32_t record_count;
    uint32_t message_records, connection_records; /* all there were */
    uint32_t commits;
    enum job_status greylist_status;
    uint32_t greylist_asked;
    enum job_status directory_status;
    struct pop3_mailbox view;
    struct pop3_entry entries[WORLD_MESSAGES];
    uint8_t marks[WORLD_MESSAGES / 8];
    uint32_t view_messages[WORLD_MESSAGES];
    uint32_t login_delay_ms;      /* of refusals */
    uint8_t login_why;            /* enum login_refusal */
    struct job_mailbox_open open; /* as it was asked last */
    /* Jobs of IMAP, as the test has them answered; NULL: JOB_FAILED. */
    enum job_status (*imap)(struct world *w, struct job *job);
};

/* A fresh world; `rules` may be NULL. */
struct world *world_new(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES]);
/* The same with so many jobs and record slots. */
struct world *world_new_with(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES],
                             uint32_t jobs, uint32_t records);
/* And with room for so many connections. */
struct world *world_new_small(const uint32_t chunks[CHUNK_CLASSES], uint32_t connections);
/* Ends all; false when a chunk, a pin, a session or a view was not given back. */
bool world_free(struct world *w);
void world_connect(struct world *w, uint16_t port);
/* Sends `text` as the client and runs until nothing moves. */
void world_say(struct world *w, const char *text);
void world_say_bytes(struct world *w, struct span bytes);
/* A connection of a test's own; NULL: none is free. */
struct tcp_conn *world_open(struct world *w, uint16_t port);
/* One turn of both sides and of control; returns how much moved. */
uint32_t world_turn(struct world *w);
/* Control's part of a turn alone; returns how much moved. */
uint32_t world_control(struct world *w);
/* The store's jobs are answered within the turn that asks them, unless `hold` or `late` says
 * otherwise: so it is with WORLD_NEAR in the environment. */
void world_control_near(struct world *w);
/* Frees what control has: handoff, tables, messages. No worker's thread is registered any more. */
void world_control_fini(struct world *w);
/* Runs turns until nothing moves; the clock advances by a millisecond each. */
void world_run(struct world *w);
/* Lets time pass in steps of 100 ms. */
void world_wait(struct world *w, uint64_t milliseconds);
/* The client closes its side, or resets. */
void world_close(struct world *w);
void world_reset(struct world *w);
/* What was read since the last call: compares with `expected`, where '*' stands for any run of
 * characters. */
bool world_expect(struct world *w, const char *expected);
/* Puts an entry into the directory: its domain has example.test, with the accounts 1 (alice) and 2
 * (bob). */
void world_put_span(struct world *w, const struct directory_entry *fields, struct span key);
void world_put(struct world *w, const struct directory_entry *fields, const char *key);
/* An address that leads to these accounts; the third and later ones are called "other". */
void world_put_address(struct world *w, const char *key, const uint64_t *ids, uint32_t count);
/* The settings and addresses that a world begins with. */
void world_settings(struct world *w, struct rule_generation *rules);
/* Publishes the settings as they are now. */
void world_publish(struct world *w);

#endif
