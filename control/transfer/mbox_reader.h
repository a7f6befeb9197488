/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_MBOX_READER_H
#define CONTROL_TRANSFER_MBOX_READER_H

#include "proto/base/span.h"

/*
 * Reads a file of messages in one of the mbox formats (RFC 4155 appendix A describes the family)
 * while it is read from the disk, in memory of fixed size.
 *
 *   mbox      = *( from-line message blank-line )
 *   from-line = "From " sender 1*SP weekday SP month 1*SP day SP time [SP zone] SP year [SP zone]
 *               LF
 *
 * A line that begins with "From " but does not end with such a date is text. Line ends may be LF or
 * CRLF; what comes out is CRLF throughout. The header fields Status, X-Status and X-Keywords at the
 * end of a header are the format's own: they become flags and do not come out. Elsewhere in the
 * header they are the message's; flags are read from them where the end has none.
 */
enum mbox_format {
    MBOX_RD, /* one ">" in front of ">*From " is taken away */
    MBOX_O,  /* nothing is: nobody knows what was there before */
    MBOX_CL2 /* Content-Length says where a message ends, where that is consistent; nothing is
              * quoted
              */
};

enum mbox_flag {
    MBOX_SEEN = 1, /* R */
    MBOX_ANSWERED = 2,
    MBOX_FLAGGED = 4,
    MBOX_DELETED = 8,
    MBOX_DRAFT = 16,
    MBOX_FORWARDED = 32, /* X-Keywords: $Forwarded */
    MBOX_OTHERS = 64,    /* X-Keywords: more than that */
};

enum { MBOX_LINE = 1024, MBOX_SENDER = 320 }; /* of a from-line or a flag field; longer is text */

struct mbox_from {
    uint64_t date_ms; /* since 1970; 0 for what is before */
    uint32_t sender_len;
    char sender[MBOX_SENDER]; /* as it stands there */
};

/* Each false ends the reading: mbox_reader_feed() then returns false too. */
struct mbox_events {
    void *context;
    bool (*begin)(void *context, const struct mbox_from *from);
    bool (*bytes)(void *context, struct span bytes);
    bool (*end)(void *context, uint32_t flags); /* enum mbox_flag */
    /* Whether a message can end at that offset of the file: a from-line or the file's end is there,
     * but for a line end. NULL: it is not known, and Content-Length is not believed. */
    bool (*boundary)(void *context, uint64_t offset);
};

enum mbox_field { MBOX_STATUS, MBOX_X_STATUS, MBOX_X_KEYWORDS, MBOX_FIELDS };

struct mbox_reader {
    struct mbox_events events;
    enum mbox_format format;
    bool begun;       /* a message is open */
    bool refused;     /* by an event */
    bool bad;         /* the file does not begin with a from-line */
    bool header;      /* of the open message */
    bool blank;       /* an empty line waits: what follows says whose it is */
    bool middle;      /* the line under way is longer than `line`: the rest goes through */
    bool marked;      /* the line under way has got past its ">" */
    bool last_cr;     /* the last byte that came out */
    uint64_t offset;  /* of the next byte */
    uint64_t quotes;  /* ">" at the beginning of the line under way */
    uint64_t content; /* Content-Length of the header under way */
    bool has_content;
    uint64_t verbatim;          /* bytes that come as they are */
    uint32_t len;               /* of `line` */
    uint32_t own[MBOX_FIELDS];  /* flags of fields that came out */
    uint32_t held[MBOX_FIELDS]; /* flags of those that are held */
    uint8_t has_own, has_held;  /* bits */
    uint32_t held_len;
    uint8_t line[MBOX_LINE];
    uint8_t holding[MBOX_FIELDS * MBOX_LINE]; /* flag fields that may be the header's last */
};

void mbox_reader_init(struct mbox_reader *r, enum mbox_format format,
                      const struct mbox_events *events);
/* The next bytes of the file. False: an event refused, or the file is none (r->bad). */
bool mbox_reader_feed(struct mbox_reader *r, struct span bytes);
/* The file's end. */
bool mbox_reader_finish(struct mbox_reader *r);

/* A whole line, without its line end, as a from-line. */
bool mbox_from_parse(struct span line, struct mbox_from *from_out);

#endif
