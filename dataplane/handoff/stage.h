/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_STAGE_H
#define DATAPLANE_HANDOFF_STAGE_H

#include <stdint.h>

enum stage {
#define STAGE(name, text) STAGE_##name,
#include "dataplane/handoff/stage.def"
#undef STAGE
    STAGES
};

const char *stage_name(enum stage stage);

/* A worker's cycles by stage since its start, and what it waited. Written by the worker only. */
struct stage_cycles {
    uint64_t stage[STAGES];     /* of a turn's stages */
    uint64_t message[STAGES];   /* of a message's: the sum over those that carried stamps */
    uint64_t messages, stamped; /* that ended; of them, those that did */
    uint64_t stamps;            /* readings of the counter for all this */
    uint64_t packets, bytes;    /* frames taken and sent, and their length */
    uint64_t busy;              /* all turns that did something, first stamp to last */
    uint64_t idle;              /* turns that found nothing, and naps */
    uint64_t turns;
    uint64_t heartbeat_us; /* monotonic time of the last turn */
};

/* The machine's constant-rate counter. */
static inline uint64_t stage_now(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t v;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#else
#error "no cycle counter known for this architecture"
#endif
}

#endif
