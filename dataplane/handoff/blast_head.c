/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/blast_order.h"
#include "proto/base/chance.h"

/* Neighbouring numbers get texts that have nothing in common. */
static uint64_t scatter(uint64_t n)
{
    struct chance c = {n};

    return chance_next(&c);
}

const struct blast_text *blast_text_of(const struct blast_order *order, uint64_t number)
{
    return &order->texts[scatter(number) % order->text_count];
}

void blast_head(struct writer *w, const struct blast_order *order, uint64_t number)
{
    blast_head_of(w, order, order->run, number);
}

void blast_head_of(struct writer *w, const struct blast_order *order, uint64_t run, uint64_t number)
{
    const struct blast_text *text = blast_text_of(order, number);

    writer_printf(w, "X-Blast: %016llx %llx %zx %016llx\r\n", (unsigned long long)run,
                  (unsigned long long)number, text->raw.len, (unsigned long long)text->sum);
    writer_printf(w, "Message-ID: <%llx.%016llx@%.*s>\r\n", (unsigned long long)number,
                  (unsigned long long)run, (int)order->hostname.len,
                  (const char *)order->hostname.data);
}
