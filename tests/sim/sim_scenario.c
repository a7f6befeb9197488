/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_scenario.h"

#include <stdio.h>

static const struct sim_scenario scenarios[] = {
#define SIM_SCENARIO(name_, about_, ...) {.name = #name_, .about = about_, __VA_ARGS__},
#include "tests/sim/sim_scenario.def"
#undef SIM_SCENARIO
};
enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

const struct sim_scenario *sim_scenario_at(uint32_t n)
{
    return n < SCENARIOS ? &scenarios[n] : NULL;
}

const struct sim_scenario *sim_scenario_find(const char *name)
{
    for (uint32_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    return NULL;
}

/* True in one of n cases. */
static bool one_in(struct sim_random *r, uint64_t n)
{
    return sim_random_below(r, n) == 0;
}

/* 1 to `most`, small values as likely as large ones: a power of two, then a value below it. */
static uint64_t some(struct sim_random *r, uint64_t most)
{
    uint32_t bits = 0;

    while (most >> bits)
        bits++;
    return 1 + sim_random_below(r, 1 + (most - 1) / (1ull << sim_random_below(r, bits)));
}

static void draw_link(struct sim_scenario *s, struct sim_random *r)
{
    s->delay = some(r, 300000);
    if (one_in(r, 3)) {
        s->rate = 200000 + some(r, 100000000);
        s->queue = one_in(r, 4) ? 0 : 4000 + (uint32_t)some(r, 300000);
    }
    if (one_in(r, 2))
        s->loss = (uint32_t)some(r, 60000);
    if (one_in(r, 4)) {
        s->burst_bad = (uint32_t)some(r, 10000);
        s->burst_good = 50000 + (uint32_t)some(r, 500000);
        s->burst_loss = (uint32_t)some(r, 900000);
    }
    if (one_in(r, 3))
        s->duplicate = (uint32_t)some(r, 200000);
    if (one_in(r, 2))
        s->reorder = (uint32_t)some(r, 300000);
    s->spread = some(r, 2 * s->delay + 20000);
    if (one_in(r, 3))
        s->corrupt = (uint32_t)some(r, 20000);
}

static void draw_boxes(struct sim_scenario *s, struct sim_random *r)
{
    static const uint32_t options[] = {SIM_OPTION_SCALE, SIM_OPTION_SACK, SIM_OPTION_TIMESTAMPS};

    if (one_in(r, 6)) {
        s->mtu = (s->v6 ? 1280 : 600) + (uint32_t)some(r, 200);
        s->mtu_tell = true;
    }
    if (one_in(r, 5)) {
        s->window_period = 100000 + some(r, 8000000);
        s->window_shut = sim_random_below(r, s->window_period * 3 / 4);
    }
    for (int i = 0; i < 3; i++)
        if (one_in(r, 6))
            s->strip |= options[i];
    s->rewrite = one_in(r, 5);
}

void sim_scenario_draw(struct sim_scenario *s, struct sim_random *r)
{
    *s = (struct sim_scenario){.name = "any", .about = "drawn"};
    s->v6 = one_in(r, 3);
    s->messages = 1 + (uint32_t)sim_random_below(r, 8);
    s->size_most = 100 + (uint32_t)some(r, 250000);
    draw_link(s, r);
    draw_boxes(s, r);
    if (one_in(r, 3))
        s->deaf = some(r, 20000000);
    if (one_in(r, 2))
        s->control = some(r, 4000000);
    if (one_in(r, 3))
        s->window = 2048 + (uint32_t)some(r, 1000000);
    if (one_in(r, 6))
        s->mss = 80 + (uint32_t)some(r, 1400);
    if (one_in(r, 6))
        s->chunks = 4 + (uint32_t)some(r, 60);
    s->offloads = one_in(r, 3);
}

/* From the client's side to the engine's. */
void sim_scenario_link(const struct sim_scenario *s, struct sim_link *link, struct sim_random *r)
{
    uint64_t delay = s->delay ? s->delay : 10000;

    if (s->strip)
        sim_link_add(link, link_strip_new(s->strip));
    sim_link_add(link, link_delay_new(delay / 2));
    if (s->loss)
        sim_link_add(link, link_loss_new(s->loss));
    if (s->burst_bad)
        sim_link_add(link, link_burst_new(s->burst_bad, s->burst_good, 0, s->burst_loss));
    if (s->rewrite)
        sim_link_add(link,
                     link_rewrite_new((uint32_t)sim_random_next(r), (uint32_t)sim_random_next(r)));
    if (s->mtu)
        sim_link_add(link, link_mtu_new(s->mtu, s->mtu_tell));
    if (s->rate)
        sim_link_add(link, link_rate_new(s->rate, s->queue));
    if (s->duplicate)
        sim_link_add(link, link_duplicate_new(s->duplicate, s->spread));
    if (s->reorder)
        sim_link_add(link, link_reorder_new(s->reorder, s->spread));
    if (s->corrupt)
        sim_link_add(link, link_corrupt_new(s->corrupt));
    sim_link_add(link, link_delay_new(delay - delay / 2));
    if (s->window_period)
        sim_link_add(link, link_window_new(s->window_period, s->window_shut));
}

void sim_scenario_print(const struct sim_scenario *s)
{
    printf(
        "# %s (%s): %u workers, %u messages of up to %u bytes, IPv%d, delay %llu us, rate %llu "
        "queue %u, "
        "loss %u, burst %u/%u/%u, duplicate %u, reorder %u within %llu us, corrupt %u, mtu %u, "
        "window shut %llu of %llu us, options stripped %#x, renumbered %d, deaf %llu us, control "
        "%llu us, window %u, mss %u, chunks %u %%, offloads %d\n",
        s->name, s->about, s->workers, s->messages, s->size_most, s->v6 ? 6 : 4,
        (unsigned long long)s->delay, (unsigned long long)s->rate, s->queue, s->loss, s->burst_bad,
        s->burst_good, s->burst_loss, s->duplicate, s->reorder, (unsigned long long)s->spread,
        s->corrupt, s->mtu, (unsigned long long)s->window_shut,
        (unsigned long long)s->window_period, s->strip, s->rewrite, (unsigned long long)s->deaf,
        (unsigned long long)s->control, s->window, s->mss, s->chunks, s->offloads);
}
