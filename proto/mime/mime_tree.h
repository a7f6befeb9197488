/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_TREE_H
#define PROTO_MIME_MIME_TREE_H

#include "proto/base/cursor.h"
#include "proto/mime/mime_reader.h"

/*
 * What is kept of a message's structure beside its bytes: enough for ENVELOPE, BODYSTRUCTURE and
 * BODY[n] of RFC 3501 section 7.4.2 without reading the message again. Made from the reader's
 * events, encoded while they come, in order of the parts' begin (a parent before its children). All
 * offsets count from the raw message's first byte.
 *
 *   tree      = version(1) flags(1: 1 incomplete, 2 bytes above 127 in a header) parts(2) *part
 *   part      = length(4, of what follows) kind(1, high bit: message) encoding(1) parent(2)
 *               header-offset(5) body-offset(5) body-length(5) lines(5) decoded(5) *attribute
 *   attribute = tag(1, high bit: cut) length(2) bytes
 *   bytes of TYPE, DISPOSITION = blob1 (type) blob1 (subtype) *(blob1 (parameter) blob2 (value))
 *   blobN     = length(N) bytes                                             integers are big-endian
 */
enum { MIME_TREE_VERSION = 1 };
enum { MIME_TREE_VALUE_MAX = 8192 }; /* bytes of one attribute; a longer one is cut and says so */

/* ATTRIBUTE(NAME, field): the value of that header field, unfolded, otherwise raw. */
#define MIME_TREE_ENVELOPE(ATTRIBUTE)                                                              \
    ATTRIBUTE(DATE)                                                                                \
    ATTRIBUTE(SUBJECT)                                                                             \
    ATTRIBUTE(FROM)                                                                                \
    ATTRIBUTE(SENDER)                                                                              \
    ATTRIBUTE(REPLY_TO)                                                                            \
    ATTRIBUTE(TO)                                                                                  \
    ATTRIBUTE(CC)                                                                                  \
    ATTRIBUTE(BCC)                                                                                 \
    ATTRIBUTE(IN_REPLY_TO)                                                                         \
    ATTRIBUTE(MESSAGE_ID)                                                                          \
    ATTRIBUTE(REFERENCES)
#define MIME_TREE_PART(ATTRIBUTE)                                                                  \
    ATTRIBUTE(CONTENT_TRANSFER_ENCODING)                                                           \
    ATTRIBUTE(CONTENT_ID)                                                                          \
    ATTRIBUTE(CONTENT_DESCRIPTION)                                                                 \
    ATTRIBUTE(CONTENT_MD5)                                                                         \
    ATTRIBUTE(CONTENT_LANGUAGE)                                                                    \
    ATTRIBUTE(CONTENT_LOCATION)

/* The tags. Stored: the numbers never change, new ones are added at the end. */
enum mime_tree_tag {
    MIME_TREE_TYPE,        /* Content-Type: type, subtype, parameters */
    MIME_TREE_DISPOSITION, /* Content-Disposition, likewise, its subtype empty */
    MIME_TREE_FILENAME,    /* decoded, UTF-8 */
#define ATTRIBUTE(NAME) MIME_TREE_##NAME,
    MIME_TREE_ENVELOPE(
        ATTRIBUTE) /* of the root, and of a message within: see mime_tree_part.message */
    MIME_TREE_PART(ATTRIBUTE)
#undef ATTRIBUTE
        MIME_TREE_TAGS
};

/* The builder: follows one reader from its first event to END. Writes into `out`; owns nothing. */
struct mime_tree {
    struct writer out;
    uint16_t parts;                 /* begun */
    uint8_t depth;                  /* open ones */
    bool open;                      /* the last one's header is being read */
    bool utf8;                      /* a byte above 127 stands in a header */
    bool incomplete;                /* `out` was too small: later parts or attributes are missing */
    uint64_t seen;                  /* attributes of the part under way, by tag */
    size_t records[MIME_DEPTH_MAX]; /* where the open parts' records begin */
};

void mime_tree_init(struct mime_tree *t, void *memory, size_t size);
/* Takes one event of the reader, each in turn. */
void mime_tree_feed(struct mime_tree *t, const struct mime_event *event);
/*
 * The encoded tree, in the memory given; whole once END was fed. Always readable, also when
 * `incomplete`.
 */
struct span mime_tree_finish(struct mime_tree *t);

/* True when a header of the message has bytes above 127. Reads an encoded tree from anywhere. */
bool mime_tree_utf8(struct span tree);

struct mime_tree_part {
    uint16_t index;
    uint16_t parent;  /* less than index, or MIME_PART_NONE for part 0 */
    uint8_t kind;     /* enum mime_part_kind */
    uint8_t encoding; /* enum mime_encoding */
    bool message;     /* has an envelope: the root, or the one child of a MIME_MESSAGE part */
    uint64_t header_offset;
    uint64_t header_len;
    uint64_t body_offset;
    uint64_t body_len;
    uint64_t lines;
    uint64_t decoded; /* bytes of a leaf's body behind its transfer encoding */
    uint32_t cut;     /* attributes that were cut, by tag */
    uint32_t present; /* attributes that are there, by tag: an empty Subject is not a missing one */
    struct span attributes[MIME_TREE_TAGS];
};

/* Reads an encoded tree from anywhere: never outside the span, never trusting a length. */
struct mime_tree_read {
    struct cursor at;
    uint16_t parts; /* how many there are */
    uint16_t next;
    bool incomplete;
};

enum mime_tree_status {
    MIME_TREE_NEXT, /* *part_out is the next one */
    MIME_TREE_DONE, /* there are no more */
    MIME_TREE_BAD,  /* this is no tree of a version we know */
};

/* False when the span does not begin as a tree. Borrows the span. */
bool mime_tree_read_init(struct mime_tree_read *read, struct span tree);
enum mime_tree_status mime_tree_read_next(struct mime_tree_read *read,
                                          struct mime_tree_part *part_out);

/*
 * A tree made of parts as mime_tree_read_next() gives them, each at its `index`, one after the other:
 * what mime_tree_put_begin(), mime_tree_put_part() for each, and mime_tree_put_end() write to `w`,
 * which has nothing in front of it. Attributes are copied. Too small a writer is `full`. `utf8`: as
 * mime_tree_utf8() will say.
 */
void mime_tree_put_begin(struct writer *w);
void mime_tree_put_part(struct writer *w, const struct mime_tree_part *part);
void mime_tree_put_end(struct writer *w, uint16_t parts, bool utf8);

/* The value of MIME_TREE_TYPE or MIME_TREE_DISPOSITION, taken apart. Never trusts it. */
struct mime_tree_type {
    struct span type;
    struct span subtype;
    struct cursor parameters;
};

/*
 * A part without Content-Type reads as what RFC 2045 section 5.2 makes it: the reader has put that
 * there.
 */
bool mime_tree_type_read(struct span attribute, struct mime_tree_type *type_out);
/*
 * The next parameter: name with the marks of RFC 2231, value without quotes. False when there are
 * no more.
 */
bool mime_tree_type_next(struct mime_tree_type *type, struct span *name_out,
                         struct span *value_out);

#endif
