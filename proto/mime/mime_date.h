/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_DATE_H
#define PROTO_MIME_MIME_DATE_H

#include "proto/base/writer.h"

/* The date of a Date field (RFC 5322 section 3.3, with the obsolete forms of section 4.3), as
 * written. */
struct mime_date {
    uint16_t year; /* 0 to 9999 */
    uint8_t month; /* 1 to 12 */
    uint8_t day;   /* 1 to 31, of this month */
    uint8_t hour, minute;
    uint8_t second;    /* 60 at a leap second */
    int16_t zone;      /* minutes east of UTC */
    bool zone_unknown; /* "-0000", or letters without a meaning: UTC, but nothing is said of the
                          place */
};

enum { MIME_DATE_TEXT = 26 }; /* bytes of room that mime_date_put() needs */

/*
 * Reads a field's value, folds and comments included. What follows the date is not looked at.
 * False, and nothing written, when it is no date. One pass.
 */
bool mime_date_parse(struct span value, struct mime_date *date_out);
/* Writes "1997-11-21T09:55:06-06:00" (RFC 3339; an unknown zone is -00:00). */
void mime_date_put(struct writer *w, const struct mime_date *date);

#endif
