/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_set.h"

struct imap_set imap_set_of(struct imap_range *ranges, uint32_t cap)
{
    return (struct imap_set){.ranges = ranges, .cap = cap};
}

/* seq-number = nz-number / "*" */
static bool seq_number(struct imap_cursor *c, uint32_t *out)
{
    *out = 0;
    return imap_cursor_take_byte(c, '*') || imap_cursor_nz_number(c, out);
}

bool imap_set_parse(struct imap_cursor *c, struct imap_set *set)
{
    set->count = 0;
    set->saved = imap_cursor_take_byte(c, '$');
    if (set->saved)
        return true;
    do {
        struct imap_range r;

        if (!seq_number(c, &r.low))
            return false;
        r.high = r.low;
        if (imap_cursor_take_byte(c, ':') && !seq_number(c, &r.high))
            return false;
        if (set->count == set->cap)
            return imap_cursor_fail(c);
        set->ranges[set->count++] = r;
    } while (imap_cursor_take_byte(c, ','));
    return !c->bad;
}

static void swap(struct imap_range *a, struct imap_range *b)
{
    struct imap_range t = *a;

    *a = *b;
    *b = t;
}

static void sift(struct imap_range *ranges, uint32_t root, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;

        if (child >= count)
            return;
        if (child + 1 < count && ranges[child].low < ranges[child + 1].low)
            child++;
        if (ranges[root].low >= ranges[child].low)
            return;
        swap(&ranges[root], &ranges[child]);
        root = child;
    }
}

/* Heap sort: n log n whatever the client sends, in place. */
static void sort(struct imap_range *ranges, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(ranges, i, count);
    for (uint32_t i = count; i-- > 1;) {
        swap(&ranges[0], &ranges[i]);
        sift(ranges, 0, i);
    }
}

/* Makes "*" a number, and both ends stand in order. */
static void settle(struct imap_range *r, uint32_t largest)
{
    uint32_t low = r->low ? r->low : largest, high = r->high ? r->high : largest;

    r->low = low < high ? low : high;
    r->high = low < high ? high : low;
}

void imap_set_resolve(struct imap_set *set, uint32_t largest)
{
    uint32_t count = 0;
    bool sorted = true;

    for (uint32_t i = 0; i < set->count; i++) {
        struct imap_range r = set->ranges[i];

        settle(&r, largest);
        /* "*" of an empty mailbox is no number. */
        if (r.low == 0)
            continue;
        sorted = sorted && (count == 0 || set->ranges[count - 1].low <= r.low);
        set->ranges[count++] = r;
    }
    if (!sorted)
        sort(set->ranges, count);
    set->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct imap_range r = set->ranges[i], *last = &set->ranges[set->count - 1];

        if (set->count && (last->high == UINT32_MAX || r.low <= last->high + 1)) {
            if (r.high > last->high)
                last->high = r.high;
        } else {
            set->ranges[set->count++] = r;
        }
    }
}

/* The first range that ends at `n` or behind it. */
static uint32_t find(const struct imap_set *set, uint32_t n)
{
    uint32_t low = 0, high = set->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (set->ranges[middle].high < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool imap_set_contains(const struct imap_set *set, uint32_t n)
{
    uint32_t at = find(set, n);

    return at < set->count && set->ranges[at].low <= n;
}

uint32_t imap_set_next(const struct imap_set *set, uint32_t from)
{
    uint32_t at = find(set, from);

    if (at == set->count)
        return 0;
    return set->ranges[at].low > from ? set->ranges[at].low : from;
}

uint64_t imap_set_size(const struct imap_set *set)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < set->count; i++)
        size += (uint64_t)set->ranges[i].high - set->ranges[i].low + 1;
    return size;
}

bool imap_set_append(struct imap_set *set, uint32_t low, uint32_t high)
{
    struct imap_range *last = &set->ranges[set->count - 1];

    if (set->count && low == last->high + 1) {
        last->high = high;
        return true;
    }
    if (set->count == set->cap)
        return false;
    set->ranges[set->count++] = (struct imap_range){low, high};
    return true;
}

struct imap_set_writer imap_set_writer_of(struct writer *out)
{
    return (struct imap_set_writer){.out = out};
}

void imap_set_writer_end(struct imap_set_writer *w)
{
    if (w->low == 0)
        return;
    if (w->behind)
        writer_byte(w->out, ',');
    writer_number(w->out, w->low);
    if (w->high != w->low) {
        writer_byte(w->out, ':');
        writer_number(w->out, w->high);
    }
    w->behind = true;
    w->low = 0;
}

void imap_set_writer_range(struct imap_set_writer *w, uint32_t low, uint32_t high)
{
    if (w->low && low == w->high + 1) {
        w->high = high;
        return;
    }
    imap_set_writer_end(w);
    w->low = low;
    w->high = high;
}

void imap_set_writer_put(struct imap_set_writer *w, uint32_t n)
{
    imap_set_writer_range(w, n, n);
}
