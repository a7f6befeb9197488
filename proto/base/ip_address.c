/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/ip_address.h"

#include <arpa/inet.h>

const uint8_t ip_address_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* inet_ntop() takes a thousand instructions for these, and each record has several. */
static void put_v4(struct writer *w, const uint8_t bytes[4])
{
    uint8_t memory[INET_ADDRSTRLEN];
    struct writer text = writer_of(memory, sizeof(memory));

    for (int i = 0; i < 4; i++) {
        if (i)
            writer_byte(&text, '.');
        writer_number(&text, bytes[i]);
    }
    writer_span_put(w, writer_span(&text));
}

void ip_address_put(struct writer *w, const struct ip_address *a)
{
    char text[INET6_ADDRSTRLEN];

    if (ip_address_is_v4(a)) {
        put_v4(w, a->bytes + 12);
        return;
    }
    inet_ntop(AF_INET6, a->bytes, text, sizeof(text));
    writer_text(w, text);
}

bool ip_address_parse(struct span text, struct ip_address *address_out)
{
    char copy[INET6_ADDRSTRLEN + 1];
    uint8_t bytes[16];

    if (text.len >= sizeof(copy) || span_find(text, 0) >= 0)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    if (inet_pton(AF_INET, copy, bytes) == 1)
        *address_out = ip_address_v4(bytes);
    else if (inet_pton(AF_INET6, copy, bytes) == 1)
        *address_out = ip_address_v6(bytes);
    else
        return false;
    return true;
}

bool ip_address_inside(const struct ip_address *a, const struct ip_address *network, uint8_t bits)
{
    unsigned all = bits + (ip_address_is_v4(network) ? 96u : 0u);

    if (ip_address_is_v4(a) != ip_address_is_v4(network) || all > 128)
        return false;
    if (memcmp(a->bytes, network->bytes, all / 8) != 0)
        return false;
    return all % 8 == 0 || (a->bytes[all / 8] ^ network->bytes[all / 8]) >> (8 - all % 8) == 0;
}
