/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_load.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

static bool read_number(const char **text, double most, double *number_out)
{
    return blast_words_decimal(text, most, number_out) && *number_out > 0;
}

/* steps = rate ":" seconds *( "," rate ":" seconds ) */
static bool read_steps(const char *text, const struct blast_words *w, struct blast_order *o)
{
    double seconds;

    for (;;) {
        struct blast_step *step = &o->steps[o->step_count++];

        if (!read_number(&text, (double)w->limit_rate, &step->rate) || *text++ != ':' ||
            !read_number(&text, (double)w->limit_seconds, &seconds))
            return false;
        step->us = (uint64_t)(seconds * (double)SECOND);
        o->duration_us += step->us;
        if (!*text)
            return o->duration_us <= w->limit_seconds * SECOND;
        if (*text++ != ',' || o->step_count == BLAST_STEPS)
            return false;
    }
}

/* burst = sessions ":" seconds */
static bool read_burst(const char *text, const struct blast_words *w, struct blast_order *o)
{
    double sessions, seconds;

    if (!read_number(&text, 1e6, &sessions) || *text++ != ':' ||
        !read_number(&text, 86400, &seconds) || *text)
        return false;
    o->burst = (uint32_t)sessions;
    o->burst_us = (uint64_t)(seconds * (double)SECOND);
    return o->burst && o->burst_us && sessions / seconds <= (double)w->limit_rate;
}

static bool plan_rate(const struct blast_words *w, struct blast_order *o)
{
    if (!!w->rate + !!w->steps + !!w->burst > 1)
        return blast_words_complain("expected one of --rate, --steps and --burst", NULL);
    if (w->ramp && !w->rate)
        return blast_words_complain("--ramp wants a --rate", NULL);
    if (w->rate > w->limit_rate)
        return blast_words_complain("more than --limit-rate", "rate");
    if (w->steps && w->seconds)
        return blast_words_complain("--steps says how long", "seconds");
    o->duration_us = 0;
    if (w->steps && !read_steps(w->steps, w, o))
        return blast_words_complain("expected RATE:SECONDS,..., 32 steps at most, within "
                                    "--limit-rate and --limit-seconds",
                                    w->steps);
    if (w->burst && !read_burst(w->burst, w, o))
        return blast_words_complain("expected SESSIONS:SECONDS within --limit-rate", w->burst);
    o->rate = (double)w->rate;
    o->ramp_us = w->ramp * SECOND;
    return true;
}

bool blast_load_plan(const struct blast_words *w, struct blast_order *o)
{
    uint64_t ends = o->work == BLAST_WORK_SMTP ? w->messages : w->logins;
    uint64_t seconds = w->seconds ? w->seconds : ends || w->hold ? w->limit_seconds : 10;
    bool open = w->rate || w->steps || w->burst;

    if (o->work == BLAST_WORK_SMTP ? w->logins != 0 : w->messages != 0)
        return blast_words_complain(
            "--messages belongs to --work smtp, --logins to --work pop3 and imap", NULL);
    if (w->hold && (ends || w->steps || w->verify))
        return blast_words_complain("goes with neither a number of messages or sessions, nor "
                                    "--steps, nor --verify",
                                    "hold");
    if (!plan_rate(w, o))
        return false;
    o->hold_us = w->hold * SECOND;
    o->messages = w->messages;
    o->logins = w->logins;
    if (!o->step_count)
        o->duration_us = (seconds < w->limit_seconds ? seconds : w->limit_seconds) * SECOND;
    o->drain_us = w->drain * SECOND;
    o->sessions = (uint32_t)(w->sessions ? w->sessions : open ? 10000 : 10);
    o->rate_limit = (double)w->limit_rate;
    o->reuse = (uint32_t)w->reuse;
    return true;
}
