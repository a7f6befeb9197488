/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/ip_fragments.h"

#include <stdio.h>

#include "tests/harness/check.h"
#include "tests/tcp/observer_rig.h"

enum { PLACES = 8, UNIT = 8 };

struct overlap_case {
    const char *name;
    uint32_t old_from, old_to, new_from, new_to;
    const char *first, *last, *linux_, *bsd, *windows;
};

static const struct overlap_case tcp_cases[] = {
#define OVERLAP_TCP(name, of, ot, nf, nt, ...) {#name, of, ot, nf, nt, __VA_ARGS__},
#define OVERLAP_IP(...)
#include "tests/capture/overlap_case.def"
#undef OVERLAP_TCP
#undef OVERLAP_IP
};

static const struct overlap_case ip_cases[] = {
#define OVERLAP_TCP(...)
#define OVERLAP_IP(name, of, ot, nf, nt, ...) {#name, of, ot, nf, nt, __VA_ARGS__},
#include "tests/capture/overlap_case.def"
#undef OVERLAP_TCP
#undef OVERLAP_IP
};

enum { CASES = sizeof(tcp_cases) / sizeof(*tcp_cases) };
_Static_assert(sizeof(ip_cases) == sizeof(tcp_cases), "the same cases");

static const char *expected(const struct overlap_case *c, enum overlap_policy policy)
{
    const char *const by[] = {[OVERLAP_FIRST] = c->first,
                              [OVERLAP_LAST] = c->last,
                              [OVERLAP_LINUX] = c->linux_,
                              [OVERLAP_BSD] = c->bsd,
                              [OVERLAP_WINDOWS] = c->windows};

    return by[policy];
}

/* Calls for old, new and then each run of places that neither has. */
static void in_turn(const struct overlap_case *c,
                    void (*send)(void *context, char what, uint32_t from, uint32_t to),
                    void *context)
{
    bool have[PLACES + 1] = {[PLACES] = true};

    for (uint32_t i = 0; i < PLACES; i++)
        have[i] = (i >= c->old_from && i < c->old_to) || (i >= c->new_from && i < c->new_to);
    send(context, 'o', c->old_from, c->old_to);
    send(context, 'n', c->new_from, c->new_to);
    for (uint32_t from = 0, to; from < PLACES; from = to + 1) {
        for (to = from; !have[to]; to++)
            ;
        if (to > from)
            send(context, '.', from, to);
    }
}

static void send_segment(void *context, char what, uint32_t from, uint32_t to)
{
    char bytes[PLACES];

    memset(bytes, what, sizeof(bytes));
    rig_send(context, 'C', "A", 1 + from, 1, span_of(bytes, to - from));
}

/* Bytes of the log's "C " line. */
static void stream_of(const char *log, char out[PLACES + 1])
{

    out[0] = 0;
    for (const char *at = log; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (at[0] == 'C' && at[1] == ' ')
            snprintf(out, PLACES + 1, "%s", at + 2);
}

static void tcp_follows_the_policies(void)
{
    for (int i = 0; i < CASES; i++) {
        for (enum overlap_policy p = 0; p < OVERLAP_POLICY_COUNT; p++) {
            static struct observer_rig rig;
            char got[PLACES + 1];
            const char *told;

            rig_init(&rig);
            rig.options.policy = p;
            rig_start(&rig);
            rig_open(&rig);
            rig_told(&rig);
            in_turn(&tcp_cases[i], send_segment, &rig);
            told = rig_told(&rig);
            CHECK(strstr(told, "event C overlap") != NULL);
            stream_of(told, got);
            if (!CHECK(strcmp(got, expected(&tcp_cases[i], p)) == 0))
                printf("# tcp %s under %d: %s\n", tcp_cases[i].name, p, got);
            rig_fini(&rig);
        }
    }
}

struct datagram {
    struct ip_fragments *fragments;
    struct ip_fragment part;
    char got[PLACES + 1];
    int differ;
};

static void send_fragment(void *context, char what, uint32_t from, uint32_t to)
{
    struct datagram *d = context;
    uint8_t bytes[PLACES * UNIT];
    struct ip_datagram whole;

    memset(bytes, what, sizeof(bytes));
    d->part.offset = (uint16_t)(from * UNIT);
    d->part.more = to != PLACES;
    d->part.bytes = span_of(bytes, (to - from) * UNIT);
    if (ip_fragments_add(d->fragments, &d->part, &whole) != IP_FRAGMENTS_WHOLE)
        return;
    CHECK(whole.bytes.len == PLACES * UNIT);
    for (int i = 0; i < PLACES; i++)
        d->got[i] = (char)whole.bytes.data[i * UNIT];
}

static void count_differ(void *context, const struct ip_fragments_differ *differ)
{
    struct datagram *d = context;

    d->differ++;
}

static void ip_follows_the_policies(void)
{
    for (int i = 0; i < CASES; i++) {
        for (enum overlap_policy p = 0; p < OVERLAP_POLICY_COUNT; p++) {
            struct datagram d = {.part = {.v4 = i % 2, .identification = 7}};
            struct ip_fragments_options options = {.policy = p,
                                                   .datagrams = 2,
                                                   .memory = 64 * 2048,
                                                   .ms = 1000,
                                                   .differ = count_differ,
                                                   .context = &d};

            d.fragments = ip_fragments_new(&options);
            in_turn(&ip_cases[i], send_fragment, &d);
            CHECK(d.differ > 0);
            if (!d.got[0])
                d.got[0] = '-';
            if (!CHECK(strcmp(d.got, expected(&ip_cases[i], p)) == 0))
                printf("# ip %s under %d: %s\n", ip_cases[i].name, p, d.got);
            ip_fragments_free(d.fragments);
        }
    }
}

/* Nothing differs: the bytes are known, and under "linux" the receiver alone knows whether they
 * count. */
static void equal_bytes_over_each_other_are_doubtful(void)
{
    for (int across = 0; across < 2; across++) {
        for (enum overlap_policy p = 0; p < OVERLAP_POLICY_COUNT; p++) {
            static const uint8_t bytes[40] = {[8] = 1, [16] = 2};
            struct datagram d = {.part = {.v4 = true, .more = true, .identification = 7}};
            struct ip_fragments_options options = {.policy = p,
                                                   .datagrams = 2,
                                                   .memory = 64 * 2048,
                                                   .ms = 1000,
                                                   .differ = count_differ,
                                                   .context = &d};
            struct ip_datagram whole;

            d.fragments = ip_fragments_new(&options);
            d.part.bytes = span_of(bytes, 24);
            CHECK(ip_fragments_add(d.fragments, &d.part, &whole) == IP_FRAGMENTS_HELD);
            d.part.more = false;
            d.part.offset = across ? 16 : 24;
            d.part.bytes = span_of(bytes + d.part.offset, 40u - d.part.offset);
            CHECK(ip_fragments_add(d.fragments, &d.part, &whole) == IP_FRAGMENTS_WHOLE);
            CHECK(whole.doubtful == (across && p == OVERLAP_LINUX) && d.differ == 0);
            CHECK(span_equal(whole.bytes, span_of(bytes, 40)));
            ip_fragments_free(d.fragments);
        }
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(tcp_follows_the_policies);
    CHECK_CASE(ip_follows_the_policies);
    CHECK_CASE(equal_bytes_over_each_other_are_doubtful);
    return check_end();
}
