/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CAPTURE_CAPTURE_READER_H
#define CONTROL_CAPTURE_CAPTURE_READER_H

#include "proto/base/span.h"

/*
 * Capture files, pcap and pcapng, plain or compressed with gzip or zstd (known by content, not by
 * name), read as a stream in bounded memory. "-" is standard input.
 */
struct capture_reader;

enum { CAPTURE_ERROR = 512 };

struct capture_frame {
    struct span bytes; /* borrowed until the next call */
    uint32_t wire_len; /* at least bytes.len */
    uint32_t link;     /* LINKTYPE_ of www.tcpdump.org/linktypes.html: 1 for Ethernet */
    uint64_t time_ns;  /* since 1970 */
};

enum capture_status {
    CAPTURE_FRAME,
    CAPTURE_END,
    CAPTURE_BROKEN, /* truncated or corrupt: what came before stands */
};

/* NULL: not there, or no capture; the text says why, with the offset. */
struct capture_reader *capture_reader_open(const char *path, char error_out[CAPTURE_ERROR]);
void capture_reader_close(struct capture_reader *reader);
enum capture_status capture_reader_next(struct capture_reader *reader,
                                        struct capture_frame *frame_out);
/* Behind the last byte that was read, of the uncompressed file. */
uint64_t capture_reader_offset(const struct capture_reader *reader);
/* After CAPTURE_BROKEN: what is wrong, and at which offset. */
const char *capture_reader_error(const struct capture_reader *reader);

#endif
