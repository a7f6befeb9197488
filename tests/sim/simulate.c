/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_engine.h"
#include "tests/sim/sim_run.h"

/*
 * Runs of the engine and its clients over a simulated link, on a virtual clock, one after another.
 * scripts/simulate runs several of these side by side.
 */
static const char usage[] =
    "simulate [--start S] [--seeds N] [--scenario NAME] [--verbose] [--list]\n"
    "simulate --bulk SECONDS --link RATE,QUEUE,DELAY,LOSS [--start S] [--seeds N]\n"
    "simulate --taps NAME,NAME --link RATE,QUEUE,DELAY,LOSS [--start S]\n"
    "  runs the seeds S to S + N - 1 of a scenario, or of scenarios drawn from them; a line for "
    "each\n"
    "  that fails, and one with the sums. --list prints the scenarios' names. --bulk prints the\n"
    "  payload bytes a second of one connection, a line a seed; --taps moves frames between two "
    "TAP\n"
    "  devices. A link is given in bits a second, bytes, microseconds one way and lost packets of "
    "a\n"
    "  million.\n";

/* Seconds until a bulk transfer is measured: slow start is over. */
enum { SKIP = 5 };

struct choice {
    uint64_t start, seeds;
    const struct sim_scenario *scenario;
    bool verbose, has_link;
    uint32_t bulk;
    struct sim_bulk_link link;
    char taps[2][16];
};

static void list(void)
{
    for (uint32_t i = 0; sim_scenario_at(i); i++)
        printf("%-16s %s\n", sim_scenario_at(i)->name, sim_scenario_at(i)->about);
}

static bool parse_link(struct choice *c, const char *text)
{
    unsigned long long rate, delay;

    c->has_link =
        sscanf(text, "%llu,%u,%llu,%u", &rate, &c->link.queue, &delay, &c->link.loss) == 4 && rate;
    c->link.rate = rate;
    c->link.delay = delay;
    return c->has_link;
}

/* False: nonsense. */
static bool take_option(struct choice *c, int option, const char *text)
{
    switch (option) {
    case 's':
        c->start = strtoull(text, NULL, 10);
        return true;
    case 'n':
        c->seeds = strtoull(text, NULL, 10);
        return true;
    case 'v':
        c->verbose = true;
        return true;
    case 'b':
        c->bulk = (uint32_t)strtoul(text, NULL, 10);
        return c->bulk != 0;
    case 'k':
        return parse_link(c, text);
    case 't':
        return sscanf(text, "%15[^,],%15s", c->taps[0], c->taps[1]) == 2;
    case 'c':
        c->scenario = sim_scenario_find(text);
        return c->scenario != NULL;
    default:
        return false;
    }
}

static void parse(int argc, char **argv, struct choice *c)
{
    static const struct option options[] = {
        {"start", 1, NULL, 's'},   {"seeds", 1, NULL, 'n'}, {"scenario", 1, NULL, 'c'},
        {"verbose", 0, NULL, 'v'}, {"list", 0, NULL, 'l'},  {"bulk", 1, NULL, 'b'},
        {"link", 1, NULL, 'k'},    {"taps", 1, NULL, 't'},  {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l') {
            list();
            exit(0);
        }
        if (!take_option(c, option, optarg)) {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if ((c->bulk || c->taps[0][0]) && !c->has_link) {
        fputs(usage, stderr);
        exit(2);
    }
}

static int bulk(const struct choice *c)
{
    bool wrong = false;

    for (uint64_t seed = c->start; seed < c->start + c->seeds; seed++) {
        double rate = sim_bulk(&c->link, seed, SKIP, c->bulk);

        wrong |= rate <= 0;
        printf("%.0f\n", rate);
    }
    return wrong;
}

static void add(struct sim_result *all, const struct sim_result *r)
{
    all->virtual_us += r->virtual_us;
    all->packets += r->packets;
    all->steps += r->steps;
    all->retransmitted += r->retransmitted;
    all->dropped += r->dropped;
    all->changed += r->changed;
}

static int runs(const struct choice *c)
{
    struct sim_result r, all = {0};
    uint64_t failed = 0;

    sim_engine_environment();
    for (uint64_t seed = c->start; seed < c->start + c->seeds; seed++) {
        sim_run(c->scenario, seed, c->verbose, &r);
        add(&all, &r);
        if (!r.faults)
            continue;
        failed++;
        printf("FAILED --seed %llu%s%s: %s\n", (unsigned long long)seed,
               c->scenario ? " --scenario " : "", c->scenario ? c->scenario->name : "", r.first);
        fflush(stdout);
    }
    printf("seeds %llu failed %llu virtual_s %llu packets %llu steps %llu retransmitted %llu "
           "dropped %llu changed %llu\n",
           (unsigned long long)c->seeds, (unsigned long long)failed,
           (unsigned long long)(all.virtual_us / 1000000), (unsigned long long)all.packets,
           (unsigned long long)all.steps, (unsigned long long)all.retransmitted,
           (unsigned long long)all.dropped, (unsigned long long)all.changed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct choice c = {.start = 1, .seeds = 1};

    parse(argc, argv, &c);
    if (c.taps[0][0])
        return !sim_taps(&c.link, c.start, c.taps[0], c.taps[1]);
    return c.bulk ? bulk(&c) : runs(&c);
}
