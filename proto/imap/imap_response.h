/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_RESPONSE_H
#define PROTO_IMAP_IMAP_RESPONSE_H

#include "proto/base/span.h"

/*
 * Reads what an IMAP server says (RFC 9051 section 7, RFC 3501 section 7), token by token: nothing
 * is gathered but a word that is split between two pieces of input, so its memory depends on
 * neither the mailbox nor the message. For clients, and for those who read along.
 *
 *   response      = *(continue-req / response-data) response-done
 *   continue-req  = "+" SP (resp-text / base64) CRLF
 *   response-data = "*" SP (status / [number SP] atom *(SP value)) CRLF     as they all are
 *   response-done = tag SP status CRLF
 *   status        = ("OK" / "NO" / "BAD" / "BYE" / "PREAUTH") SP resp-text
 *   resp-text     = ["[" resp-text-code "]" SP] text
 *   value         = word / string / "(" *value ")"
 *
 * Each response is BEGIN, what follows, END. Of a status: CODE, its values, CODE_END where there is
 * one, then TEXT. Of "+": TEXT. Of others: WORD, STRING with its BYTES, OPEN, CLOSE. A section is
 * part of its word: BODY[HEADER.FIELDS (TO CC)]<0>.
 */
enum {
    IMAP_RESPONSE_WORD_MAX = 1024, /* octets of a word, and size of the buffer */
    IMAP_RESPONSE_DEPTH = 200,     /* lists within lists */
};

enum imap_response_kind {
    IMAP_RESPONSE_MORE,   /* *in is used up: call again when there are more octets */
    IMAP_RESPONSE_BUFFER, /* imap_response_attach() a buffer, then call again */
    IMAP_RESPONSE_BEGIN,  /* form, status; tag where it is tagged; name; number where `numbered` */
    IMAP_RESPONSE_CODE,   /* text: the name of the response code */
    IMAP_RESPONSE_CODE_END,
    IMAP_RESPONSE_WORD, /* text: an atom, number, flag, NIL, ... as it stands */
    IMAP_RESPONSE_OPEN,
    IMAP_RESPONSE_CLOSE,
    IMAP_RESPONSE_STRING,     /* literal, literal8, size: of a literal */
    IMAP_RESPONSE_BYTES,      /* text: of the string, never empty, backslashes undone */
    IMAP_RESPONSE_STRING_END, /* of the string */
    IMAP_RESPONSE_TEXT,       /* text: a run of human text or base64, never empty */
    IMAP_RESPONSE_END,        /* CRLF of the response */
    IMAP_RESPONSE_BROKEN,     /* fault: nothing more is read */
};

enum imap_response_form { IMAP_RESPONSE_UNTAGGED, IMAP_RESPONSE_TAGGED, IMAP_RESPONSE_GO_ON };

enum imap_response_status {
    IMAP_RESPONSE_DATA, /* none of these */
    IMAP_RESPONSE_OK,
    IMAP_RESPONSE_NO,
    IMAP_RESPONSE_BAD,
    IMAP_RESPONSE_BYE,
    IMAP_RESPONSE_PREAUTH,
};

enum imap_response_fault {
#define IMAP_RESPONSE_FAULT(name, text) IMAP_RESPONSE_FAULT_##name,
#include "proto/imap/imap_response_fault.def"
#undef IMAP_RESPONSE_FAULT
    IMAP_RESPONSE_FAULTS,
};

/* Spans are valid until the next call, and no longer than *in or the buffer. */
struct imap_response_event {
    enum imap_response_kind kind;
    enum imap_response_form form;
    enum imap_response_status status;
    enum imap_response_fault fault;
    bool numbered, literal, literal8;
    uint64_t number; /* of BEGIN: "* 23 EXISTS" */
    uint64_t size;
    struct span tag, name, text;
};

/* Members are the reader's own. */
struct imap_response {
    uint8_t *buffer;
    uint64_t literal; /* octets still to come */
    uint16_t held;    /* octets of a word in the buffer */
    uint8_t state;
    uint8_t form;  /* of the head under way */
    uint8_t words; /* of it, that are whole */
    uint8_t depth; /* lists open */
    uint8_t fault;
    bool digits;  /* all of the head's second word so far */
    bool status;  /* a code may come before the text */
    bool code;    /* within a response code */
    bool section; /* within the brackets of a word */
    bool quoted;  /* within a quoted string of these */
    bool escaped; /* behind a backslash */
    bool given;   /* what is held was handed out */
};

void imap_response_init(struct imap_response *r);
/* Lends a buffer of IMAP_RESPONSE_WORD_MAX octets. */
void imap_response_attach(struct imap_response *r, uint8_t *buffer);
/* Takes it back when nothing is held in it; NULL when there is none or it is in use. */
uint8_t *imap_response_take_back(struct imap_response *r);
/*
 * The next event, in *event_out and as the result. *in moves behind what was taken; call again with
 * what is left until MORE or BROKEN. Bound: one pass over the input.
 */
enum imap_response_kind imap_response_next(struct imap_response *r, struct span *in,
                                           struct imap_response_event *event_out);
/* True between responses, when nothing of the next has come. */
bool imap_response_idle(const struct imap_response *r);
const char *imap_response_fault_text(enum imap_response_fault fault);

/* number64 (RFC 9051 section 9): all of the word, below 2^63. */
bool imap_response_number(struct span word, uint64_t *out);

#endif
