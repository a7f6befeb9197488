/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_RESPONSE_H
#define PROTO_IMAP_IMAP_RESPONSE_H

#include "proto/imap/imap_literal.h"

/*
 * Reads what a server sends (RFC 9051 section 7, RFC 3501 section 7), for a client and for who
 * listens: one event at a time, out of pieces of any size. Strings are handed out in the input, as
 * their octets come; everything else is whole, in place where it lies whole in the input and
 * otherwise out of a buffer that is asked for. It stays the caller's: lent with
 * imap_response_attach(), had back with imap_response_take_back(). A line may end in LF alone.
 *
 *   response       = *(continue-req / response-data) response-done
 *   continue-req   = "+" SP (resp-text / base64) CRLF
 *   response-data  = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data / message-data / ...)
 * CRLF response-tagged = tag SP resp-cond-state CRLF
 *
 * Of data: `name` first (of "* 12 FETCH (...)" it is FETCH, the number 12), then what stands behind
 * it as atoms, strings and lists, then the end. On the first level of a FETCH an atom has all of an
 * item's name, "BODY[HEADER.FIELDS (From To)]<0>".
 */
enum {
    IMAP_RESPONSE_DEPTH =
        1000, /* lists within one another; THREAD has as many as messages answer */
    IMAP_RESPONSE_LIMIT_LEAST = 64,
};

enum imap_response_kind {
    IMAP_RESPONSE_MORE,     /* the input is used up */
    IMAP_RESPONSE_BUFFER,   /* attach a buffer of `limit` bytes, then call again */
    IMAP_RESPONSE_CONTINUE, /* "+": text, code, arguments */
    IMAP_RESPONSE_STATUS,   /* tag ("*": untagged), name, condition, text, code, arguments */
    IMAP_RESPONSE_DATA,     /* name, number where `numbered` */
    IMAP_RESPONSE_ATOM,     /* text; depth */
    IMAP_RESPONSE_STRING,   /* a string begins: literal, literal8, size of a literal; depth */
    IMAP_RESPONSE_BYTES, /* text: what comes of it, never empty, without the "\" of a quoted one */
    IMAP_RESPONSE_STRING_END,
    IMAP_RESPONSE_OPEN,  /* a list; depth: it is within so many others */
    IMAP_RESPONSE_CLOSE, /* likewise */
    IMAP_RESPONSE_END,   /* of the data */
    /* What stands there is no response: fault. The rest of it is passed over; of data that had
     * begun there is no END. */
    IMAP_RESPONSE_BAD,
};

enum imap_response_fault {
#define IMAP_RESPONSE_FAULT(NAME, name, what) IMAP_RESPONSE_FAULT_##NAME,
#include "proto/imap/imap_response_fault.def"
#undef IMAP_RESPONSE_FAULT
    IMAP_RESPONSE_FAULTS,
};

enum imap_response_condition {
    IMAP_RESPONSE_OK,
    IMAP_RESPONSE_NO,
    IMAP_RESPONSE_BAD_COMMAND,
    IMAP_RESPONSE_PREAUTH,
    IMAP_RESPONSE_BYE,
};

struct imap_response_event {
    enum imap_response_kind kind;
    enum imap_response_fault fault;
    enum imap_response_condition condition;
    bool numbered, literal, literal8;
    bool cut; /* STATUS, CONTINUE, ATOM: longer than `limit`; these are its first bytes */
    uint16_t depth;
    uint64_t number, size;
    struct span tag, name, text; /* valid until the next call; in the input or in the buffer */
    struct span code, arguments; /* of the text: of "[COPYUID 1 2 3] done" COPYUID, and "1 2 3" */
};

/* Members are the reader's own. */
struct imap_response {
    uint8_t *buffer;
    uint64_t literal; /* octets of the one under way still to come */
    uint32_t limit;
    uint32_t held; /* bytes in the buffer */
    uint16_t depth;
    uint8_t state;
    uint8_t tail_len;
    bool given;    /* what is held was handed out and is dropped at the next call */
    bool cut;      /* of what is held bytes were left out */
    bool fetch;    /* the data is a FETCH */
    bool literal8; /* the literal that is being announced */
    bool section;  /* within the "[" of an item's name */
    bool quoted;   /* within a quoted string of that */
    bool escaped;  /* behind a "\" */
    bool passing;  /* the rest of the data is passed over, and its end told */
    bool lost;     /* bytes are missing: where responses begin is not known */
    uint8_t tail[IMAP_LITERAL_ANNOUNCED_MAX]; /* of a line that is passed over */
};

/* `limit`: bytes of an atom, or of a status response, that are handed out; the buffer's size. */
void imap_response_init(struct imap_response *r, uint32_t limit);
static inline void imap_response_attach(struct imap_response *r, uint8_t *buffer)
{
    r->buffer = buffer;
}
/* The buffer, when it holds nothing, with what was handed out of it; NULL otherwise, or when there
 * is none. */
uint8_t *imap_response_take_back(struct imap_response *r);
/* True between responses, when nothing of the next has come. */
bool imap_response_idle(const struct imap_response *r);
/*
 * The next event. *in moves behind what was taken; call again with what is left until MORE. Bound:
 * two passes over the input, one over literals.
 */
void imap_response_next(struct imap_response *r, struct span *in,
                        struct imap_response_event *event_out);
/* Behind DATA or what comes of it: nothing more of it is told but END. */
void imap_response_pass(struct imap_response *r);

/*
 * For who listens: `len` bytes are missing here. True: all of them are of the literal under way,
 * which goes on behind them (its BYTES are so many fewer). False: where the next response begins is
 * not known, and what was under way is given up without an event. From then on lines are looked at
 * as they come, and told only where they are tagged answers: imap_response_found() when one is
 * known to be true, or when it does not matter.
 */
bool imap_response_gap(struct imap_response *r, uint64_t len);
static inline void imap_response_found(struct imap_response *r)
{
    r->lost = false;
}

/* "head", and what it means. */
const char *imap_response_fault_name(enum imap_response_fault fault);
const char *imap_response_fault_what(enum imap_response_fault fault);

/* ---- imap_response_line.c ---- */

enum imap_response_head {
    IMAP_RESPONSE_HEAD_MORE,  /* there is too little of it */
    IMAP_RESPONSE_HEAD_EMPTY, /* a line end alone; taken */
    IMAP_RESPONSE_HEAD_LINE,  /* a continuation or a status response: all of its line is text */
    IMAP_RESPONSE_HEAD_DATA,  /* event: name, number; taken */
    IMAP_RESPONSE_HEAD_BAD,
};

/* What begins there. *taken_out: with EMPTY and DATA, its bytes, and what ends it. */
enum imap_response_head imap_response_head_read(struct span s, struct imap_response_event *e,
                                                size_t *taken_out);
/* A line without its end that was called one. */
void imap_response_line_read(struct span line, struct imap_response_event *e);

#endif
