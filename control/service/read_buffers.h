/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_READ_BUFFERS_H
#define CONTROL_SERVICE_READ_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory that the read thread hands out to sessions and gets back: of sizes 4 KiB, 8 KiB ... 256
 * KiB, and those given back are used again, so that reading takes none from the system once as many
 * were made as are needed at a time. At most READ_BUFFERS_KEPT bytes of a size are kept. One
 * thread.
 */
enum {
    READ_BUFFERS_LEAST = 4096,
    READ_BUFFERS_SIZES = 7,
    READ_BUFFERS_MOST = READ_BUFFERS_LEAST << (READ_BUFFERS_SIZES - 1),
    READ_BUFFERS_KEPT = 8 << 20,
};

struct read_buffer;

struct read_buffers {
    struct read_buffer *free[READ_BUFFERS_SIZES]; /* those that came back */
    uint32_t kept[READ_BUFFERS_SIZES];
};

/* `bytes` at least, at most READ_BUFFERS_MOST, at an even address. NULL: no memory. */
uint8_t *read_buffers_take(struct read_buffers *buffers, size_t bytes);
void read_buffers_give(struct read_buffers *buffers, uint8_t *bytes);
/* Those that are kept go back to the system; all are back. */
void read_buffers_fini(struct read_buffers *buffers);

#endif
