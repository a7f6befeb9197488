/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/blast_order.h"

/* The finalizer of splitmix64: neighbouring numbers get texts that have nothing in common. */
static uint64_t scatter(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

const struct blast_text *blast_text_of(const struct blast_order *order, uint64_t number)
{
    return &order->texts[scatter(number) % order->text_count];
}

void blast_head(struct writer *w, const struct blast_order *order, uint64_t number)
{
    const struct blast_text *text = blast_text_of(order, number);

    writer_printf(w, "X-Blast: %016llx %llx %zx %016llx\r\n",
                  (unsigned long long)order->run, (unsigned long long)number, text->raw.len,
                  (unsigned long long)text->sum);
    writer_printf(w, "Message-ID: <%llx.%016llx@%.*s>\r\n", (unsigned long long)number,
                  (unsigned long long)order->run, (int)order->hostname.len,
                  (const char *)order->hostname.data);
}
