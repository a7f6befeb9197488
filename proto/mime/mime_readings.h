/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_READINGS_H
#define PROTO_MIME_MIME_READINGS_H

#include "proto/mime/mime_derive.h"

/*
 * A message in all the ways in which receivers read it. Reading 0 is the one that the engine goes
 * by. Where it meets a doubt (mime_doubt.def), a further reading takes the other way from the same
 * byte on, and decides all doubts of that kind so. Doubts about a header and about delimiters
 * concern the rest of the message, in all four combinations; one about how a leaf is decoded ends
 * with its leaf. A message in base64 or quoted-printable is read within as a reading of its own
 * (its offsets are of the decoded bytes), as reading 0 reads.
 *
 * Events are those of struct mime_reader, each with its reading, and beyond them:
 *
 *   READING     a further one begins, behind an ANOMALY that names the doubt: what `from` has given
 *               so far, it has given too (of the part under way: its DATA). Numbers are used again.
 *   TEXT        DATA of a text as UTF-8, where its charset asks for it; see mime_derive_instead()
 *   FILE_BEGIN, FILE_DATA, FILE_END   a file within a leaf's DATA: uuencoded, or of TNEF
 *
 * Within one reading the order and the bytes do not depend on how the message was cut, nor does
 * which readings there are; the order of events of different readings does.
 */
enum {
    MIME_READINGS_WHOLE = 4,  /* by doubts that concern the rest of the message */
    MIME_READINGS_LEAF = 3,   /* each: as it is, decoded otherwise, plain */
    MIME_READINGS_WITHIN = 4, /* encoded messages within each other, from reading 0 on */
    MIME_READINGS_DECODED = MIME_READINGS_WHOLE * MIME_READINGS_LEAF,
    MIME_READINGS = MIME_READINGS_DECODED + MIME_READINGS_WITHIN,
};

struct mime_reading {
    struct mime_reader *reader; /* NULL: no memory yet */
    struct mime_derive *derive;
    uint8_t *field;
    uint8_t *scratch;
    struct span rest; /* of the input, or of the DATA that it reads */
    bool used;
    bool due;       /* has something to read */
    bool deriving;  /* what lies in the last DATA is being told */
    uint8_t feeder; /* the reading whose DATA it reads, or MIME_READINGS */
    uint16_t leaf;  /* the part whose end ends it, or MIME_PART_NONE */
    uint16_t fed;   /* of the feeder: the part whose DATA it is */
};

struct mime_readings {
    struct mime_reader first;
    struct mime_derive first_derive;
    struct mime_reading all[MIME_READINGS];
    struct mime_memory memory;
    struct mime_limits limits;
    bool open; /* an input is under way */
    bool finished;
    uint8_t used;                      /* how many readings there are */
    uint8_t asking;                    /* the reading that waits for memory, or MIME_READINGS */
    uint8_t wanted;                    /* ... for this one */
    bool held;                         /* `event` waits */
    uint8_t queued;                    /* events before it */
    struct mime_event event;           /* given once what goes before it is done */
    struct mime_event queue[2];        /* the last first */
    uint8_t derived[MIME_DERIVE_ROOM]; /* scratch of what lies in DATA */
};

/* Bytes of one further reading, beside limits.field. */
size_t mime_readings_size(const struct mime_limits *limits);
/* As mime_reader_init(). */
bool mime_readings_init(struct mime_readings *rs, const struct mime_memory *memory,
                        const struct mime_limits *limits);
/*
 * As mime_reader_next(), but *in advances only with MIME_MORE. MIME_DOUBT: memory for a further
 * reading is wanted; mime_readings_attach() and call again.
 */
enum mime_status mime_readings_next(struct mime_readings *rs, struct span *in,
                                    struct mime_event *event_out);
void mime_readings_finish(struct mime_readings *rs);
/* Lends mime_readings_size() bytes, aligned to 8, until the message ends. Without it the message
 * cannot be read on. */
void mime_readings_attach(struct mime_readings *rs, void *memory);
/* Of the part under way in a reading: TEXT says all that its DATA says. */
bool mime_readings_instead(const struct mime_readings *rs, uint8_t reading);

#endif
