/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TAP_SOURCE_H
#define DATAPLANE_HANDOFF_TAP_SOURCE_H

#include "dataplane/handoff/part_digests.h"
#include "dataplane/handoff/tls_secrets.h"
#include "proto/base/id128.h"
#include "proto/base/ip_address.h"

/*
 * Frames of others' conversations to be watched, and what is said of them: what control asks of
 * tap_run(). Everything is borrowed for the call; spans and texts of events for the event.
 */
struct tap_frame_source {
    struct span bytes;
    uint32_t wire_len;
    uint32_t link; /* LINKTYPE_ of www.tcpdump.org/linktypes.html */
    uint64_t time_ns;
    struct span ahead; /* the frame that comes next, if it is known and may be in no cache */
};

enum tap_event_kind {
    TAP_EVENT_COMMAND, /* name: the verb, text: the line, secret */
    TAP_EVENT_REPLY,   /* code, name: the verb answered, text */
    TAP_EVENT_LOGIN,   /* name: the mechanism, text: who, good */
    TAP_EVENT_TLS,     /* tls */
    TAP_EVENT_ANOMALY, /* name, text: what it means; direction where one shows it; offset, len,
                          other where it is about bytes */
    TAP_EVENT_MESSAGE, /* its record lies in the handoff; whole, assumed */
    TAP_EVENT_SESSION, /* a mail conversation has ended: session */
    TAP_EVENT_FLOW,    /* a connection has ended: sides, name: why */
};

struct tap_side {
    uint64_t packets, bytes, gap_bytes;
    uint32_t gaps;
    bool seen;
};

struct tap_flow_facts {
    uint64_t id;
    struct id128 connection;
    struct ip_address client, server;
    uint16_t client_port, server_port;
    uint64_t begin_ns, last_ns;
    bool guessed; /* who opened it was not seen */
    const char *protocol;
};

struct tap_session_facts {
    struct span greeting, helo; /* IMAP, POP3: `helo` is who logged in */
    uint32_t commands, messages, logins;
    bool esmtp, starttls, one_sided;
    bool opened; /* read under TLS, with a key log */
};

/* A handshake. Messages are bodies as proto/tls/tls_hello.h reads them; empty: not seen. */
struct tap_tls_facts {
    bool answered;          /* the server's hello was seen */
    bool resumed;           /* an earlier session goes on */
    bool retried;           /* the server asked for another hello */
    bool opened;            /* its records are opened */
    const char *unread;     /* why they are not, a row of tap_unread.def; NULL: they are */
    const char *alert_from; /* "client", "server"; NULL: no alert within the handshake */
    uint8_t alert_level, alert_number;
    struct span client_hello, server_hello;
    struct span certificates, client_certificates; /* messages of Certificate */
    struct span alpn;                              /* agreed on within TLS 1.3 */
};

struct tap_event {
    enum tap_event_kind kind;
    const struct tap_flow_facts *flow;
    uint64_t time_ns;
    const char *direction; /* "client", "server" or NULL */
    struct span name, text;
    uint64_t offset;   /* in the direction's stream, or in the datagram */
    uint32_t len;      /* bytes concerned; 0: none */
    struct span other; /* what was not taken of them */
    uint32_t secret;   /* bytes of `text` from here on may be a secret */
    uint32_t repeats;
    uint16_t code;
    bool good, whole, assumed;
    struct id128 message;
    struct tap_side side[2];
    struct tap_session_facts session;
    struct tap_tls_facts tls;
};

struct tap_statistic {
    const char *group, *name;
    uint64_t value;
};

struct tap_source {
    void *context;
    /* The next frame; false: no more. */
    bool (*next)(void *context, struct tap_frame_source *frame_out);
    void (*event)(void *context, const struct tap_event *event);
    /* At the end, one by one. */
    void (*statistic)(void *context, const struct tap_statistic *statistic);
    /* The bytes of a message as they stood behind DATA, stuffed dots removed. NULL when it begins:
     * nobody wants them. */
    void *(*message_begin)(void *context);
    void (*message_bytes)(void *message, struct span bytes);
    void (*message_end)(void *context, void *message, bool whole);
    /* Bytes of a connection of whatever protocol, put together; `offset` counts those of its
     * direction ("client", "server"), the missing ones too. NULL: nobody wants them. */
    void (*stream)(void *context, const struct tap_flow_facts *flow, const char *direction,
                   struct span bytes, uint64_t offset);
    const struct part_digests *digests; /* NULL: none */
    /* What opens TLS; NULL: nothing does. Where a secret is not there more() is asked whether there
     * are new ones now; NULL: there never are. With `secrets_grow` bytes wait for those to come. */
    const struct tls_secrets *secrets;
    bool (*secrets_more)(void *context);
    bool secrets_grow;
    const char *policy;       /* who receives, as dataplane/tcp/overlap.h names it */
    bool ignore_checksums;    /* of IP and TCP: all are taken for good */
    uint32_t flows, messages; /* most at a time */
    uint64_t held;            /* bytes out of order, of all flows; 0: the usual limit */
    uint32_t idle_ms;         /* a silent flow ends after this; 0: after the usual time */
    uint16_t node;            /* of this machine, in every id */
    uint8_t secret[16];       /* keys tables */
};

#endif
