/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRACE_TRACE_READER_H
#define CONTROL_TRACE_TRACE_READER_H

#include "proto/base/span.h"

/*
 * The lines of a file, last one first, through a window of fixed size: a search mostly wants what
 * is young. The file may grow or shrink meanwhile. A line longer than TRACE_LINE_MAX is passed
 * over.
 */
enum { TRACE_LINE_MAX = 256 * 1024, TRACE_BLOCK = 64 * 1024 };

struct trace_reader {
    int fd;
    uint64_t at;   /* where in the file the window begins */
    size_t held;   /* bytes in the window that were not handed out */
    bool skipping; /* the end of a line that is too long was thrown away */
    char window[TRACE_LINE_MAX + TRACE_BLOCK];
};

/* False with errno. */
bool trace_reader_open(struct trace_reader *reader, const char *path);
void trace_reader_close(struct trace_reader *reader);
/* Without its LF; valid until the next call. False: there are no more, or the file cannot be read.
 */
bool trace_reader_next(struct trace_reader *reader, struct span *line_out);

#endif
