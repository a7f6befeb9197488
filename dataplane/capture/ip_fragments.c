/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/ip_fragments.h"

#include <stdlib.h>

#include "dataplane/tcp/interval_store.h"
#include "proto/base/siphash.h"

enum { NONE = UINT32_MAX, DATAGRAM_MAX = 65535, DATAGRAM_BLOCKS = 512, MS = 1000000 };

struct gathering {
    struct ip_address source, destination;
    uint64_t hash;
    uint64_t begin_ns;
    uint32_t identification;
    uint32_t domain;
    uint32_t next;           /* in its chain, or free */
    uint32_t younger, older; /* by age */
    uint32_t total;          /* bytes, once has_total */
    uint32_t fragments;
    struct interval_list list;
    uint8_t protocol, hop_limit;
    bool v4, has_total, has_first;
    bool overlapping; /* with the same bytes */
};

struct ip_fragments {
    struct ip_fragments_options options;
    struct gathering *all;
    uint32_t *heads;
    uint32_t mask;
    uint32_t free;
    uint32_t oldest, youngest;
    struct interval_store *store;
    uint64_t now;
    uint64_t expired, evicted;
    uint8_t whole[DATAGRAM_MAX];
};

struct ip_fragments *ip_fragments_new(const struct ip_fragments_options *options)
{
    struct ip_fragments *f = calloc(1, sizeof(*f));
    uint32_t heads = 1;

    if (!f)
        return NULL;
    while (heads < options->datagrams)
        heads *= 2;
    f->options = *options;
    f->mask = heads - 1;
    f->free = f->oldest = f->youngest = NONE;
    f->all = calloc(options->datagrams, sizeof(*f->all));
    f->heads = malloc(heads * sizeof(*f->heads));
    f->store = interval_store_new(options->memory, options->policy, interval_wins_ip);
    if (!f->all || !f->heads || !f->store) {
        ip_fragments_free(f);
        return NULL;
    }
    memset(f->heads, 0xff, heads * sizeof(*f->heads));
    for (uint32_t i = options->datagrams; i-- > 0;) {
        f->all[i].next = f->free;
        f->free = i;
    }
    return f;
}

void ip_fragments_free(struct ip_fragments *f)
{
    if (!f)
        return;
    interval_store_free(f->store);
    free(f->heads);
    free(f->all);
    free(f);
}

uint64_t ip_fragments_expired(const struct ip_fragments *f)
{
    return f->expired;
}

uint64_t ip_fragments_evicted(const struct ip_fragments *f)
{
    return f->evicted;
}

uint64_t ip_fragments_held(const struct ip_fragments *f)
{
    return interval_store_used(f->store);
}

/* What names a datagram: in IPv6 not the protocol (RFC 8200 section 4.5). */
static uint64_t hash_of(const struct ip_fragments *f, const struct ip_fragment *x)
{
    uint8_t bytes[48];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_span_put(&w, span_of(x->source.bytes, 16));
    writer_span_put(&w, span_of(x->destination.bytes, 16));
    writer_uint(&w, x->identification, 4);
    writer_uint(&w, x->domain, 4);
    writer_uint(&w, x->v4 ? x->protocol : 0, 1);
    return siphash(f->options.secret, writer_span(&w));
}

static struct gathering *find(struct ip_fragments *f, const struct ip_fragment *x, uint64_t hash)
{
    for (uint32_t i = f->heads[hash & f->mask]; i != NONE; i = f->all[i].next) {
        struct gathering *g = &f->all[i];

        if (g->hash == hash && g->identification == x->identification && g->domain == x->domain &&
            g->v4 == x->v4 && (!x->v4 || g->protocol == x->protocol) &&
            ip_address_equal(&g->source, &x->source) &&
            ip_address_equal(&g->destination, &x->destination))
            return g;
    }
    return NULL;
}

static void release(struct ip_fragments *f, struct gathering *g)
{
    uint32_t i = (uint32_t)(g - f->all), *link = &f->heads[g->hash & f->mask];

    while (*link != i)
        link = &f->all[*link].next;
    *link = g->next;
    *(g->older == NONE ? &f->oldest : &f->all[g->older].younger) = g->younger;
    *(g->younger == NONE ? &f->youngest : &f->all[g->younger].older) = g->older;
    interval_drop_all(f->store, &g->list);
    g->next = f->free;
    f->free = i;
}

static void evict(struct ip_fragments *f)
{
    f->evicted += f->all[f->oldest].fragments;
    release(f, &f->all[f->oldest]);
}

static void expire(struct ip_fragments *f)
{
    while (f->oldest != NONE &&
           f->all[f->oldest].begin_ns + (uint64_t)f->options.ms * MS <= f->now) {
        f->expired += f->all[f->oldest].fragments;
        release(f, &f->all[f->oldest]);
    }
}

static struct gathering *begin(struct ip_fragments *f, const struct ip_fragment *x, uint64_t hash)
{
    struct gathering *g;
    uint32_t i;

    if (f->free == NONE)
        evict(f);
    i = f->free;
    g = &f->all[i];
    f->free = g->next;
    *g = (struct gathering){
        .source = x->source,
        .destination = x->destination,
        .hash = hash,
        .begin_ns = f->now,
        .identification = x->identification,
        .domain = x->domain,
        .next = f->heads[hash & f->mask],
        .younger = NONE,
        .older = f->youngest,
        .protocol = x->protocol,
        .hop_limit = x->hop_limit,
        .v4 = x->v4,
    };
    f->heads[hash & f->mask] = i;
    *(g->older == NONE ? &f->oldest : &f->all[g->older].younger) = i;
    f->youngest = i;
    return g;
}

struct differing {
    struct ip_fragments *f;
    const struct ip_fragment *fragment;
};

static void tell(void *context, uint32_t seq, struct span lost, uint8_t doubt)
{
    const struct differing *x = context;
    struct ip_fragments_differ d = {
        .fragment = x->fragment, .offset = seq, .len = (uint32_t)lost.len};

    if (x->f->options.differ)
        x->f->options.differ(x->f->options.context, &d);
}

/* How the fragment lies to those that are there. */
enum lie { LIE_APART, LIE_INSIDE, LIE_ACROSS };

static enum lie lie_of(const struct gathering *g, uint32_t from, uint32_t to)
{
    uint32_t at = from;
    bool touches = false;

    for (const struct interval *i = g->list.first; i && at != to; i = i->next) {
        if (interval_end(i) <= at || i->seq >= to)
            continue;
        touches = true;
        if (i->seq > at)
            break;
        at = interval_end(i) < to ? interval_end(i) : to;
    }
    return !touches ? LIE_APART : at == to ? LIE_INSIDE : LIE_ACROSS;
}

/* The fragment says nothing else than those that it lies over. */
static bool says_the_same(const struct gathering *g, const struct ip_fragment *x)
{
    uint32_t from = x->offset, to = from + (uint32_t)x->bytes.len;

    for (const struct interval *i = g->list.first; i; i = i->next) {
        uint32_t low = i->seq > from ? i->seq : from;
        uint32_t high = interval_end(i) < to ? interval_end(i) : to;

        if (low < high && memcmp(interval_bytes(i).data + (low - i->seq),
                                 x->bytes.data + (low - from), high - low))
            return false;
    }
    return true;
}

/* The last fragment says how long the datagram is. False: this one contradicts what is there. */
static bool ends_fit(struct gathering *g, const struct ip_fragment *x, uint32_t end)
{
    uint32_t last = g->list.last ? interval_end(g->list.last) : 0;

    if (g->has_total && (end > g->total || (!x->more && end != g->total)))
        return false;
    if (!x->more && end < last)
        return false;
    if (!x->more) {
        g->has_total = true;
        g->total = end;
    }
    return true;
}

static bool is_whole(const struct gathering *g)
{
    uint32_t at = 0;

    if (!g->has_total || !g->has_first)
        return false;
    for (const struct interval *i = g->list.first; i && i->seq == at; i = i->next)
        at = interval_end(i);
    return at == g->total;
}

static void copy_out(struct ip_fragments *f, const struct gathering *g, struct ip_datagram *out)
{
    for (const struct interval *i = g->list.first; i; i = i->next)
        memcpy(f->whole + i->seq, interval_bytes(i).data, i->len);
    *out = (struct ip_datagram){span_of(f->whole, g->total), g->protocol, g->hop_limit,
                                g->overlapping};
}

static void tell_dropped(struct ip_fragments *f, const struct ip_fragment *x)
{
    struct ip_fragments_differ d = {
        .fragment = x, .offset = x->offset, .len = (uint32_t)x->bytes.len, .dropped = true};

    if (f->options.differ)
        f->options.differ(f->options.context, &d);
}

/* Puts it with the others; when there is no room the oldest datagrams go, down to this one. */
static bool keep(struct ip_fragments *f, struct gathering *g, const struct ip_fragment *x)
{
    struct interval_piece piece = {.bytes = x->bytes, .seq = x->offset};
    struct differing context = {f, x};

    while (!interval_add(f->store, &g->list, &piece, 0, DATAGRAM_BLOCKS, tell, &context)) {
        if (g->list.blocks >= DATAGRAM_BLOCKS || &f->all[f->oldest] == g)
            return false;
        evict(f);
    }
    return true;
}

/* What a fragment must be by itself. The kernel cuts one that is not the last to eight bytes in
 * IPv4 and refuses it in IPv6 (RFC 8200 section 4.5). */
static bool well_formed(struct ip_fragment *x)
{
    if (x->more && x->v4)
        x->bytes.len &= ~(size_t)7;
    return x->bytes.len && x->bytes.len <= DATAGRAM_MAX - (size_t)x->offset &&
           (!x->more || x->bytes.len % 8 == 0);
}

enum ip_fragments_status ip_fragments_add(struct ip_fragments *f, const struct ip_fragment *given,
                                          struct ip_datagram *datagram_out)
{
    struct ip_fragment x = *given;
    uint64_t hash = hash_of(f, &x);
    struct gathering *g;
    enum lie lie;

    if (x.time_ns > f->now)
        f->now = x.time_ns;
    expire(f);
    if (!well_formed(&x))
        return IP_FRAGMENTS_BAD;
    g = find(f, &x, hash);
    if (!g)
        g = begin(f, &x, hash);
    g->fragments++;
    lie = lie_of(g, x.offset, x.offset + (uint32_t)x.bytes.len);
    g->overlapping |= f->options.policy == OVERLAP_LINUX && lie == LIE_ACROSS;
    if (g->overlapping && !says_the_same(g, &x)) {
        tell_dropped(f, &x);
        release(f, g);
        return IP_FRAGMENTS_OVERLAP;
    }
    if (!ends_fit(g, &x, x.offset + (uint32_t)x.bytes.len)) {
        if (f->options.policy == OVERLAP_LINUX)
            release(f, g);
        return IP_FRAGMENTS_BAD;
    }
    if (!x.offset && !g->has_first) {
        g->has_first = true;
        g->protocol = x.protocol;
        g->hop_limit = x.hop_limit;
    }
    if (!keep(f, g, &x)) {
        f->evicted += g->fragments - 1;
        release(f, g);
        return IP_FRAGMENTS_LIMIT;
    }
    if (!is_whole(g))
        return IP_FRAGMENTS_HELD;
    copy_out(f, g, datagram_out);
    release(f, g);
    return IP_FRAGMENTS_WHOLE;
}
