/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_CONTENT_TYPE_H
#define PROTO_MIME_MIME_CONTENT_TYPE_H

#include "proto/mime/mime_charset.h"

/*
 * Values of Content-Type (RFC 2045 section 5.1), Content-Disposition (RFC 2183 section 2) and
 * Content-Transfer-Encoding (RFC 2045 section 6.1), with parameters in pieces and charsets (RFC
 * 2231). All spans point into the value that was read.
 */
enum { MIME_PARAMETERS_MAX = 32 };

struct mime_parameter {
    struct span name;  /* as written, with the marks of RFC 2231: "filename*0*" */
    struct span value; /* as written, without the quotes */
    bool quoted;       /* the value was a quoted string: backslashes and folds are still in it */
};

struct mime_content_type {
    struct span
        type; /* "text"; of Content-Disposition and Content-Transfer-Encoding the only token */
    struct span subtype; /* "plain"; empty when there is none */
    uint8_t count;
    uint8_t flags; /* MIME_PARAMETER_* that were met */
    bool other;    /* read by mime_content_type_parse_other() */
    struct mime_parameter parameters[MIME_PARAMETERS_MAX];
};

enum {
    MIME_PARAMETER_BAD = 1,     /* breaks the grammar; read as far as it goes */
    MIME_PARAMETER_TWICE = 2,   /* a name stands twice; the first counts */
    MIME_PARAMETER_MANY = 4,    /* more than MIME_PARAMETERS_MAX; the later ones are left out */
    MIME_PARAMETER_CHARSET = 8, /* a charset that is not known; the value is left encoded */
    MIME_PARAMETER_CUT = 16,    /* the value did not fit the writer */
};

/*
 * Reads a value, folds and comments included. Always yields something; flags say what was wrong.
 * One pass.
 */
void mime_content_type_parse(struct span value, struct mime_content_type *type_out);

/*
 * The same as some receivers read it: of a name that stands twice the last counts, a value without
 * quotes ends at the first blank, and "name" counts before "name*" in mime_content_type_find() and
 * mime_content_type_raw().
 */
void mime_content_type_parse_other(struct span value, struct mime_content_type *type_out);

/* Writes a parameter's value with quoting and folds undone, otherwise as it is. */
void mime_parameter_value(const struct mime_parameter *p, struct writer *out);

/*
 * Writes the value of the parameter `name` (lower case) as UTF-8: pieces put together in order,
 * percent escapes and charset undone (RFC 2231 sections 3 and 4), encoded words too, which the
 * standard forbids here and mail programs write (RFC 2047 section 5). A value that is too long for
 * `out` is cut at a character. Where both forms stand, the one of RFC 2231 counts. Adds what it
 * meets to *flags. False when there is none.
 */
bool mime_content_type_find(const struct mime_content_type *t, const char *name,
                            const struct mime_charset *other, struct writer *out, uint8_t *flags);

/* The same without charset and encoded words: for the boundary. */
bool mime_content_type_raw(const struct mime_content_type *t, const char *name, struct writer *out);

enum mime_encoding {
    MIME_ENCODING_7BIT, /* also when there is none */
    MIME_ENCODING_8BIT,
    MIME_ENCODING_BINARY,
    MIME_ENCODING_QP,
    MIME_ENCODING_BASE64,
    MIME_ENCODING_UNKNOWN,
    MIME_ENCODING_UU, /* x-uuencode, no standard's */
};

/* The transfer encoding named by a field's value. */
enum mime_encoding mime_encoding_of(struct span value);
/* For a value that names none: the first that some receiver may find in it, else UNKNOWN. */
enum mime_encoding mime_encoding_within(struct span value);
/* Its name: "7bit", "quoted-printable"; "unknown". */
const char *mime_encoding_name(enum mime_encoding encoding);

#endif
