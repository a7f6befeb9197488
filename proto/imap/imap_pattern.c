/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_pattern.h"

static void set_bit(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= 1ull << bit % 64;
}

static bool bit_set(const uint64_t *words, unsigned bit)
{
    return words[bit / 64] >> bit % 64 & 1;
}

static void add(struct imap_pattern *p, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '*')
            set_bit(p->star, p->len);
        else if (text.data[i] == '%')
            set_bit(p->percent, p->len);
        else
            set_bit(p->equal[text.data[i]], p->len++);
    }
}

bool imap_pattern_init(struct imap_pattern *p, struct span reference, struct span pattern)
{
    if (reference.len + pattern.len > IMAP_NAME_MAX)
        return false;
    memset(p, 0, sizeof(*p));
    add(p, reference);
    add(p, pattern);
    p->words = p->len / 64 + 1;
    return true;
}

/* From the positions before a byte to those behind it; true when there are any. */
static bool step(const struct imap_pattern *p, uint64_t *at, uint8_t byte, uint8_t other)
{
    uint64_t carry = 0, any = 0;

    for (unsigned i = 0; i < p->words; i++) {
        uint64_t taken = at[i] & (p->equal[byte][i] | p->equal[other][i]);
        uint64_t stay = p->star[i] | (byte != '/' ? p->percent[i] : 0);

        at[i] = (at[i] & stay) | taken << 1 | carry;
        carry = taken >> 63;
        any |= at[i];
    }
    return any != 0;
}

/* Is there a position from which a name may go on? The end is none, unless a wildcard is there. */
static bool goes_on(const struct imap_pattern *p, uint64_t *at)
{
    uint64_t any = 0;

    if (!step(p, at, '/', '/'))
        return false;
    if (!bit_set(p->star, p->len) && !bit_set(p->percent, p->len))
        at[p->len / 64] &= ~(1ull << p->len % 64);
    for (unsigned i = 0; i < p->words; i++)
        any |= at[i];
    return any != 0;
}

enum imap_pattern_match imap_pattern_match(const struct imap_pattern *p, struct span name)
{
    uint64_t at[IMAP_PATTERN_WORDS] = {1};
    bool inbox = name.len >= 5 && memcmp(name.data, "INBOX", 5) == 0 &&
                 (name.len == 5 || name.data[5] == '/');

    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];

        if (!step(p, at, byte, inbox && i < 5 ? ascii_lower(byte) : byte))
            return IMAP_PATTERN_NO;
    }
    if (bit_set(at, p->len))
        return IMAP_PATTERN_YES;
    return goes_on(p, at) ? IMAP_PATTERN_INSIDE : IMAP_PATTERN_NO;
}
