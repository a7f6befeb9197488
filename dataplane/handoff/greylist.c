/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/greylist.h"

#include "dataplane/handoff/limits.h"
#include "dataplane/handoff/window_table.h"

void greylist_key(struct writer *w, const struct ip_address *network, uint8_t bits,
                  struct span sender, struct span recipient)
{
    struct ip_address masked = limits_masked(network, bits);

    writer_byte(w, 't');
    writer_span_put(w, span_of(masked.bytes, sizeof(masked.bytes)));
    writer_byte(w, bits);
    writer_span_put(w, sender);
    writer_byte(w, 0);
    writer_span_put(w, recipient);
}

uint64_t greylist_name(const struct window_table *names, struct span key)
{
    return window_table_name(names, WINDOW_GREYLIST, key);
}
