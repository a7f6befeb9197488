/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_observer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A conversation: pieces of a byte that says who speaks (or misses something) and how much, and the
 * bytes. What is held for an answer is given again. Transactions begin and end in order.
 */
struct talk {
    struct smtp_observer o;
    uint8_t client[SMTP_OBSERVER_LINE_MAX], server[SMTP_REPLY_LINE_MAX], held[8192];
    size_t held_len;
    bool text;
};

static void take(struct talk *t, const struct smtp_observed *e)
{
    volatile uint8_t sum = 0;

    for (size_t i = 0; i < e->text.len; i++)
        sum = (uint8_t)(sum + e->text.data[i]);
    for (size_t i = 0; i < e->name.len; i++)
        sum = (uint8_t)(sum + e->name.data[i]);
    if (e->kind == SMTP_OBSERVED_COMMAND && e->secret > e->text.len)
        abort();
    if ((e->kind == SMTP_OBSERVED_TEXT || e->kind == SMTP_OBSERVED_END) && !t->text)
        abort();
    if (e->kind == SMTP_OBSERVED_BEGIN)
        t->text = true;
    if (e->kind == SMTP_OBSERVED_END || e->kind == SMTP_OBSERVED_ABANDONED)
        t->text = false;
}

static void drain(struct talk *t)
{
    struct span in = span_of(t->held, t->held_len);
    struct smtp_observed e;

    for (;;) {
        smtp_observer_client(&t->o, &in, &e);
        if (e.kind == SMTP_OBSERVED_MORE || e.kind == SMTP_OBSERVED_WAIT)
            break;
        if (e.kind == SMTP_OBSERVED_CLIENT_BUFFER)
            smtp_observer_attach_client(&t->o, t->client);
        else
            take(t, &e);
    }
    memmove(t->held, in.data, in.len);
    t->held_len = in.len;
}

static void hear(struct talk *t, struct span in)
{
    struct smtp_observed e;

    for (;;) {
        smtp_observer_server(&t->o, &in, &e);
        if (e.kind == SMTP_OBSERVED_MORE)
            break;
        if (e.kind == SMTP_OBSERVED_SERVER_BUFFER)
            smtp_observer_attach_server(&t->o, t->server);
        else
            take(t, &e);
        if (!t->o.due && !smtp_observer_waits(&t->o))
            drain(t);
    }
    drain(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct talk t;
    struct span rest = span_of(data, size);
    struct smtp_observed e;

    memset(&t, 0, sizeof(t));
    smtp_observer_init(&t.o, size & 1);
    while (rest.len) {
        uint8_t what = rest.data[0];
        struct span piece = span_head(span_skip(rest, 1), (what >> 2) + 1u);

        rest = span_skip(rest, 1 + piece.len);
        if ((what & 3) == 0 && t.held_len + piece.len > sizeof(t.held))
            smtp_observer_assume(&t.o), drain(&t), t.held_len = 0;
        switch (what & 3) {
        case 0:
            memcpy(t.held + t.held_len, piece.data, piece.len);
            t.held_len += piece.len;
            drain(&t);
            break;
        case 1:
            hear(&t, piece);
            break;
        case 2:
            smtp_observer_client_gap(&t.o, what);
            drain(&t);
            break;
        default:
            smtp_observer_server_gap(&t.o);
            break;
        }
    }
    smtp_observer_assume(&t.o);
    drain(&t);
    while (smtp_observer_finish(&t.o, &e), e.kind != SMTP_OBSERVED_MORE)
        take(&t, &e);
    if (smtp_observer_in_text(&t.o))
        abort();
    return 0;
}
