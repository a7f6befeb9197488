/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/limits.h"
#include "tests/harness/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A name as hashing makes them. */
static uint64_t name_of(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void a_gauge_goes_up_to_its_limit_and_back(void)
{
    struct gauge_table *t = gauge_table_new(16);

    CHECK(gauge_table_count(t, name_of(1)) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(gauge_table_take(t, name_of(1), 3) == GAUGE_TAKEN);
    CHECK(gauge_table_take(t, name_of(1), 3) == GAUGE_FULL);
    CHECK(gauge_table_take(t, name_of(2), 3) == GAUGE_TAKEN);
    CHECK(gauge_table_count(t, name_of(1)) == 3 && gauge_table_sum(t) == 4);
    gauge_table_give(t, name_of(1));
    CHECK(gauge_table_take(t, name_of(1), 3) == GAUGE_TAKEN);
    /* A lower limit holds for what comes, a higher one at once. */
    CHECK(gauge_table_take(t, name_of(1), 2) == GAUGE_FULL);
    CHECK(gauge_table_take(t, name_of(1), 0) == GAUGE_TAKEN);
    for (int i = 0; i < 4; i++)
        gauge_table_give(t, name_of(1));
    gauge_table_give(t, name_of(2));
    CHECK(gauge_table_sum(t) == 0);
    /* What was never taken changes nothing. */
    gauge_table_give(t, name_of(1));
    CHECK(gauge_table_sum(t) == 0);
    gauge_table_free(t);
}

static void a_full_table_says_so_and_recovers(void)
{
    struct gauge_table *t = gauge_table_new(1);
    uint64_t taken = 0, i;

    for (i = 0; i < 1000 && gauge_table_take(t, name_of(i), 0) == GAUGE_TAKEN; i++)
        taken++;
    CHECK(taken >= 32 && taken < 1000 && gauge_table_sum(t) == taken);
    CHECK(gauge_table_take(t, name_of(i), 0) == GAUGE_NO_PLACE);
    CHECK(gauge_table_take(t, name_of(0), 0) == GAUGE_TAKEN);
    gauge_table_give(t, name_of(0));
    for (uint64_t k = 0; k < taken; k++)
        gauge_table_give(t, name_of(k));
    CHECK(gauge_table_sum(t) == 0 && gauge_table_take(t, name_of(i), 0) == GAUGE_TAKEN);
    gauge_table_free(t);
}

enum { THREADS = 4, ROUNDS = 100000, NAMES = 6, LIMIT = 5 };

static struct gauge_table *shared;
static _Atomic int inside[NAMES];
static _Atomic int over;

static void *work(void *argument)
{
    uint64_t state = (uint64_t)(uintptr_t)argument + 1;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t k = (state = name_of(state)) % NAMES;

        if (gauge_table_take(shared, name_of(k), LIMIT) != GAUGE_TAKEN)
            continue;
        if (atomic_fetch_add(&inside[k], 1) >= LIMIT)
            atomic_fetch_add(&over, 1);
        atomic_fetch_sub(&inside[k], 1);
        gauge_table_give(shared, name_of(k));
    }
    return NULL;
}

static void threads_give_back_what_they_took(void)
{
    pthread_t threads[THREADS];

    shared = gauge_table_new(NAMES);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(gauge_table_sum(shared) == 0);
    CHECK(atomic_load(&over) == 0);
    gauge_table_free(shared);
}

static struct ip_address ip(const char *text)
{
    struct ip_address a = {{0}};

    CHECK(ip_address_parse(span_text(text), &a));
    return a;
}

static void the_smallest_network_that_holds_an_address_counts(void)
{
    struct limits l = {.prefix_v4 = 24, .prefix_v6 = 64, .network_count = 4};
    struct ip_address a = ip("198.18.5.77"), b = ip("2001:2::1:2"), masked;

    l.networks[0] = (struct limit_network){.address = ip("198.18.0.0"), .bits = 96 + 16};
    l.networks[1] = (struct limit_network){.address = ip("198.18.5.64"), .bits = 96 + 26};
    l.networks[2] = (struct limit_network){.address = ip("198.18.5.0"), .bits = 96 + 24};
    l.networks[3] = (struct limit_network){.address = ip("2001:2::"), .bits = 48};
    CHECK(limits_network(&l, &a) == &l.networks[1] && limits_bits(&l, &a) == 122);
    CHECK(limits_network(&l, &b) == &l.networks[3] && limits_bits(&l, &b) == 48);
    a = ip("198.18.5.7");
    CHECK(limits_network(&l, &a) == &l.networks[2]);
    a = ip("198.19.5.7");
    b = ip("2001:db8::1");
    CHECK(!limits_network(&l, &a) && limits_bits(&l, &a) == 96 + 24);
    CHECK(!limits_network(&l, &b) && limits_bits(&l, &b) == 64);
    masked = limits_masked(&a, 96 + 15);
    a = ip("198.18.0.0");
    CHECK(ip_address_equal(&masked, &a));
    /* An IPv4 address that came IPv4-mapped is the same client. */
    a = ip("::ffff:198.18.5.7");
    CHECK(limits_network(&l, &a) == &l.networks[2] && limits_masked(&a, 0).bytes[15] == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_gauge_goes_up_to_its_limit_and_back);
    CHECK_CASE(a_full_table_says_so_and_recovers);
    CHECK_CASE(threads_give_back_what_they_took);
    CHECK_CASE(the_smallest_network_that_holds_an_address_counts);
    return check_end();
}
