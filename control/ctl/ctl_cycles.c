/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_cycles.h"

#include "control/ctl/ctl_print.h"
#include "dataplane/handoff/handoff.h"

/*
 * Stages of a turn are stamped once a burst, and their sum is the turn. Stages of a message are
 * stamped in one message of N: their sum stands for the others as well, and what is left of the
 * session stage was spent between messages.
 */
enum { CALIBRATION = 4096 };

struct account {
    double stage[STAGES];
    struct stage_cycles sum; /* of all workers */
    uint64_t sessions;
};

static struct account add_up(struct handoff *handoff)
{
    struct account a = {0};
    struct stage_cycles *s = &a.sum;

    for (uint32_t w = 0; w < handoff_workers(handoff); w++) {
        const struct handoff_port *port = handoff_port_of(handoff, w);
        const struct stage_cycles *c = handoff_cycles((struct handoff_port *)port);

        for (int i = 0; i < STAGES; i++) {
            s->stage[i] += c->stage[i];
            s->message[i] += c->message[i];
        }
        s->busy += c->busy;
        s->idle += c->idle;
        s->turns += c->turns;
        s->packets += c->packets;
        s->bytes += c->bytes;
        s->stamps += c->stamps;
        s->messages += c->messages;
        s->stamped += c->stamped;
        a.sessions += handoff_counters((struct handoff_port *)port)->sessions_accepted;
    }
    return a;
}

/* Divides the session stage among those of messages and what is left. */
static void divide(struct account *a)
{
    const struct stage_cycles *s = &a->sum;
    double session = (double)s->stage[STAGE_session], sampled = 0, scale = 0;

    for (int i = 0; i < STAGES; i++) {
        a->stage[i] = (double)s->stage[i];
        sampled += (double)s->message[i];
    }
    if (s->stamped)
        scale = (double)s->messages / (double)s->stamped;
    a->stage[STAGE_session] = session - sampled * scale;
    /* A sample may say more than there is. */
    if (a->stage[STAGE_session] < 0) {
        scale = session / sampled;
        a->stage[STAGE_session] = 0;
    }
    for (int i = 0; i < STAGES; i++)
        if (i != STAGE_session)
            a->stage[i] += (double)s->message[i] * scale;
}

/* What one stamp costs here: reading the counter and adding up. */
static double stamp_cycles(void)
{
    uint64_t last = stage_now();
    volatile uint64_t sum = 0;

    for (int i = 0; i < CALIBRATION; i++) {
        uint64_t now = stage_now();

        sum = sum + (now - last);
        last = now;
    }
    return (double)sum / CALIBRATION;
}

static double per(double cycles, uint64_t count)
{
    return count ? cycles / (double)count : 0;
}

static json_t *row(const char *name, double cycles, const struct account *a)
{
    const struct stage_cycles *s = &a->sum;

    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "stage", name, "cycles",
                     (json_int_t)cycles, "share", per(cycles, s->busy), "per_packet",
                     per(cycles, s->packets), "per_session", per(cycles, a->sessions),
                     "per_message", per(cycles, s->messages), "per_byte", per(cycles, s->bytes));
}

static json_t *rows(const struct account *a)
{
    json_t *list = json_array();
    double sum = 0;

    for (int i = 0; i < STAGES; i++) {
        json_array_append_new(list, row(stage_name((enum stage)i), a->stage[i], a));
        sum += a->stage[i];
    }
    json_array_append_new(list, row("sum", sum, a));
    return list;
}

static json_t *cycles_json(struct handoff *handoff)
{
    struct account a = add_up(handoff);
    const struct stage_cycles *s = &a.sum;
    double stamp = stamp_cycles(), accounting = stamp * (double)s->stamps;

    divide(&a);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:f, s:I, s:f}, s:o}",
                     "busy", (json_int_t)s->busy, "idle", (json_int_t)s->idle, "turns",
                     (json_int_t)s->turns, "packets", (json_int_t)s->packets, "sessions",
                     (json_int_t)a.sessions, "messages", (json_int_t)s->messages, "stamped",
                     (json_int_t)s->stamped, "bytes", (json_int_t)s->bytes, "accounting", "stamps",
                     (json_int_t)s->stamps, "cycles_per_stamp", stamp, "cycles",
                     (json_int_t)accounting, "share", per(accounting, s->busy), "stages", rows(&a));
}

static json_t *answer(void *context, const struct ctl_request *request, struct writer *why)
{
    (void)request;
    (void)why;
    return cycles_json(context);
}

struct ctl_subject ctl_cycles_subject(struct handoff *handoff)
{
    return (struct ctl_subject){.context = handoff, .answer = answer};
}

void ctl_cycles_print(FILE *out, struct handoff *handoff)
{
    json_t *o = cycles_json(handoff);

    if (o)
        ctl_print(out, o);
    json_decref(o);
}
