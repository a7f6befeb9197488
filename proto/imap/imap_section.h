/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SECTION_H
#define PROTO_IMAP_IMAP_SECTION_H

#include "proto/imap/imap_cursor.h"

/* A part of a message as BODY[...] names it (RFC 9051 section 6.4.5.1). */

enum imap_section_kind {
    IMAP_SECTION_ALL, /* nothing behind the part's number; without a number the whole message */
    IMAP_SECTION_HEADER,
    IMAP_SECTION_FIELDS,     /* HEADER.FIELDS */
    IMAP_SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT */
    IMAP_SECTION_TEXT,
    IMAP_SECTION_MIME,
};

enum {
    IMAP_SECTION_DEPTH = 32, /* numbers in a row; a longer row names nothing that is kept */
    IMAP_FIELD_NAME_MAX = 256,
};

struct imap_section {
    uint8_t kind;                      /* enum imap_section_kind */
    uint8_t depth;                     /* numbers in path[] */
    bool nowhere;                      /* the row was longer than that: there is no such part */
    struct span fields;                /* of FIELDS and FIELDS_NOT: the list with its brackets */
    uint16_t path[IMAP_SECTION_DEPTH]; /* from 1; a number beyond 65535 is 65535 */
};

/*
 * section-spec = section-msgtext / (section-part ["." section-text])
 * section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
 * section-text = section-msgtext / "MIME"
 *
 * What stands between the brackets of BODY, or nothing. `part`: only a section-part (BINARY).
 */
bool imap_section_parse(struct imap_cursor *c, bool part, struct imap_section *section_out);
/* Writes it the same way. */
void imap_section_put(struct writer *w, const struct imap_section *section);

/* The field names of a list, one after the other. */
struct imap_section_fields {
    struct imap_cursor at;
    bool first;
    uint8_t scratch[IMAP_FIELD_NAME_MAX];
};

void imap_section_fields_init(struct imap_section_fields *f, const struct imap_section *section);
/* False when there are no more. The name is valid until the next call. */
bool imap_section_fields_next(struct imap_section_fields *f, struct span *name_out);
/* Is it in the list (in any case)? */
bool imap_section_names_field(const struct imap_section *section, struct span name);

#endif
