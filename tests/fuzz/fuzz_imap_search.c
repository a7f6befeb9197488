/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_search.h"
#include "proto/imap/imap_sort.h"
#include "proto/imap/imap_store.h"
#include "proto/imap/imap_thread.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 200, RANGES = 100, IN_MAX = 2048 };

static struct imap_search_node nodes[NODES];
static struct imap_range ranges[RANGES];
static uint8_t scratch[IN_MAX];

struct doubt {
    const struct imap_search *search;
    uint32_t seed;
    bool knows;
};

/* Some answer to every node, always the same; what is costly only to who knows. */
static enum imap_search_result judge(void *context, const struct imap_search_node *node)
{
    const struct doubt *d = context;
    static const struct imap_search_facts facts = {.sequence = 3,
                                                   .uid = 5,
                                                   .flags = 9,
                                                   .sent = true,
                                                   .size = 100,
                                                   .modseq = 4,
                                                   .now = 1 << 30};
    enum imap_search_result r = imap_search_by_facts(node, &facts);

    if (node->kind < IMAP_SEARCH_ALL || node->kind >= IMAP_SEARCH_KINDS)
        abort();
    if (r != IMAP_SEARCH_UNKNOWN || !d->knows)
        return r;
    return (d->seed >> (node - d->search->nodes) % 32) & 1 ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

/* Operands lie within their node, and each node but the first in one. */
static void check_shape(const struct imap_search *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct imap_search_node *n = &s->nodes[i];
        uint32_t operands = 0;

        if (n->end <= i || n->end > s->count)
            abort();
        for (uint32_t at = i + 1; at < n->end; at = s->nodes[at].end, operands++)
            if (s->nodes[at].end > n->end)
                abort();
        if (n->kind == IMAP_SEARCH_OR ? operands != 2 : n->kind == IMAP_SEARCH_NOT && operands != 1)
            abort();
        if (n->kind > IMAP_SEARCH_NOT ? operands != 0 : operands == 0)
            abort();
    }
    if (s->count == 0 || s->nodes[0].end != s->count)
        abort();
}

/* SORT's and THREAD's arguments are criteria or a way, and a program. */
static void sort_and_thread(struct span args, bool utf8)
{
    struct imap_search s = imap_search_of(nodes, NODES, ranges, RANGES);
    struct imap_cursor c = imap_cursor_of(args, utf8, scratch, sizeof(scratch));
    enum imap_thread_how how;
    struct imap_sort sort;

    if (imap_sort_parse(&c, &sort, &s)) {
        check_shape(&s);
        if (sort.count == 0 || sort.count > IMAP_SORT_MAX || !s.charset.data)
            abort();
    }
    s = imap_search_of(nodes, NODES, ranges, RANGES);
    c = imap_cursor_of(args, utf8, scratch, sizeof(scratch));
    if (imap_thread_parse(&c, &how, &s)) {
        check_shape(&s);
        if (how > IMAP_THREAD_REFS || s.extended || !s.charset.data)
            abort();
    }
}

/* A program is understood or refused; what is decided without knowing all stays so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct imap_search s = imap_search_of(nodes, NODES, ranges, RANGES);
    struct imap_set saved = {0};
    struct imap_cursor c;
    struct imap_store store;
    struct imap_append append;
    enum imap_search_result first, second;
    struct doubt d = {.search = &s};

    if (size < 4 || size > IN_MAX)
        return 0;
    memcpy(&d.seed, data, 4);
    c = imap_cursor_of(span_of(data + 4, size - 4), d.seed & 1, scratch, sizeof(scratch));
    (void)imap_store_parse(&c, &store);
    c = imap_cursor_of(span_of(data + 4, size - 4), d.seed & 1, scratch, sizeof(scratch));
    (void)imap_append_parse(&c, &append);
    sort_and_thread(span_of(data + 4, size - 4), d.seed & 1);
    c = imap_cursor_of(span_of(data + 4, size - 4), d.seed & 1, scratch, sizeof(scratch));
    if (!imap_search_parse(&c, &s))
        return 0;
    check_shape(&s);
    imap_search_resolve(&s, 7, 9, &saved);
    first = imap_search_judge(&s, judge, &d);
    d.knows = true;
    second = imap_search_judge(&s, judge, &d);
    if (second == IMAP_SEARCH_UNKNOWN || (first != IMAP_SEARCH_UNKNOWN && first != second))
        abort();
    return 0;
}
