/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/flow_owner.h"

#define KEY4 0x6d, 0x5a, 0x6d, 0x5a
const uint8_t flow_owner_key[FLOW_OWNER_KEY] = {KEY4, KEY4, KEY4, KEY4, KEY4, KEY4, KEY4,
                                                KEY4, KEY4, KEY4, KEY4, KEY4, KEY4};

/* The XOR of the 16-bit big-endian words of `bytes`. */
static uint16_t fold(const uint8_t *bytes, size_t len)
{
    uint16_t x = 0;

    for (size_t i = 0; i < len; i += 2)
        x ^= (uint16_t)(bytes[i] << 8 | bytes[i + 1]);
    return x;
}

/*
 * The key repeats every 16 bits, so each 16-bit word of the input meets the same key window, and the hash, which
 * is linear, is the hash of the XOR of all words. For the same reason its two halves are equal.
 */
uint32_t flow_owner_hash(const struct ip_address *source, const struct ip_address *destination,
                         uint16_t source_port, uint16_t destination_port)
{
    bool v4 = ip_address_is_v4(source) && ip_address_is_v4(destination);
    size_t skip = v4 ? 12 : 0;
    uint32_t x = source_port ^ destination_port;
    uint32_t window = 0x6d5a6d5a, h = 0;

    x ^= fold(source->bytes + skip, 16 - skip) ^ fold(destination->bytes + skip, 16 - skip);
    for (int bit = 15; bit >= 0; bit--) {
        h ^= window & -(x >> bit & 1);
        window = window << 1 | window >> 31;
    }
    return h;
}

uint32_t flow_owner_of(uint32_t hash, uint32_t workers)
{
    return hash % FLOW_OWNER_TABLE % workers;
}
