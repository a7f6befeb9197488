/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses of a header, changed while it streams by. The first octet says where it is cut: however
 * that is, the same comes out; it never grows beyond what is promised; and without a map nothing
 * changes.
 */
#include <stdlib.h>

#include "proto/address/address_rewrite.h"

enum { MAX = 65536 };

static const struct span domains[] = {{(const uint8_t *)"!x.a.test", 9},
                                      {(const uint8_t *)"a.test", 6}};
static const struct address_map_row rows[] = {
    {{(const uint8_t *)"@b.test", 7}, {(const uint8_t *)"@a-much-longer-domain.example", 28}},
    {{(const uint8_t *)"u@c.test", 8}, {(const uint8_t *)"v@d.test", 8}}};
static const struct address_maps maps = {.classes = 15,
                                         .masqueraded = 15,
                                         .rows = {rows, rows},
                                         .count = {2, 2},
                                         .domains = domains,
                                         .domain_count = 2};
static const struct address_maps no_maps;
static struct address_rewrite rewrite;
static uint8_t out[2][MAX + ADDRESS_REWRITE_GROWTH];

static bool map(void *context, enum address_map_class where, const struct address *address,
                struct writer *w)
{
    return address_map(context, where, address, w);
}

static bool changes(void *context, struct span name, struct span value)
{
    return name.len > 0;
}

static void take_all(const struct address_rewrite_user *user, struct span in, struct writer *w)
{
    struct span piece;

    while ((piece = address_rewrite_take(&rewrite, user, &in)).len)
        writer_span_put(w, piece);
    if (in.len)
        abort();
}

static struct span pass(const struct address_maps *with, struct span in, size_t step, uint8_t *into)
{
    struct address_rewrite_user user = {
        .map = map, .changes = changes, .context = (void *)(uintptr_t)with};
    struct writer w = writer_of(into, sizeof(out[0]));
    struct span piece;

    address_rewrite_init(&rewrite);
    for (; in.len; in = span_skip(in, step))
        take_all(&user, span_head(in, step), &w);
    while ((piece = address_rewrite_finish(&rewrite, &user)).len)
        writer_span_put(&w, piece);
    if (w.full)
        abort();
    return writer_span(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in, whole;

    if (size < 1 || size > MAX)
        return 0;
    in = span_of(data + 1, size - 1);
    whole = pass(&maps, in, in.len, out[0]);
    if (whole.len > in.len + ADDRESS_REWRITE_GROWTH ||
        !span_equal(whole, pass(&maps, in, 1u + data[0] % 64, out[1])))
        abort();
    if (!span_equal(in, pass(&no_maps, in, 1u + data[0] % 64, out[1])))
        abort();
    return 0;
}
