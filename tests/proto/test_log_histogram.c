/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/base/log_histogram.h"
#include "tests/harness/check.h"

enum { SAMPLES = 20000 };

static uint64_t sample[SAMPLES];
static struct log_histogram whole, half[2];

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t state = 7;

static uint64_t chance(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 20;
}

/* Of all sizes: some few bits, some many. */
static void fill(void)
{
    memset(&whole, 0, sizeof(whole));
    memset(half, 0, sizeof(half));
    for (int i = 0; i < SAMPLES; i++) {
        sample[i] = chance() & ((UINT64_C(1) << (1 + chance() % 34)) - 1);
        log_histogram_add(&whole, sample[i]);
        log_histogram_add(&half[i % 3 == 0], sample[i]);
    }
    qsort(sample, SAMPLES, sizeof(sample[0]), ascending);
}

/* The value with that many of a million at or below it. */
static uint64_t exact(uint32_t part)
{
    uint64_t rank = ((uint64_t)SAMPLES * part + 999999) / 1000000;

    return sample[rank ? rank - 1 : 0];
}

static void quantiles_are_near(void)
{
    fill();
    for (uint32_t part = 0; part <= 1000000; part += 1000) {
        uint64_t is = exact(part), told = log_histogram_quantile(&whole, part);

        if (!CHECK(told >= is && told - is <= is / LOG_HISTOGRAM_STEPS))
            break;
    }
    CHECK(log_histogram_quantile(&whole, 1000000) == sample[SAMPLES - 1]);
    CHECK(whole.least == sample[0] && whole.most == sample[SAMPLES - 1]);
    CHECK(whole.count == SAMPLES);
}

static void small_values_are_exact(void)
{
    struct log_histogram h = {0};

    for (uint64_t v = 1; v <= 100; v++)
        log_histogram_add(&h, v);
    for (uint32_t v = 1; v <= 100; v++)
        CHECK(log_histogram_quantile(&h, v * 10000) == v);
    CHECK(h.sum == 5050);
}

static void merged_is_as_one(void)
{
    struct log_histogram sum = {0};

    fill();
    log_histogram_merge(&sum, &half[0]);
    log_histogram_merge(&sum, &half[1]);
    CHECK(memcmp(&sum, &whole, sizeof(sum)) == 0);
    memset(&sum, 0, sizeof(sum));
    log_histogram_merge(&whole, &sum);
    CHECK(whole.count == SAMPLES && whole.least == sample[0]);
}

static void edges_hold(void)
{
    struct log_histogram h = {0};

    CHECK(log_histogram_quantile(&h, 500000) == 0);
    log_histogram_add(&h, UINT64_MAX);
    CHECK(h.most == (UINT64_C(1) << 36) - 1);
    CHECK(log_histogram_quantile(&h, 1) == h.most);
    for (int bit = 0; bit < 36; bit++) {
        for (int by = -1; by <= 1; by++) {
            struct log_histogram one = {0};
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)by;

            log_histogram_add(&one, v);
            CHECK(log_histogram_quantile(&one, 500000) == v);
        }
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(quantiles_are_near);
    CHECK_CASE(small_values_are_exact);
    CHECK_CASE(merged_is_as_one);
    CHECK_CASE(edges_hold);
    return check_end();
}
