/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/packet/frame.h"

/* The headers of one frame. What is accepted must lie inside it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span head = span_head(span_of(data, size), FRAME_HEAD);
    struct frame f;

    if (frame_parse(head, size, &f) != FRAME_KEEP)
        return 0;
    if (f.l3 > f.l4 || f.l4 + FRAME_TCP_HEADER > FRAME_HEAD || f.l4 + f.l4_len > size)
        abort();
    if (f.kind != FRAME_ARP && f.v4)
        frame_ipv4_checksum_good(head, &f);
    return 0;
}
