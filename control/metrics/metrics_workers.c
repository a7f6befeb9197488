/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics_workers.h"

#include <stddef.h>
#include <stdio.h>

#include "proto/imap/imap_reply.h"
#include "proto/pop3/pop3_reply.h"
#include "proto/smtp/smtp_reply.h"

enum { LABELS = 96 };

static void put(const struct metric_sink *sink, struct metric m)
{
    sink->put(sink->user, &m);
}

/* Of the sessions' counters these say how it is, and do not grow only. */
static enum metric_type type_of(size_t offset)
{
    return offset == offsetof(struct counters, sessions_open) ||
                   offset == offsetof(struct counters, sessions_most) ||
                   offset == offsetof(struct counters, commits_parked) ||
                   offset == offsetof(struct counters, pop3_ahead_bytes) ||
                   offset == offsetof(struct counters, tls_memory) ||
                   offset == offsetof(struct counters, tls_memory_most)
               ? METRIC_GAUGE
               : METRIC_COUNTER;
}

static void put_row(struct handoff *h, const struct metric_sink *sink, const char *name,
                    const char *text, size_t offset)
{
    for (uint32_t w = 0; w < handoff_workers(h); w++)
        put(sink, (struct metric){.name = name,
                                  .text = text,
                                  .type = type_of(offset),
                                  .worker = (int32_t)w,
                                  .value = *(const uint64_t *)((const char *)handoff_counters(
                                                                   handoff_port_of(h, w)) +
                                                               offset)});
}

static void put_smtp_replies(struct handoff *h, const struct metric_sink *sink)
{
    char labels[LABELS];

    for (uint32_t w = 0; w < handoff_workers(h); w++)
        for (int id = SMTP_REPLY_NONE + 1; id < SMTP_REPLY_COUNT; id++) {
            const struct smtp_reply *row = smtp_reply_row((enum smtp_reply_id)id);

            snprintf(labels, sizeof(labels), "reply=\"%s\",code=\"%u\"", row->counter, row->code);
            put(sink,
                (struct metric){.name = "smtp_replies",
                                .text = "SMTP replies, each row of smtp_reply.def",
                                .labels = labels,
                                .worker = (int32_t)w,
                                .value = handoff_counters(handoff_port_of(h, w))->smtp_reply[id]});
        }
}

static void put_pop3_replies(struct handoff *h, const struct metric_sink *sink)
{
    char labels[LABELS];

    for (uint32_t w = 0; w < handoff_workers(h); w++)
        for (int id = POP3_REPLY_NONE + 1; id < POP3_REPLY_COUNT; id++) {
            const struct pop3_reply *row = pop3_reply_row((enum pop3_reply_id)id);

            snprintf(labels, sizeof(labels), "reply=\"%s\",status=\"%s\"", row->counter,
                     row->status);
            put(sink,
                (struct metric){.name = "pop3_replies",
                                .text = "POP3 replies, each row of pop3_reply.def",
                                .labels = labels,
                                .worker = (int32_t)w,
                                .value = handoff_counters(handoff_port_of(h, w))->pop3_reply[id]});
        }
}

static void put_imap_replies(struct handoff *h, const struct metric_sink *sink)
{
    char labels[LABELS];

    for (uint32_t w = 0; w < handoff_workers(h); w++)
        for (int id = IMAP_REPLY_NONE + 1; id < IMAP_REPLY_COUNT; id++) {
            const struct imap_reply *row = imap_reply_row((enum imap_reply_id)id);

            snprintf(labels, sizeof(labels), "reply=\"%s\",status=\"%s\"", row->counter,
                     row->form == IMAP_FORM_BYE ? "BYE" : row->status);
            put(sink,
                (struct metric){.name = "imap_replies",
                                .text = "IMAP replies of workers, each row of imap_reply.def",
                                .labels = labels,
                                .worker = (int32_t)w,
                                .value = handoff_counters(handoff_port_of(h, w))->imap_reply[id]});
        }
}

static void put_stages(struct handoff *h, const struct metric_sink *sink)
{
    char labels[LABELS];

    for (uint32_t w = 0; w < handoff_workers(h); w++)
        for (int i = 0; i < STAGES; i++) {
            snprintf(labels, sizeof(labels), "stage=\"%s\"", stage_name((enum stage)i));
            put(sink, (struct metric){.name = "stage_cycles",
                                      .text = "cycles by stage; those of messages divide session's",
                                      .labels = labels,
                                      .worker = (int32_t)w,
                                      .value = handoff_cycles(handoff_port_of(h, w))->stage[i]});
        }
}

static void put_cycles(struct handoff *h, const struct metric_sink *sink, const char *name,
                       const char *text, size_t offset)
{
    for (uint32_t w = 0; w < handoff_workers(h); w++)
        put(sink, (struct metric){.name = name,
                                  .text = text,
                                  .worker = (int32_t)w,
                                  .value = *(const uint64_t *)((const char *)handoff_cycles(
                                                                   handoff_port_of(h, w)) +
                                                               offset)});
}

static void put_level(struct handoff *h, const struct metric_sink *sink, const char *name,
                      const char *text, size_t offset)
{
    for (uint32_t w = 0; w < handoff_workers(h); w++) {
        struct handoff_level level = handoff_level(handoff_port_of(h, w));

        put(sink, (struct metric){.name = name,
                                  .text = text,
                                  .type = METRIC_GAUGE,
                                  .worker = (int32_t)w,
                                  .value = *(const uint32_t *)((const char *)&level + offset)});
    }
}

static void put_levels(struct handoff *h, const struct metric_sink *sink)
{
    put_level(h, sink, "jobs_out", "jobs asked and not yet given back",
              offsetof(struct handoff_level, jobs));
    put_level(h, sink, "jobs_most", "the most of them that ever were",
              offsetof(struct handoff_level, jobs_most));
    put_level(h, sink, "commits_waiting", "jobs that the commit thread has not yet taken up",
              offsetof(struct handoff_level, commits));
    put_level(h, sink, "records_waiting", "records that wait to be written",
              offsetof(struct handoff_level, records));
    put_level(h, sink, "records_free", "record slots that are free",
              offsetof(struct handoff_level, records_free));
}

void metrics_workers_put(struct handoff *h, const struct metric_sink *sink)
{
#define COUNTER(name, text) put_row(h, sink, #name, text, offsetof(struct counters, name));
#include "dataplane/handoff/counter.def"
#undef COUNTER
    put_smtp_replies(h, sink);
    put_pop3_replies(h, sink);
    put_imap_replies(h, sink);
    put_stages(h, sink);
    put_cycles(h, sink, "cycles_busy", "cycles of turns that did something",
               offsetof(struct stage_cycles, busy));
    put_cycles(h, sink, "cycles_idle", "cycles of turns that found nothing, and of naps",
               offsetof(struct stage_cycles, idle));
    put_cycles(h, sink, "turns", "turns", offsetof(struct stage_cycles, turns));
    put_levels(h, sink);
}
