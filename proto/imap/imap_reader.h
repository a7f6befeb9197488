/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_READER_H
#define PROTO_IMAP_IMAP_READER_H

#include "proto/base/line.h"
#include "proto/imap/imap_command.h"

/*
 * Frames what a client sends (RFC 9051 sections 2.2.1 and 4.3, RFC 7888): one command at a time,
 * its lines and literals put together in one run of bytes; the message of an APPEND is handed
 * through as it comes. CRLF alone ends a line.
 *
 *   literal = ["~"] "{" number64 ["+"] "}" CRLF *OCTET
 *
 * A command of one line that lies whole in the input is given in place; otherwise a buffer is asked
 * for. It stays the caller's: lent with imap_reader_attach(), had back with
 * imap_reader_take_back().
 */

struct imap_reader_limits {
    uint32_t line;    /* octets of one command outside its literals, the last line end included */
    uint32_t literal; /* octets of one literal that is no message */
    uint32_t command; /* octets of all that is buffered, at least `line`; no larger buffer is asked
                         for */
    uint64_t append;  /* octets of a message that is appended */
    uint64_t nonsync; /* octets of a non-synchronizing literal: 4096 where LITERAL- is offered
                         (RFC 7888 section 5), UINT64_MAX where LITERAL+ is */
};

enum imap_reader_kind {
    IMAP_READER_MORE,     /* the input is used up */
    IMAP_READER_BUFFER,   /* attach a buffer of at least r->wanted bytes, then call again */
    IMAP_READER_CONTINUE, /* say "+ ": the client waits before a literal */
    IMAP_READER_COMMAND,  /* bytes, command; its verb is one of the table */
    IMAP_READER_LINE,     /* bytes: a line behind imap_reader_expect_line(), without CRLF */
    /*
     * APPEND up to a message's literal, its announcement and CRLF included. The first of a command
     * has bytes and command; a further one (MULTIAPPEND, RFC 3502) bytes alone: what stands between
     * the messages. Answer with imap_reader_accept() or imap_reader_refuse() before the next call
     * (without an answer it is refused); when accepted and `sync`, say "+ ".
     */
    IMAP_READER_APPEND,
    IMAP_READER_DATA,       /* bytes of the message, never empty, in the input */
    IMAP_READER_DATA_END,   /* the message is whole */
    IMAP_READER_APPEND_END, /* the command has ended; bytes: what stands behind the last message
                               (RFC 6855's ")"), without CRLF */
    /*
     * The command was refused; command.tag and name as far as they are known (an APPEND's that had
     * a message are the caller's to know): answer BAD, or NO when the text begins with a code. What
     * still comes of it is passed over, without an event; r->literal octets of a literal among
     * them, so the caller may close instead. Behind NUL, BARE_CR and BARE_LF nothing more is read
     * at all: say BYE and close.
     */
    IMAP_READER_REFUSED,
};

struct imap_reader_event {
    enum imap_reader_kind kind;
    enum imap_refusal refusal;
    struct span bytes;           /* valid until the next call; in the input or in the buffer */
    struct imap_command command; /* likewise */
    uint64_t size;               /* APPEND: octets of the message */
    bool sync;                   /* APPEND: the client waits for "+ " or a refusal */
    bool literal8;               /* APPEND, DATA_END: NUL may be in it */
    bool nul;                    /* DATA_END: there is one */
};

/* Members are the reader's own, but for limits, wanted, literal. */
struct imap_reader {
    const struct imap_reader_limits *limits;
    uint8_t *buffer;
    uint64_t literal; /* octets of the literal under way still to come */
    uint32_t size;    /* of the buffer */
    uint32_t held;    /* bytes in it */
    uint32_t wanted;  /* with IMAP_READER_BUFFER */
    uint32_t begin;   /* in what is held: where the line under way begins */
    uint32_t line;    /* octets of the command outside its literals */
    uint8_t state;
    bool given;       /* what is held was handed out and is dropped at the next call */
    bool skipping;    /* the command was refused; what still comes of it is passed over */
    bool appending;   /* a message of it was taken */
    bool sync;        /* the literal under way */
    bool literal8;    /* likewise */
    bool nul;         /* a message, or another literal that is no literal8, had one */
    bool expect_line; /* the next line is no command */
    bool cr;          /* the last octet was CR */
};

/* Copies the limits. */
/* Borrows `limits`. */
void imap_reader_init(struct imap_reader *r, const struct imap_reader_limits *limits);
/*
 * Lends a buffer; what the one before held is copied over. Returns the one before (NULL: none),
 * which is the caller's again.
 */
uint8_t *imap_reader_attach(struct imap_reader *r, uint8_t *buffer, uint32_t size);
/* Takes the buffer back, with what was handed out of it; NULL when there is none, or when it holds
 * a part of a command. */
uint8_t *imap_reader_take_back(struct imap_reader *r);
/* True between commands, when nothing of the next has come. */
bool imap_reader_idle(const struct imap_reader *r);
/*
 * The next event. *in moves behind what was taken; call again with what is left until MORE. Bound:
 * one pass over the input.
 */
void imap_reader_next(struct imap_reader *r, struct span *in, struct imap_reader_event *event_out);
/* Behind COMMAND or LINE: what comes next is one line that is no command (AUTHENTICATE, IDLE). */
void imap_reader_expect_line(struct imap_reader *r);
/* Answers to IMAP_READER_APPEND. Refused: what still comes of the command is passed over. */
void imap_reader_accept(struct imap_reader *r);
void imap_reader_refuse(struct imap_reader *r);

#endif
