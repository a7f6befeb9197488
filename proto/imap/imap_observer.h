/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_OBSERVER_H
#define PROTO_IMAP_IMAP_OBSERVER_H

#include "proto/base/loose_line.h"
#include "proto/base/sasl_observer.h"
#include "proto/imap/imap_response.h"

/*
 * Follows an IMAP session between two others (RFC 9051, RFC 3501): commands and the tagged answers
 * that belong to them, logins, the mailbox that is selected, messages that are appended and those
 * that are fetched, the way into TLS and into COMPRESS. The server's direction is read by
 * imap_response.h, the client's by lines and literals. Bounded state; a line buffer for each
 * direction, which is asked for.
 *
 * Of a fetched message the observer tells pieces as they come; who puts them together knows that a
 * piece of a FETCH belongs to the message with `number`, whose UID may be known at its end alone.
 */
enum {
    IMAP_OBSERVER_LINE_MAX = 4000,
    IMAP_OBSERVER_QUEUE = 16, /* commands without an answer that are known; of more the oldest is
                                 forgotten */
    IMAP_OBSERVER_NAME = 64,  /* bytes of a mailbox's name that are kept */
};

enum imap_observed_kind {
    IMAP_OBSERVED_MORE,
    IMAP_OBSERVED_BUFFER,   /* attach IMAP_OBSERVER_LINE_MAX bytes to this direction */
    IMAP_OBSERVED_GREETING, /* text */
    IMAP_OBSERVED_COMMAND,  /* tag, name, text: its first line, secret */
    IMAP_OBSERVED_ANSWER,   /* tag, name: OK, NO or BAD, text, good */
    IMAP_OBSERVED_LOGIN,    /* name: the mechanism, text: who, good */
    IMAP_OBSERVED_SELECTED, /* text: the mailbox, empty: none any more; uidvalidity, 0: not told */
    IMAP_OBSERVED_RENUMBERED, /* numbers of messages do not mean what they did */
    /*
     * Octets of a message begin. appended: text: the mailbox, size. Else of a FETCH: number, uid
     * (0: not told yet), piece, origin, partial, wanted, size (0 of a quoted string).
     */
    IMAP_OBSERVED_BEGIN,
    IMAP_OBSERVED_TEXT, /* text: the next of them; appended */
    IMAP_OBSERVED_END,  /* all of them have come, but for gaps; appended */
    /* A FETCH is over: number, uid, size: its RFC822.SIZE, 0: not told. */
    IMAP_OBSERVED_FETCHED,
    /* An APPEND is over: good, name and text: the answer (empty: not seen); uidvalidity, uid and
     * number: of its first and of its last message, 0: not told; command. */
    IMAP_OBSERVED_APPENDED,
    IMAP_OBSERVED_STARTTLS, /* both go on in TLS: no more input is taken */
    IMAP_OBSERVED_COMPRESS, /* both go on compressed: what is fed from here on was inflated */
    IMAP_OBSERVED_FAULT,    /* fault; once a conversation each is to be told */
};

/* Which octets of a message. */
enum imap_piece {
    IMAP_PIECE_WHOLE,  /* BODY[], RFC822, BINARY[] */
    IMAP_PIECE_HEADER, /* BODY[HEADER], RFC822.HEADER */
    IMAP_PIECE_TEXT,   /* BODY[TEXT], RFC822.TEXT */
    IMAP_PIECE_OTHER,  /* of a part, or some fields */
};

enum imap_observed_fault {
#define IMAP_OBSERVED_FAULT(NAME, name, what) IMAP_OBSERVED_FAULT_##NAME,
#include "proto/imap/imap_observed_fault.def"
#undef IMAP_OBSERVED_FAULT
    IMAP_OBSERVED_FAULTS,
};

struct imap_observed {
    enum imap_observed_kind kind;
    bool good, appended, partial;
    uint8_t piece;   /* enum imap_piece */
    uint8_t fault;   /* enum imap_observed_fault */
    uint32_t secret; /* bytes of `text` from here on may be a secret */
    uint32_t number, uid, uidvalidity;
    uint32_t command; /* appended, APPENDED: which APPEND it is of; the same for all of one */
    uint64_t origin, size;
    uint64_t wanted;             /* octets that a partial was asked for; 0: not known */
    struct span tag, name, text; /* valid until the next call */
};

/* A command that was not answered yet. */
struct imap_asked {
    uint32_t tag;    /* a hash of it */
    uint32_t wanted; /* FETCH: octets of a partial */
    uint8_t what;    /* private */
};

/* The client's direction. */
struct imap_asking {
    struct loose_line line;
    uint64_t literal; /* octets of it still to come */
    uint32_t tag;     /* of the command under way */
    uint8_t literal_of;
    bool goes_on;        /* the next line goes on with what stood before a literal */
    bool sync;           /* the literal under way waits for the server */
    bool begun;          /* some of it was seen, or the server said "+" */
    bool ended;          /* a literal's END is due */
    bool append, select; /* the command under way is one */
    bool catenate;
    bool mailbox_known; /* of an APPEND: what comes is flags, a date or a message */
    uint8_t mailbox_len;
    uint8_t mailbox[IMAP_OBSERVER_NAME]; /* of that */
};

/* A FETCH under way, of the server's direction. */
struct imap_fetching {
    uint32_t number, uid;
    uint64_t size; /* RFC822.SIZE */
    uint64_t origin;
    uint8_t item; /* private: which one's value comes */
    uint8_t piece;
    bool open; /* it is a FETCH */
    bool partial;
    bool octets; /* within octets that are told */
    bool told;   /* something of it was */
};

struct imap_observer {
    struct imap_asking client;
    struct imap_response server;
    struct imap_fetching fetch;
    struct sasl_observer sasl;
    struct imap_asked asked[IMAP_OBSERVER_QUEUE]; /* oldest first */
    uint8_t asked_count;
    uint16_t due; /* events that come before anything else is read; private */
    uint8_t fault;
    uint8_t selected_len;
    uint8_t selected[IMAP_OBSERVER_NAME]; /* of the latest SELECT, answered or not */
    uint32_t uidvalidity;                 /* as the server said last */
    uint32_t append_uidvalidity, append_uid, append_last, append_command;
    uint8_t answer_len;
    uint8_t answer[80]; /* to an APPEND */
    bool answered;      /* an APPEND under way was */
    bool greeted, good, append_good, over;
    bool partly;      /* commands may have been missed */
    bool client_seen; /* a command was */
    bool responding;  /* the client's next line is one of an AUTHENTICATE exchange */
};

void imap_observer_init(struct imap_observer *o, bool midstream);
void imap_observer_attach(struct imap_observer *o, bool client, uint8_t *buffer);
uint8_t *imap_observer_take_back(struct imap_observer *o, bool client);
/* True: all of the `len` bytes that are missing are of a literal, which goes on behind them. */
bool imap_observer_gap(struct imap_observer *o, bool client, uint64_t len);
/* The next event; call again with what is left until MORE. Bound: two passes over the input. */
void imap_observer_feed(struct imap_observer *o, bool client, struct span *in,
                        struct imap_observed *event_out);

const char *imap_observed_fault_name(enum imap_observed_fault fault);
const char *imap_observed_fault_what(enum imap_observed_fault fault);

/* ---- for each other: imap_observer.c, imap_observer_client.c, imap_observer_fetch.c ---- */

enum imap_asked_what {
    IMAP_ASKED_OTHER,
    IMAP_ASKED_LOGIN,
    IMAP_ASKED_AUTHENTICATE,
    IMAP_ASKED_STARTTLS,
    IMAP_ASKED_COMPRESS,
    IMAP_ASKED_SELECT,
    IMAP_ASKED_UNSELECT, /* CLOSE too */
    IMAP_ASKED_APPEND,
    IMAP_ASKED_FETCH,
};

enum imap_observer_due {
    IMAP_DUE_LOGIN = 1,
    IMAP_DUE_SELECTED = 2,
    IMAP_DUE_APPENDED = 4,
    IMAP_DUE_STARTTLS = 8,
    IMAP_DUE_COMPRESS = 16,
    IMAP_DUE_FAULT = 32,
    IMAP_DUE_DESELECTED = 64,
};

/* A word up to SP; *s moves behind it and the blanks that follow. */
struct span imap_observer_word(struct span *s);
uint32_t imap_observer_tag(struct span tag);
void imap_observer_ask(struct imap_observer *o, enum imap_asked_what what, struct span tag,
                       uint32_t wanted);
void imap_observer_fault(struct imap_observer *o, enum imap_observed_fault fault);
/* Each reads on: false when the input is used up. */
bool imap_observer_client_step(struct imap_observer *o, struct span *in, struct imap_observed *e);
/* Data of the server: true with an event. */
bool imap_observer_data(struct imap_observer *o, const struct imap_response_event *r,
                        struct imap_observed *e);

#endif
