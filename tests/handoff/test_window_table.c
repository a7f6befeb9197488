/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/window_table.h"
#include "tests/harness/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, DAY = 24 * 60 * MINUTE };

static const uint8_t secret[16] = {1, 2, 3};
static const uint64_t begin = (uint64_t)7 * DAY;

static struct span key_of(char text[24], uint32_t n)
{
    return span_of(text, (size_t)snprintf(text, 24, "key-%u", n));
}

static uint32_t add(struct window_table *t, const char *key, uint64_t now, uint32_t window)
{
    return window_table_add(t, WINDOW_RULE, span_text(key), now, window, 1);
}

static void counts_within_the_window(void)
{
    struct window_table *t = window_table_new(1024, secret);

    for (uint32_t i = 1; i <= 10; i++)
        CHECK(add(t, "a", begin + i * SECOND, MINUTE) == i);
    CHECK(add(t, "b", begin, MINUTE) == 1);
    /* The beginning of the next window: nearly all of the one before counts. */
    CHECK(add(t, "a", begin + MINUTE + 200, MINUTE) == 10);
    /* In its middle half of them; at its end none. */
    CHECK(add(t, "a", begin + MINUTE + 30 * SECOND, MINUTE) == 7);
    CHECK(add(t, "a", begin + 2 * MINUTE - 1, MINUTE) == 3);
    /* Idle for a whole window: forgotten. */
    CHECK(add(t, "a", begin + 4 * MINUTE, MINUTE) == 1);
    CHECK(window_table_stats(t).evicted == 0 && window_table_stats(t).missed == 0);
    window_table_free(t);
}

static void looking_counts_nothing(void)
{
    struct window_table *t = window_table_new(4, secret);
    uint64_t name = window_table_name(t, WINDOW_RULE, span_text("a"));

    CHECK(window_table_count(t, name, begin, MINUTE, 0) == 0);
    CHECK(window_table_count(t, name, begin, MINUTE, 7) == 7);
    CHECK(window_table_count(t, name, begin, MINUTE, 0) == 7);
    CHECK(window_table_count(t, name, begin + MINUTE + 30 * SECOND, MINUTE, 0) == 3);
    CHECK(window_table_count(t, name, begin + DAY, MINUTE, 0) == 0);
    window_table_free(t);
}

static void counts_stop_at_their_bound(void)
{
    struct window_table *t = window_table_new(4, secret);

    CHECK(window_table_add(t, WINDOW_RULE, span_text("a"), begin, MINUTE, UINT32_MAX) ==
          WINDOW_COUNT_MAX);
    CHECK(add(t, "a", begin, MINUTE) == WINDOW_COUNT_MAX);
    CHECK(window_table_add(t, WINDOW_RULE, span_text("a"), begin + MINUTE + 200, MINUTE,
                           WINDOW_COUNT_MAX) == WINDOW_COUNT_MAX);
    window_table_free(t);
}

static void an_older_clock_does_not_go_back(void)
{
    struct window_table *t = window_table_new(64, secret);

    CHECK(add(t, "a", begin, MINUTE) == 1);
    CHECK(add(t, "a", begin - 300, MINUTE) == 2);
    CHECK(add(t, "a", begin + 300, MINUTE) == 3);
    window_table_free(t);
}

/* One line of four places: the key that was used longest ago goes, whatever its window. */
static void the_oldest_gives_way(void)
{
    struct window_table *t = window_table_new(4, secret);

    CHECK(add(t, "a", begin + 1 * SECOND, DAY) == 1);
    CHECK(add(t, "b", begin + 2 * SECOND, MINUTE) == 1);
    CHECK(add(t, "c", begin + 3 * SECOND, SECOND) == 1);
    CHECK(add(t, "d", begin + 4 * SECOND, DAY) == 1);
    CHECK(add(t, "a", begin + 5 * SECOND, DAY) == 2);
    CHECK(window_table_stats(t).evicted == 0);
    CHECK(add(t, "e", begin + 6 * SECOND, DAY) == 1);
    CHECK(window_table_stats(t).evicted == 1);
    CHECK(add(t, "a", begin + 7 * SECOND, DAY) == 3);
    CHECK(add(t, "d", begin + 8 * SECOND, DAY) == 2);
    CHECK(add(t, "b", begin + 9 * SECOND, MINUTE) == 1);
    window_table_free(t);
}

static void many_keys_stay_bounded(void)
{
    struct window_table *t = window_table_new(1000, secret);
    char text[24];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < 100000; i++)
        CHECK(window_table_add(t, WINDOW_RULE, key_of(text, i), begin + i, DAY, 1) == 1);
    for (uint32_t i = 0; i < 100000; i++)
        kept += window_table_count(t, window_table_name(t, WINDOW_RULE, key_of(text, i)),
                                   begin + 100000, DAY, 0);
    CHECK(kept == 1024 && window_table_stats(t).evicted == 100000 - 1024);
    window_table_free(t);
}

static void far_times_do_not_alias(void)
{
    struct window_table *t = window_table_new(64, secret);

    CHECK(add(t, "a", begin, SECOND) == 1);
    CHECK(add(t, "a", begin + (uint64_t)13 * DAY, SECOND) == 1);
    CHECK(add(t, "a", begin + (uint64_t)20 * DAY, SECOND) == 1);
    CHECK(add(t, "a", UINT64_MAX, SECOND) == 1);
    CHECK(add(t, "b", 0, SECOND) == 1);
    CHECK(add(t, "b", 0, UINT32_MAX) == 2);
    window_table_free(t);
}

enum { THREADS = 4, ROUNDS = 20000, KEYS = 16 };

struct shared {
    struct window_table *table;
    _Atomic uint32_t most[KEYS];
};

static void *count_all(void *shared_)
{
    struct shared *s = shared_;
    char text[24];

    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t k = i % KEYS;
        uint32_t n = window_table_add(s->table, WINDOW_RULE, key_of(text, k), begin, DAY, 1);
        uint32_t most = atomic_load(&s->most[k]);

        while (n > most && !atomic_compare_exchange_weak(&s->most[k], &most, n))
            continue;
    }
    return NULL;
}

static void run(struct shared *s, void *(*body)(void *))
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, body, s);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void threads_lose_no_event(void)
{
    struct shared s = {.table = window_table_new(4096, secret)};
    char text[24];

    /* In beforehand: while two put a key in at once, one of them may get a place that is not found
     * again. */
    for (uint32_t k = 0; k < KEYS; k++)
        window_table_add(s.table, WINDOW_RULE, key_of(text, k), begin, DAY, 1);
    run(&s, count_all);
    for (uint32_t k = 0; k < KEYS; k++)
        CHECK(s.most[k] == THREADS * ROUNDS / KEYS + 1);
    CHECK(window_table_stats(s.table).missed == 0);
    window_table_free(s.table);
}

static void *crowd(void *shared_)
{
    struct shared *s = shared_;
    char text[24];

    for (uint32_t i = 0; i < ROUNDS; i++)
        if (window_table_add(s->table, WINDOW_RULE, key_of(text, i % 64), begin + i, DAY, 1) == 0)
            atomic_fetch_add(&s->most[0], 1);
    return NULL;
}

/* 64 keys for 8 places: keys change hands all the time. */
static void threads_may_crowd(void)
{
    struct shared s = {.table = window_table_new(8, secret)};

    run(&s, crowd);
    CHECK(s.most[0] == 0 && window_table_stats(s.table).evicted > 0);
    window_table_free(s.table);
}

int main(void)
{
    check_begin();
    CHECK_CASE(counts_within_the_window);
    CHECK_CASE(looking_counts_nothing);
    CHECK_CASE(counts_stop_at_their_bound);
    CHECK_CASE(an_older_clock_does_not_go_back);
    CHECK_CASE(the_oldest_gives_way);
    CHECK_CASE(many_keys_stay_bounded);
    CHECK_CASE(far_times_do_not_alias);
    CHECK_CASE(threads_lose_no_event);
    CHECK_CASE(threads_may_crowd);
    return check_end();
}
