/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_CLIENT_H
#define TESTS_SIM_SIM_CLIENT_H

#include "tests/session/session_world.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_inside.h"
#include "tests/sim/sim_message.h"

/*
 * Mail clients on one host: some send messages by SMTP, each one over a connection of its own, and
 * try again when it breaks before the 250; then one reads the mailbox by POP3, and compares each
 * byte as it comes with what the store has. A client reads late at times, so that its window
 * closes, and some reset a connection in the midst of a message, SIM_RUDE times each at most.
 */
enum { SIM_TALKS = 64, SIM_TRIES = 60, SIM_RUDE = 10, SIM_LINE = 600 };

struct sim_client_options {
    struct tcp_options tcp;
    uint32_t chunks[CHUNK_CLASSES];
    uint32_t messages;   /* at most SIM_TALKS - 1 */
    uint32_t size_most;  /* of a message */
    uint64_t apart;      /* connections begin within this time */
    uint64_t deaf;       /* a client reads late by up to this; 0: at once */
    uint32_t pipelining; /* MAIL, RCPT and DATA at once in so many of a million messages */
    uint32_t rude;       /* so many of a million times that bytes move, a client resets instead */
    bool v4;
    void (*send)(void *user, struct sim_packet *p);
    void (*fault)(void *user, const char *where, const char *what);
    void *user;
};

struct sim_talk {
    struct sim_client *client;
    struct sim_message *message; /* to send; NULL for the POP3 client */
    struct tcp_conn *conn;
    uint64_t begin;    /* when to connect (again) */
    uint64_t deaf;     /* does not read before */
    uint64_t patience; /* gives the connection up then, where nothing comes */
    uint32_t step;     /* in its script */
    uint32_t sent;     /* bytes of the body, or messages read */
    uint32_t tries;
    uint32_t line_len;
    char line[SIM_LINE];
    uint8_t *expected; /* of an answer of many lines */
    uint32_t expected_len, expected_at;
    bool done, pipelining;
};

struct sim_client {
    struct sim_client_options options;
    struct sim_random *random;
    struct world *world; /* whose messages the POP3 client reads */
    struct sim_host host;
    struct sim_watch watch;
    struct sim_inside inside;
    struct sim_message messages[SIM_TALKS];
    struct sim_talk talks[SIM_TALKS]; /* the last is the POP3 client's */
    uint32_t count, done;
    uint16_t port; /* the newest */
    uint64_t now;
};

void sim_client_init(struct sim_client *c, const struct sim_client_options *options,
                     struct sim_random *random, struct world *world, uint64_t now);
void sim_client_input(struct sim_client *c, struct sim_packet *p);
uint32_t sim_client_turn(struct sim_client *c, uint64_t now);
uint64_t sim_client_next(const struct sim_client *c);
/* All messages were sent and read, and no connection stands. */
bool sim_client_finished(const struct sim_client *c);
void sim_client_fini(struct sim_client *c);

/* sim_talk.c: opens the talk's connection; reads and says what comes next. */
void sim_talk_open(struct sim_talk *t);
void sim_talk_news(struct sim_talk *t, uint32_t events);
/* Waited in vain (RFC 5321 section 4.5.3.2, RFC 1939 section 3): resets, and tries again later. */
void sim_talk_despair(struct sim_talk *t);

#endif
