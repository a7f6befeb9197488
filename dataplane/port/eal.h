/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_EAL_H
#define DATAPLANE_PORT_EAL_H

#include "proto/base/writer.h"

/*
 * DPDK's environment, started once a process. What the caller's own arguments do not say is filled
 * in: one lcore for the calling thread and one a worker, also where there are fewer CPUs than
 * lcores; a runtime directory of our own that goes away again; plain memory where too few hugepages
 * are free.
 */

enum { EAL_DEVICES = 4, EAL_ARGUMENTS = 64, EAL_TEXT = 4096 };

struct eal_options {
    const char *program; /* argv[0] */
    uint32_t workers;    /* lcores beside the calling thread's */
    uint64_t cpus[16];   /* the workers', a bit each (the layout of cpu_set_t): the lowest is worker
                            0's, and if there are fewer than workers they share; none: chosen here */
    uint32_t memory_mb;  /* of plain memory, taken at the start */
    uint32_t hugepages_mb;          /* free hugepages that are enough to take them instead */
    const char *vdevs[EAL_DEVICES]; /* "net_af_packet0,iface=...", NULL where unused */
    const char *pci[EAL_DEVICES];   /* "0000:03:00.0", with device arguments; NULL where unused */
    const char *const
        *extra; /* further arguments as they stand; each silences the default of its name */
    uint32_t extra_count;
    bool in_memory; /* with hugepages: leave no files behind */
};

/* The argument vector, and the text it points into. */
struct eal_arguments {
    char *argv[EAL_ARGUMENTS + 1];
    int argc;
    struct writer text;
    char bytes[EAL_TEXT];
};

/* Fills the vector. `hugepages` says whether enough of them are free. False: too many arguments for
 * it. */
bool eal_arguments(struct eal_arguments *a, const struct eal_options *options, bool hugepages);

/* Starts the environment. False, with the reason in `why`: nothing is left running. Once a process.
 */
bool eal_start(const struct eal_options *options, struct writer *why);
/* Ends it and removes its runtime directory. All ports closed, all lcores waited for. */
void eal_stop(void);
/* Removes what processes that are gone left in the runtime directory's parent. Returns how many. */
uint32_t eal_sweep(const char *parent);
/* Bytes in free hugepages of all sizes; `sizes` is the kernel's directory of them. */
uint64_t eal_hugepages_free(const char *sizes);
/* The lcore of worker `i`. */
unsigned int eal_worker_lcore(uint32_t worker);
/*
 * Gives the calling thread the CPUs that the process had before eal_start(). For every thread that
 * control or a library of its makes: a thread inherits the set of the one that makes it, and an
 * lcore's has one CPU.
 */
bool eal_control_affinity(void);

#endif
