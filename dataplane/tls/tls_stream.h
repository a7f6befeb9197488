/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_STREAM_H
#define DATAPLANE_TLS_TLS_STREAM_H

#include "dataplane/tls/tls_record.h"

/*
 * One connection behind its handshake: what of its records is the protocol's, and what is TLS's own
 * (alerts, KeyUpdate). No bytes are kept here: records come in whole, and what is sealed goes out
 * at once.
 */
enum tls_alert_number {
#define TLS_ALERT_ROW(name, number) TLS_ALERT_##name = number,
#include "dataplane/tls/tls_alert.def"
#undef TLS_ALERT_ROW
};

enum {
    TLS_NO_ALERT = 255,
    TLS_TICKET_MAX = 65536, /* bytes of a ticket's message; a larger one is refused */
    TLS_IDLE_MAX = 32,      /* records in a row that bring no data; more are refused */
    TLS_KEY_UPDATE_LEN = 5,
    /* What tls_stream_seal() and tls_stream_alert() write beside the data at most. */
    TLS_STREAM_ROOM = 2 * TLS_SEAL_ROOM + TLS_KEY_UPDATE_LEN + 2,
};

struct tls_stream {
    struct tls_record record;
    uint32_t pass;                       /* bytes of a ticket that are still to come */
    uint8_t message[TLS_KEY_UPDATE_LEN]; /* a KeyUpdate that comes in pieces, or a ticket's head */
    uint8_t message_len;
    uint8_t idle;    /* records in a row that brought no data */
    uint8_t alert;   /* that the peer is owed, or TLS_NO_ALERT */
    bool update : 1; /* the peer has asked for new keys of ours (RFC 8446 section 4.6.3) */
    bool client : 1; /* tickets may come (RFC 8446 section 4.6.1), and are passed over */
    bool ended : 1;  /* our close_notify, or an alert, has been sealed: nothing may follow */
};

/* As tls_record_init(). */
bool tls_stream_init(struct tls_stream *s, struct tls_crypto *crypto, const struct tls_keys *keys);

/* The same for the client's side, whose reading is the server's writing. */
bool tls_stream_init_client(struct tls_stream *s, struct tls_crypto *crypto,
                            const struct tls_keys *keys);

enum tls_event {
    TLS_EVENT_DATA, /* *data_out, at least a byte; open the record again, or say tls_stream_taken()
                     */
    TLS_EVENT_NONE, /* the record was TLS's own, and is taken */
    TLS_EVENT_CLOSED, /* close_notify: the peer sends no more */
    TLS_EVENT_ALERT,  /* the peer ended the connection with an alert */
    TLS_EVENT_BAD,    /* it broke the rules: s->alert is owed */
};

/* Opens a whole record. `room` has TLS_SEALED_MAX bytes. */
enum tls_event tls_stream_open(struct tls_stream *s, struct tls_crypto *crypto, struct span record,
                               uint8_t *room, struct span *data_out);
/* The data of the record that was opened last are used up. */
void tls_stream_taken(struct tls_stream *s);

/*
 * Seals data, a byte to TLS_PLAIN_MAX octets, behind a KeyUpdate where one is due, into `room` of
 * data.len + TLS_STREAM_ROOM bytes. Its length; 0: the connection must end. Who cannot send them
 * puts *s back to what it was.
 */
size_t tls_stream_seal(struct tls_stream *s, struct tls_crypto *crypto, struct span data,
                       uint8_t *room);
/* Seals the alert that is owed, else close_notify, once; into `room` of TLS_STREAM_ROOM bytes. Its
 * length, or 0: nothing is to be sent. */
size_t tls_stream_end(struct tls_stream *s, struct tls_crypto *crypto, uint8_t *room);

#endif
