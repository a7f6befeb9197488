/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_engine.h"
#include "tests/sim/sim_run.h"

/*
 * Runs of the engine and its clients over a simulated link, on a virtual clock, one after another.
 * scripts/simulate runs several of these side by side.
 */
static const char usage[] =
    "simulate [--start S] [--seeds N] [--scenario NAME] [--verbose] [--list]\n"
    "  runs the seeds S to S + N - 1 of a scenario, or of scenarios drawn from them; a line for "
    "each\n"
    "  that fails, and one with the sums. --list prints the scenarios' names.\n";

struct choice {
    uint64_t start, seeds;
    const struct sim_scenario *scenario;
    bool verbose;
};

static void list(void)
{
    for (uint32_t i = 0; sim_scenario_at(i); i++)
        printf("%-16s %s\n", sim_scenario_at(i)->name, sim_scenario_at(i)->about);
}

static void parse(int argc, char **argv, struct choice *c)
{
    static const struct option options[] = {{"start", 1, NULL, 's'},    {"seeds", 1, NULL, 'n'},
                                            {"scenario", 1, NULL, 'c'}, {"verbose", 0, NULL, 'v'},
                                            {"list", 0, NULL, 'l'},     {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's') {
            c->start = strtoull(optarg, NULL, 10);
        } else if (option == 'n') {
            c->seeds = strtoull(optarg, NULL, 10);
        } else if (option == 'v') {
            c->verbose = true;
        } else if (option == 'l') {
            list();
            exit(0);
        } else if (option != 'c' || !(c->scenario = sim_scenario_find(optarg))) {
            fputs(usage, stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct choice c = {.start = 1, .seeds = 1};
    struct sim_result r, all = {0};
    uint64_t failed = 0;

    parse(argc, argv, &c);
    sim_engine_environment();
    for (uint64_t seed = c.start; seed < c.start + c.seeds; seed++) {
        sim_run(c.scenario, seed, c.verbose, &r);
        if (r.faults) {
            failed++;
            printf("FAILED --seed %llu%s%s: %s\n", (unsigned long long)seed,
                   c.scenario ? " --scenario " : "", c.scenario ? c.scenario->name : "", r.first);
            fflush(stdout);
        }
        all.virtual_us += r.virtual_us;
        all.packets += r.packets;
        all.steps += r.steps;
        all.retransmitted += r.retransmitted;
        all.dropped += r.dropped;
        all.changed += r.changed;
    }
    printf(
        "seeds %llu failed %llu virtual_s %llu packets %llu steps %llu retransmitted %llu dropped "
        "%llu changed %llu\n",
        (unsigned long long)c.seeds, (unsigned long long)failed,
        (unsigned long long)(all.virtual_us / 1000000), (unsigned long long)all.packets,
        (unsigned long long)all.steps, (unsigned long long)all.retransmitted,
        (unsigned long long)all.dropped, (unsigned long long)all.changed);
    return failed != 0;
}
