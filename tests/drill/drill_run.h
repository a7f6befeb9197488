/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_DRILL_DRILL_RUN_H
#define TESTS_DRILL_DRILL_RUN_H

#include "dataplane/embed/wirepost_tcp.h"
#include "tests/drill/drill_wire.h"

/*
 * A script at work: one stack of wirepost_tcp.h, the virtual clock, sockets over the stack's
 * connections, and the packets it sent that no line of the script has taken yet.
 */

/* What is another system's own, and is not compared then; drill_rule.def says why. */
enum drill_rule {
#define DRILL_RULE(name, text) DRILL_RULE_##name,
#include "tests/drill/drill_rule.def"
#undef DRILL_RULE
    DRILL_RULES,
};

enum { DRILL_PORT = 8080, DRILL_REMOTE_PORT = 40000 };

/* A connection as the script numbers it. The peer's numbers are the script's own. */
struct drill_flow {
    uint16_t local_port, remote_port;
    bool known; /* our SYN was seen */
    uint32_t script_isn, live_isn;
    bool ts_known;
    uint32_t ts_offset; /* the script's timestamps plus this are ours */
    uint32_t their_isn; /* of the first packet in */
    bool their_syn;
    uint32_t their_options;      /* 1 << enum drill_option_kind of their SYN */
    uint32_t last_seq, last_ack; /* live, of the last packet out that was matched */
    uint32_t last_window;        /* that it announced; only unscaled ones are compared with */
    bool reopens;                /* their SYN came once more: ours may have other numbers now */
    bool heard;                  /* something came in since */
};

struct drill_socket {
    struct drill_socket *next;
    int64_t fd;
    struct wirepost_tcp_conn *conn; /* NULL before connect */
    uint16_t port;                  /* bound to, or 0 */
    bool listening, nonblocking, cut, connecting, deaf, no_delay;
    enum wirepost_tcp_error error;    /* of the connection, not asked for yet */
    bool told;                        /* the connection's end was taken into `error` */
    uint32_t written, taken;          /* bytes so far */
    uint32_t keep_init, user_timeout; /* milliseconds */
    bool keep_alive, tuned;
    uint32_t part; /* of a write that blocks: bytes written already */
};

struct drill_sent {
    struct drill_sent *next;
    uint64_t time;
    size_t len;
    uint8_t bytes[];
};

struct drill_waiting {
    struct drill_waiting *next;
    const struct drill_event *event;
    uint64_t from, to;
};

struct drill {
    const struct drill_script *script;
    bool rules[DRILL_RULES];
    int line; /* of the event at work */
    struct wirepost_tcp *stack;
    bool v6;
    struct wirepost_tcp_endpoint local, remote;
    uint64_t base, now;  /* microseconds; the script's 0, and now */
    uint64_t event_time; /* when the last event was due */
    int64_t tolerance, slop;
    uint32_t receive_window, time_wait_ms;
    uint32_t their_buffer; /* what the script says is SO_RCVBUF on its own system */
    enum wirepost_tcp_ecn ecn;
    uint8_t ecn_repeats;
    uint32_t options_off; /* 1 << enum drill_option_kind that a script turned off */
    struct drill_flow flow;
    bool fresh; /* the next packet in begins a flow */
    uint16_t bound, next_remote;
    struct drill_socket *sockets;
    struct drill_sent *sent, **sent_last;
    struct drill_waiting *waiting;
    uint64_t called; /* when the call at work began */
};

/* Runs the whole script; ends the process unless all of it came to pass. */
void drill_run(const struct drill_script *script, const bool rules[DRILL_RULES]);

/* drill_run.c */
struct wirepost_tcp *drill_stack(struct drill *d);
void drill_advance(struct drill *d, uint64_t until);
/* drill_match.c: whether what was sent is what the script expects; ends the process otherwise. */
void drill_match(struct drill *d, const struct drill_event *event, uint64_t earliest,
                 uint64_t latest);
/* drill_call.c: tries the call. False: it blocks. */
bool drill_call(struct drill *d, const struct drill_event *event);
/* drill_option.c: setsockopt() and getsockopt(). */
void drill_option(struct drill *d, const struct drill_event *event, struct drill_socket *socket);
/* The same for the connection that the socket now has, or that is established now. */
void drill_tune(struct drill_socket *socket);
/* drill_command.c: what a script says in `...`. */
void drill_command(struct drill *d, const char *command);
/* drill_code.c: the assertions in %{ }%. */
void drill_code(struct drill *d, const struct drill_event *event);
struct drill_socket *drill_socket_find(struct drill *d, int64_t fd);

#endif
