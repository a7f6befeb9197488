/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_READER_H
#define PROTO_MIME_MIME_READER_H

#include "proto/mime/mime_base64.h"
#include "proto/mime/mime_content_type.h"
#include "proto/mime/mime_qp.h"
#include "proto/mime/mime_uu.h"

/*
 * Reads a message while it arrives (RFC 5322, RFC 2045, RFC 2046): header fields, the tree of
 * parts, decoded bodies. Pulled: the caller hands consecutive runs of the message's bytes,
 * dot-stuffing undone, and takes events until MIME_MORE. Nothing is buffered whole; bodies pass
 * through in place. Which events come, and the bytes of DATA put together, do not depend on how the
 * message was cut.
 *
 * Order of events, a part's index counting from 0 in order of appearance:
 *
 *   FIELD*  HEADER_END  PART_BEGIN  NAME*  (DATA* | parts)  PART_END
 *
 * and END behind the root's PART_END. BESIDE is text that belongs to no part: before, behind and
 * between a multipart's parts, or around a uuencoded body. An ANOMALY comes behind the FIELD or
 * before the event it belongs to; those of a body before its PART_END. A message/rfc822 (or
 * message/global) part has one child: the message in it, with a header of its own.
 *
 * Lines end in CRLF; LF alone is taken for a line end too, with an anomaly.
 */

enum { MIME_DEPTH_MAX = 32 };         /* frames in a reader; `limits.depth` is at most this */
enum { MIME_BOUNDARY_MAX = 250 };     /* bytes of one boundary; RFC 2046 section 5.1.1 allows 70 */
enum { MIME_BOUNDARIES_SIZE = 1536 }; /* bytes of all boundaries that are open at a time */
enum { MIME_DELIMITER_MAX = 320 };    /* bytes of a delimiter line with its end; longer is none */
enum { MIME_FILENAME_MAX = 512 }; /* bytes of a decoded file name; longer is cut, with an anomaly */
enum { MIME_NAMES_MAX = 768 };    /* bytes of all other spellings of a part's file name */
enum { MIME_TAIL_MAX = 80 };      /* bytes of a base64 line that are kept for another reading */
enum { MIME_TOKEN_MAX = 128 };    /* bytes of type, subtype, disposition, charset */
enum { MIME_FIELD_MIN = 1024 };   /* least `limits.field` */
enum { MIME_SCRATCH_MIN = 1024 }; /* least scratch */
enum { MIME_PART_NONE = 0xffff }; /* the root's parent */

struct mime_limits {
    uint32_t field;  /* bytes of one header field with name and folds; the field buffer's size */
    uint32_t header; /* bytes of one part's header; fields that begin behind are left out */
    uint16_t parts;  /* parts of a message, the root included; at least 2 */
    uint16_t depth;  /* nesting, the root being 1 */
    uint32_t lines;  /* of one part's header; fields that begin behind are left out */
};

/* 16 KiB a field, 256 KiB and 10000 lines a header, 1000 parts, 20 deep. */
#define MIME_LIMITS_DEFAULT                                                                        \
    {                                                                                              \
        .field = 16384, .header = 262144, .parts = 1000, .depth = 20, .lines = 10000               \
    }

struct mime_memory {
    /*
     * `limits.field` bytes of this message's, for fields that are split over inputs; may be NULL,
     * then MIME_BUFFER asks for it. Kept from call to call.
     */
    uint8_t *field;
    /*
     * For decoded bytes, at least MIME_SCRATCH_MIN: one DATA event carries at most this many. Not
     * kept from call to call, so one scratch can serve all readers of a thread.
     */
    uint8_t *scratch;
    size_t scratch_size;
    /* Charsets of file names beyond the built-in ones, for as long as the message; NULL: none. */
    const struct mime_charset *charset;
};

enum mime_anomaly {
#define ANOMALY(NAME, name, what) MIME_ANOMALY_##NAME,
#include "proto/mime/mime_anomaly.def"
#undef ANOMALY
    MIME_ANOMALIES
};

enum mime_field {
    MIME_FIELD_OTHER,
#define FIELD(NAME, name, once) MIME_FIELD_##NAME,
#include "proto/mime/mime_field.def"
#undef FIELD
    MIME_FIELDS
};

/* Where receivers differ: bits of doubts_known and doubts_other. */
enum mime_doubt {
#define DOUBT(NAME, name, what) MIME_DOUBT_##NAME,
#include "proto/mime/mime_doubt.def"
#undef DOUBT
    MIME_DOUBTS
};

enum mime_event_kind {
    MIME_FIELD,
    MIME_HEADER_END,
    MIME_PART_BEGIN,
    MIME_DATA,
    MIME_PART_END,
    MIME_ANOMALY,
    MIME_END,
    MIME_NAME,   /* another spelling of the part's file name than PART_BEGIN gave */
    MIME_BESIDE, /* text that belongs to no part; the part named is the one around it */
    /* Of struct mime_readings alone, see there. */
    MIME_READING,
    MIME_TEXT,
    MIME_FILE_BEGIN,
    MIME_FILE_DATA,
    MIME_FILE_END,
};

enum mime_part_kind {
    MIME_LEAF,      /* its body comes as DATA */
    MIME_MULTIPART, /* its children follow */
    MIME_MESSAGE,   /* its child follows: the message in it */
};

/* What the header says of a part. Spans hold until the next call. */
struct mime_part {
    uint16_t parent;  /* index, or MIME_PART_NONE */
    uint8_t kind;     /* enum mime_part_kind */
    uint8_t encoding; /* enum mime_encoding */
    bool message;     /* its header is a message's own: the root, or the child of a MIME_MESSAGE */
    uint64_t header_offset;
    uint64_t body_offset;
    struct span type;        /* as written; "text" when there is none (RFC 2045 section 5.2) */
    struct span subtype;     /* as written; without one "plain", in a multipart/digest "rfc822" */
    struct span charset;     /* empty when there is none */
    struct span disposition; /* "attachment"; empty when there is none */
    struct span filename;    /* UTF-8, of Content-Disposition, else `name`; empty: none */
    struct span name;        /* UTF-8, of Content-Type */
};

struct mime_event {
    enum mime_event_kind kind;
    uint16_t part;   /* index */
    uint8_t reading; /* which one it belongs to: struct mime_readings; otherwise 0 */
    /*
     * Of the raw message: FIELD its first byte, HEADER_END and PART_BEGIN the body's first byte,
     * DATA the first raw byte behind those of the DATA before, PART_END the byte behind the body,
     * ANOMALY where it was seen (of a body: the body's first byte).
     */
    uint64_t offset;
    union {
        struct {
            enum mime_field id;
            bool message; /* of a message's own header: the root's, or that of a message within */
            bool cut;     /* longer than limits.field */
            struct span raw;   /* the whole field without its last line end, folds in it */
            struct span name;  /* as written */
            struct span value; /* behind the colon and its blanks, folds in it */
        } field;
        const struct mime_part *begin;
        struct span data; /* never empty; in the input, or in the scratch when decoded; of NAME the
                             name, of FILE_BEGIN too, which may be empty */
        struct {
            enum mime_doubt doubt; /* MIME_DOUBTS: of a message that was encoded */
            uint8_t from;          /* the reading that goes on as it was; `reading` is the other */
        } other;
        struct {
            uint64_t header_offset;
            uint64_t body_offset;
            uint64_t body_len; /* raw bytes, without the line end before a delimiter */
            uint64_t lines;    /* line ends (LF) in them */
            uint64_t decoded;  /* of a leaf: bytes of DATA given */
        } end;
        enum mime_anomaly anomaly;
    };
};

enum mime_status {
    MIME_MORE,   /* the input is used up */
    MIME_EVENT,  /* *event_out is one; its spans hold until the next call */
    MIME_BUFFER, /* a field is split and there is no field buffer: attach one and call again */
    MIME_DOUBT,  /* only for who asks for it: r->doubt; fork or go on, then call again */
};

/* One part that is open: the path from the root to the current part. */
struct mime_frame {
    uint64_t header_offset;
    uint64_t body_offset;
    uint64_t lines; /* line ends before the body */
    uint16_t index;
    uint16_t parent;
    uint16_t boundary; /* begin in boundaries[] */
    uint8_t boundary_len;
    uint8_t kind;
    bool message;  /* its header is a message's own */
    bool digest;   /* its parts are messages unless they say otherwise (RFC 2046 section 5.1.5) */
    bool closed;   /* its closing delimiter was seen: only the epilogue is left */
    bool parented; /* a part of it was seen */
    bool beside;   /* text beside its parts is under way, blank lines before it left out */
    bool judged;   /* while being closed: its anomalies are told */
};

/*
 * The whole state of a message under way: about 6 KiB, asserted in mime_reader.c; plus the field
 * buffer while a field is split. Members are the reader's own.
 */
struct mime_reader {
    struct mime_limits limits;
    struct mime_memory memory;
    uint64_t offset;         /* of the next byte to read */
    uint64_t lines;          /* line ends before it */
    uint64_t decoded;        /* of the current leaf */
    uint64_t anomalies;      /* to be told before the next event, by bit */
    uint64_t body_anomalies; /* to be told before the current part ends */
    uint64_t body_end;       /* while parts are being closed: where their bodies end */
    uint64_t lines_end;
    uint64_t field_offset;
    uint64_t field_total; /* bytes of the field under way that lie behind us; 0: none */
    uint64_t field_lines; /* line ends in them */
    uint64_t fields_seen; /* of this header, by enum mime_field */
    struct span replay;   /* bytes in the field buffer to be read again, before the input */
    size_t run;           /* bytes at the input's begin that are known to be body */
    uint32_t field_held;  /* bytes in the field buffer */
    uint16_t held_at;     /* undecided bytes of a body: held[held_at .. held_len) */
    uint16_t held_len;
    uint16_t parts;
    uint8_t depth;
    uint8_t close_depth; /* parts deeper than this are being closed */
    uint8_t state;
    uint8_t
        boundaries_open;   /* multiparts among the frames, unless parts are no longer looked for */
    uint8_t part_boundary; /* length of the boundary that the header under way names */
    bool closing_delimiter;
    bool decoder_done;
    bool field_judged;
    bool field_line_end;
    bool
        line_begin; /* the next byte of the body begins a line, and no line end before it is held */
    bool last_cr;
    bool finished;
    bool bare_told;
    bool asks;            /* whoever reads wants MIME_DOUBT */
    uint8_t doubt;        /* enum mime_doubt that is ahead or was just met, or MIME_DOUBTS */
    uint8_t doubts_known; /* by bit: decided */
    uint8_t doubts_other; /* those of them that are decided the other way */
    uint8_t tail_len;     /* of tail[]: the begin of the base64 line under way */
    bool tail_due;        /* ... is to be given, as plain text */
    bool field_again;     /* the field that was taken last had been there before */
    uint16_t held_known;  /* bytes of held[] that are body */
    uint16_t names_len;
    uint16_t names_at;   /* the next one to be told */
    uint32_t head_lines; /* of the header under way */
    union {
        struct mime_base64 base64;
        struct mime_qp qp;
        struct mime_uu uu;
    } decoder;
    struct mime_part part; /* of the header under way */
    struct mime_frame frames[MIME_DEPTH_MAX];
    uint8_t text[4 * MIME_TOKEN_MAX + 2 * MIME_FILENAME_MAX]; /* what `part` points to */
    uint8_t boundaries[MIME_BOUNDARIES_SIZE];
    uint8_t held[MIME_DELIMITER_MAX + 2];
    uint8_t names[MIME_NAMES_MAX]; /* other spellings of the file name, each with its length (2) */
    uint8_t tail[MIME_TAIL_MAX];
};

/*
 * Begins a message. Borrows the memory until the message ends. False when a limit or a size is
 * outside the bounds above.
 */
bool mime_reader_init(struct mime_reader *r, const struct mime_memory *memory,
                      const struct mime_limits *limits);

/*
 * The next event. *in advances behind what was read; until MIME_MORE the caller calls again with
 * the same span. Bound: one pass over the input; a call does work in proportion to the bytes it
 * takes, the parts it closes, or the input that it scans once for delimiters ahead of giving it.
 * Never fails: what breaks a rule is an anomaly.
 */
enum mime_status mime_reader_next(struct mime_reader *r, struct span *in,
                                  struct mime_event *event_out);

/*
 * The message has ended: mime_reader_next() with an empty input then gives what is left, END last,
 * then MORE.
 */
void mime_reader_finish(struct mime_reader *r);

/* Lends the field buffer that MIME_BUFFER asked for, to the end of the message. */
void mime_reader_attach(struct mime_reader *r, uint8_t *field);

/*
 * Behind MIME_DOUBT, or behind a FIELD that left r->doubt set: `copy_out` becomes a reader of its
 * own that decides the doubt the other way, and reads on from the same byte; `field`, of
 * limits.field bytes, becomes its own. Both know the doubt from now on. `event`: that FIELD, else
 * NULL. Without a copy (NULL) the doubt is only decided.
 */
void mime_reader_fork(struct mime_reader *r, struct mime_reader *copy_out, uint8_t *field,
                      const struct mime_event *event);
const char *mime_doubt_name(enum mime_doubt doubt);

/* The name in the table, "bare_lf", and what it means. */
const char *mime_anomaly_name(enum mime_anomaly anomaly);
const char *mime_anomaly_what(enum mime_anomaly anomaly);
/* The field of a name, in any case. */
enum mime_field mime_field_of(struct span name);

#endif
