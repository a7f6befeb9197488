/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_H
#define DATAPLANE_TAP_TAP_H

#include "dataplane/capture/tap_input.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/tap_source.h"

/*
 * One worker's watch over others' mail connections: frames in, events out by the source's calls.
 * The record of each message is given to the handoff before its event, for the caller to collect
 * there. All memory is taken when it is made.
 */
struct tap;

struct tap_options {
    struct handoff *handoff; /* whose settings hold; of several workers each has one tap */
    uint32_t worker;
    const struct tap_source *source; /* borrowed */
    /* As in struct tap_input_options; NULL: all is this one's. */
    bool (*pass)(void *context, const struct observed_packet *packet);
    void *context;
};

/* From a registered RCU reader, or before the settings are ever replaced. NULL: no memory. */
struct tap *tap_new(const struct tap_options *options);
/* Tells nobody; flows are ended with tap_finish(). */
void tap_free(struct tap *tap);
/* The rest by the worker's thread, a registered RCU reader. */
void tap_feed(struct tap *tap, const struct tap_input_frame *frame);
void tap_packet(struct tap *tap, const struct observed_packet *packet);
/*
 * Once a turn: time has come this far, with frames or without. Frames have the same clock, which
 * never goes back; `epoch_ns` makes times since 1970 of it in what is told. Takes settings that
 * were published anew.
 */
void tap_time(struct tap *tap, uint64_t now_ns, uint64_t epoch_ns);
/* Frames were lost right now: any flow may have been touched. */
void tap_lost(struct tap *tap);
/* The watch ends, and with it all flows. */
void tap_finish(struct tap *tap);
/* All that was counted, groups in a row. From any thread, to be precise after the end. */
void tap_statistics(const struct tap *tap,
                    void (*put)(void *context, const struct tap_statistic *statistic),
                    void *context);
/* Connections at the moment, and mail conversations among them. From any thread. */
uint32_t tap_flows(const struct tap *tap);
uint32_t tap_conversations(const struct tap *tap);

/*
 * Watches all that the source gives, with the settings that are published and as the handoff's
 * worker 0, which nobody else may be; then tells its statistics. From a registered RCU reader.
 * False: no memory.
 */
bool tap_run(struct handoff *h, const struct tap_source *source);

#endif
