/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_more.h"
#include "dataplane/tap/tap_flow.h"

/* A POP3 conversation: what it has of messages goes the way of SMTP's. */

void tap_pop3_begin(struct tap *t, struct tap_flow *f)
{
    /* Behind STLS there is no greeting (RFC 2595 section 4). */
    pop3_observer_init(&f->pop3, f->started_tls || !f->seen->side[TCP_TO_CLIENT].opened);
    f->s.protocol = LISTENER_POP3;
}

static void on_pop3(struct tap *t, struct tap_flow *f, const struct pop3_observed *e)
{
    switch (e->kind) {
    case POP3_OBSERVED_GREETING:
        tap_flow_note(&f->greeting, e->text);
        __attribute__((fallthrough));
    case POP3_OBSERVED_ANSWER:
        tap_flow_line_said(t, f, TAP_EVENT_REPLY, e->name, e->text, (uint32_t)e->text.len);
        break;
    case POP3_OBSERVED_COMMAND:
        tap_flow_line_said(t, f, TAP_EVENT_COMMAND, e->name, e->text, e->secret);
        break;
    case POP3_OBSERVED_LOGIN:
        tap_flow_user(t, f, e->name, e->text, e->good);
        break;
    case POP3_OBSERVED_BEGIN:
        tap_message_open(t, f, &f->message, span_of(NULL, 0), false);
        tap_message_begin(t, f, &f->message);
        f->message.whole = !e->partly;
        break;
    case POP3_OBSERVED_TEXT:
        tap_message_bytes(t, &f->message, e->text);
        break;
    case POP3_OBSERVED_END:
        tap_message_end(t, &f->message);
        tap_message_verdict(t, f, &f->message, 0, span_of(NULL, 0));
        break;
    case POP3_OBSERVED_STARTTLS:
        f->started_tls = true;
        tap_flow_become(t, f, TAP_TLS);
        break;
    default:
        break;
    }
}

void tap_pop3_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    struct pop3_observed e;
    bool client = d == TCP_TO_SERVER;

    while (f->stage == TAP_POP3) {
        if (client)
            pop3_observer_client(&f->pop3, &bytes, &e);
        else
            pop3_observer_server(&f->pop3, &bytes, &e);
        if (e.kind == POP3_OBSERVED_MORE)
            return;
        if (e.kind == POP3_OBSERVED_BUFFER) {
            uint8_t *buffer = tap_flow_line(t, f, d);

            if (!buffer) {
                tap_flow_become(t, f, TAP_BLIND);
                return;
            }
            pop3_observer_attach(&f->pop3, client, buffer);
            continue;
        }
        on_pop3(t, f, &e);
    }
}

void tap_pop3_end(struct tap *t, struct tap_flow *f)
{
    tap_message_drop(t, f, &f->message);
}
