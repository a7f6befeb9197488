/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_odd.h"

static const struct {
    const char *name, *what;
} anomalies[] = {
#define SMTP_ANOMALY(NAME, name_, what_) {#name_, what_},
#include "proto/smtp/smtp_anomaly.def"
#undef SMTP_ANOMALY
};

const char *smtp_anomaly_name(enum smtp_anomaly anomaly)
{
    return (unsigned)anomaly < SMTP_ANOMALIES ? anomalies[anomaly].name : "?";
}

const char *smtp_anomaly_what(enum smtp_anomaly anomaly)
{
    return (unsigned)anomaly < SMTP_ANOMALIES ? anomalies[anomaly].what : "?";
}

enum line_end { END_NONE, END_LF, END_CR, END_CRLF, ENDS };

/* [before the dot][behind it]; what the standard allows, and what is no end, have none. */
static const uint8_t forms[ENDS][ENDS] = {
    [END_LF] = {[END_LF] = SMTP_ANOMALY_LF_DOT_LF,
                [END_CR] = SMTP_ANOMALY_LF_DOT_CR,
                [END_CRLF] = SMTP_ANOMALY_LF_DOT_CRLF},
    [END_CR] = {[END_LF] = SMTP_ANOMALY_CR_DOT_LF,
                [END_CR] = SMTP_ANOMALY_CR_DOT_CR,
                [END_CRLF] = SMTP_ANOMALY_CR_DOT_CRLF},
    [END_CRLF] = {[END_LF] = SMTP_ANOMALY_CRLF_DOT_LF, [END_CR] = SMTP_ANOMALY_CRLF_DOT_CR},
};

/* The line end whose last byte is at `i`. */
static enum line_end end_at(struct span w, size_t i)
{
    if (w.data[i] == '\r')
        return END_CR;
    if (w.data[i] != '\n')
        return END_NONE;
    return i > 0 && w.data[i - 1] == '\r' ? END_CRLF : END_LF;
}

/* The line end whose first byte is at `i`. */
static enum line_end end_from(struct span w, size_t i)
{
    if (i >= w.len)
        return END_NONE;
    if (w.data[i] == '\r')
        return i + 1 < w.len && w.data[i + 1] == '\n' ? END_CRLF : END_CR;
    return w.data[i] == '\n' ? END_LF : END_NONE;
}

/* The window is complete. */
static uint64_t judge(struct smtp_odd *o)
{
    struct span w = span_of(o->window, o->len);
    uint64_t found = 0;

    for (size_t i = 0; i + 1 < w.len; i++) {
        uint8_t form = forms[end_at(w, i)][w.data[i + 1] == '.' ? end_from(w, i + 2) : END_NONE];

        /* The window's first byte may be the second half of a CRLF. */
        if (form && (i > 0 || w.data[i] == '\r'))
            found |= UINT64_C(1) << form;
    }
    o->len = o->wanted = 0;
    return found;
}

static void keep_tail(struct smtp_odd *o, struct span raw)
{
    size_t kept;

    if (raw.len >= SMTP_ODD_BEFORE) {
        memcpy(o->tail, raw.data + raw.len - SMTP_ODD_BEFORE, SMTP_ODD_BEFORE);
        o->tail_len = SMTP_ODD_BEFORE;
        return;
    }
    kept = SMTP_ODD_BEFORE - raw.len < o->tail_len ? SMTP_ODD_BEFORE - raw.len : o->tail_len;
    memmove(o->tail, o->tail + o->tail_len - kept, kept);
    memcpy(o->tail + kept, raw.data, raw.len);
    o->tail_len = (uint8_t)(kept + raw.len);
}

uint64_t smtp_odd_bytes(struct smtp_odd *o, struct span raw)
{
    uint64_t found = 0;

    if (!raw.len)
        return 0;
    if (o->len) {
        size_t n = raw.len < o->wanted ? raw.len : o->wanted;

        memcpy(o->window + o->len, raw.data, n);
        o->len = (uint8_t)(o->len + n);
        o->wanted = (uint8_t)(o->wanted - n);
        if (o->wanted == 0)
            found = judge(o);
    }
    keep_tail(o, raw);
    return found;
}

uint64_t smtp_odd_mark(struct smtp_odd *o)
{
    uint64_t found = o->len ? judge(o) : 0;

    memcpy(o->window, o->tail, o->tail_len);
    o->len = o->tail_len;
    o->wanted = SMTP_ODD_BEHIND;
    return found;
}

uint64_t smtp_odd_finish(struct smtp_odd *o)
{
    uint64_t found = o->len ? judge(o) : 0;

    *o = (struct smtp_odd){0};
    return found;
}
