/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_READER_H
#define PROTO_MIME_MIME_READER_H

#include "proto/mime/mime_base64.h"
#include "proto/mime/mime_content_type.h"
#include "proto/mime/mime_qp.h"

/*
 * Reads a message while it arrives (RFC 5322, RFC 2045, RFC 2046): header fields, the tree of parts, decoded
 * bodies. Pulled: the caller hands consecutive runs of the message's bytes, dot-stuffing undone, and takes events
 * until MIME_MORE. Nothing is buffered whole; bodies pass through in place. Which events come, and the bytes
 * of DATA put together, do not depend on how the message was cut.
 *
 * Order of events, a part's index counting from 0 in order of appearance:
 *   FIELD*  HEADER_END  PART_BEGIN  (DATA* | parts)  PART_END       and END behind the root's PART_END
 * An ANOMALY comes behind the FIELD or before the event it belongs to; those of a body before its PART_END.
 * A message/rfc822 (or message/global) part has one child: the message in it, with a header of its own.
 *
 * Lines end in CRLF; LF alone is taken for a line end too, with an anomaly.
 */

enum { MIME_DEPTH_MAX = 32 };        /* frames in a reader; `limits.depth` is at most this */
enum { MIME_BOUNDARY_MAX = 250 };    /* bytes of one boundary; RFC 2046 section 5.1.1 allows 70 */
enum { MIME_BOUNDARIES_SIZE = 1536 }; /* bytes of all boundaries that are open at a time */
enum { MIME_DELIMITER_MAX = 320 };   /* bytes of a delimiter line with its padding and line end; longer is none */
enum { MIME_FILENAME_MAX = 512 };    /* bytes of a decoded file name; longer is cut, with an anomaly */
enum { MIME_TOKEN_MAX = 128 };       /* bytes of type, subtype, disposition, charset */
enum { MIME_FIELD_MIN = 1024 };      /* least `limits.field` */
enum { MIME_SCRATCH_MIN = 1024 };    /* least scratch */
enum { MIME_PART_NONE = 0xffff };    /* the root's parent */

struct mime_limits {
    uint32_t field;  /* bytes of one header field, name and folds included; also the field buffer's size */
    uint32_t header; /* bytes of one part's header; fields that begin behind are left out */
    uint16_t parts;  /* parts of a message, the root included; at least 2 */
    uint16_t depth;  /* nesting, the root being 1 */
};

/* 16 KiB a field, 256 KiB a header, 1000 parts, 20 deep. */
#define MIME_LIMITS_DEFAULT                                                                        \
    {.field = 16384, .header = 262144, .parts = 1000, .depth = 20}

struct mime_memory {
    /*
     * `limits.field` bytes of this message's, for fields that are split over inputs; may be NULL, then
     * MIME_BUFFER asks for it. Kept from call to call.
     */
    uint8_t *field;
    /*
     * For decoded bytes, at least MIME_SCRATCH_MIN: one DATA event carries at most this many. Not kept
     * from call to call, so one scratch can serve all readers of a thread.
     */
    uint8_t *scratch;
    size_t scratch_size;
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

enum mime_event_kind {
    MIME_FIELD,
    MIME_HEADER_END,
    MIME_PART_BEGIN,
    MIME_DATA,
    MIME_PART_END,
    MIME_ANOMALY,
    MIME_END,
};

enum mime_part_kind {
    MIME_LEAF,      /* its body comes as DATA */
    MIME_MULTIPART, /* its children follow */
    MIME_MESSAGE,   /* its child follows: the message in it */
};

/* What the header says of a part. Spans hold until the next call. */
struct mime_part {
    uint16_t parent; /* index, or MIME_PART_NONE */
    uint8_t kind;    /* enum mime_part_kind */
    uint8_t encoding; /* enum mime_encoding */
    uint64_t header_offset;
    uint64_t body_offset;
    struct span type;        /* as written; "text" when there is none (RFC 2045 section 5.2) */
    struct span subtype;     /* as written; "plain" when there is none, "rfc822" within a multipart/digest */
    struct span charset;     /* empty when there is none */
    struct span disposition; /* "attachment"; empty when there is none */
    struct span filename;    /* UTF-8, from Content-Disposition, else Content-Type's name; empty: none */
    struct span name;        /* UTF-8, Content-Type's name */
};

struct mime_event {
    enum mime_event_kind kind;
    uint16_t part; /* index */
    /*
     * Of the raw message: FIELD its first byte, HEADER_END and PART_BEGIN the body's first byte, DATA the first
     * raw byte behind those of the DATA before, PART_END the byte behind the body, ANOMALY where it was seen (of a
     * body: the body's first byte).
     */
    uint64_t offset;
    union {
        struct {
            enum mime_field id;
            bool message;     /* of a message's own header: the root's, or that of a message within */
            bool cut;         /* longer than limits.field */
            struct span raw;  /* the whole field without its last line end, folds in it */
            struct span name; /* as written */
            struct span value; /* behind the colon, folds and leading blanks in it */
        } field;
        const struct mime_part *begin;
        struct span data; /* never empty; in the input, or in the scratch when decoded */
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
};

