/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_LINES_H
#define CONTROL_API_API_LINES_H

#include "proto/base/span.h"

/*
 * Octets as they come, cut into batches of whole lines: the batches are the same however the octets
 * were cut. A line that does not fit is passed over, and told.
 */
enum { API_LINES_ROOM = 65536, API_LINES_BATCH = 512 };

struct api_lines {
    /* At most API_LINES_BATCH lines, each with its LF. */
    void (*batch)(void *context, struct span lines);
    /* A line longer than API_LINES_ROOM - 1 octets. */
    void (*too_long)(void *context);
    void *context;
    bool skipping;  /* the rest of such a line */
    uint32_t count; /* whole lines in `bytes` */
    size_t len;
    size_t whole; /* octets of the whole lines */
    uint8_t bytes[API_LINES_ROOM];
};

/* Sets all but the functions and their context. */
void api_lines_init(struct api_lines *lines);
void api_lines_feed(struct api_lines *lines, struct span octets);
/* No more comes: what is left is a line too, if there is something. */
void api_lines_end(struct api_lines *lines);

#endif
