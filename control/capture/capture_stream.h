/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CAPTURE_CAPTURE_STREAM_H
#define CONTROL_CAPTURE_CAPTURE_STREAM_H

#include <stdio.h>

#include "proto/base/span.h"

/*
 * A file that may be compressed, as a FILE that is not: gzip (any number of members) and zstd are
 * known by their first bytes. Bounded memory.
 */
struct capture_stream;

enum { CAPTURE_STREAM_ERROR = 160 };

/* "-" is standard input. NULL: cannot be opened, errno says why. fclose() on the FILE frees all. */
FILE *capture_stream_open(const char *path, struct capture_stream **stream_out);
/* What is wrong with the compressed bytes, or NULL. Valid until the FILE is closed. */
const char *capture_stream_error(const struct capture_stream *stream);

#endif
