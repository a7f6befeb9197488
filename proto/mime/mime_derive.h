/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_DERIVE_H
#define PROTO_MIME_MIME_DERIVE_H

#include "proto/mime/mime_text.h"
#include "proto/mime/mime_tnef.h"

/*
 * What lies in the DATA of a leaf beyond its bytes: its text as UTF-8 (TEXT), uuencoded files in a
 * text, the files of a TNEF stream (FILE_BEGIN, FILE_DATA, FILE_END, NAME). Made while DATA comes;
 * nothing is kept but a line or a name. The result does not depend on how DATA was cut.
 */
enum { MIME_DERIVE_ROOM = MIME_TEXT_ROOM };

struct mime_derive {
    struct mime_text text;
    struct span text_in; /* of the DATA under way: not yet read for text, for files */
    struct span file_in;
    uint64_t anomalies; /* to be told, by bit */
    uint8_t file;       /* what is looked for */
    bool open;          /* a file is */
    bool told;          /* that there is one */
    bool finished;
    union {
        struct mime_uu uu;
        struct mime_tnef tnef;
    };
};

/* A part begins. */
void mime_derive_begin(struct mime_derive *d, const struct mime_part *part,
                       const struct mime_charset *charsets);
/* DATA of a leaf; to be drained by mime_derive_next() before the next. */
void mime_derive_feed(struct mime_derive *d, struct span data);
/* The leaf ends; likewise. */
void mime_derive_finish(struct mime_derive *d);
/*
 * The next event: kind and data (or anomaly) are set, `scratch` has MIME_DERIVE_ROOM bytes and
 * holds until the next call. False when all is drained.
 */
bool mime_derive_next(struct mime_derive *d, uint8_t *scratch, struct mime_event *event_out);

/* TEXT says all that DATA says: whoever reads texts need not read both. */
static inline bool mime_derive_instead(const struct mime_derive *d)
{
    return d->text.kind == MIME_TEXT_SINGLE;
}

#endif
