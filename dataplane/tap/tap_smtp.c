/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_more.h"
#include "dataplane/tap/tap_flow.h"

/* An SMTP conversation: the observer's events become messages, and what is said of them. */

void tap_smtp_begin(struct tap *t, struct tap_flow *f)
{
    /* Behind STARTTLS there is no greeting (RFC 3207 section 4.2). */
    smtp_observer_init(&f->smtp, f->started_tls || !f->seen->side[TCP_TO_CLIENT].opened);
    f->s.protocol = LISTENER_SMTP;
}

static void say_command(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    struct tap_event event = {
        .kind = TAP_EVENT_COMMAND,
        .name = span_text(e->kind == SMTP_OBSERVED_RESPONSE ? "AUTH" : smtp_verb_name(e->verb)),
        .text = e->text,
        .secret = e->secret};

    f->commands += e->kind != SMTP_OBSERVED_RESPONSE;
    tap_flow_say(t, f, &event);
}

static void say_reply(struct tap *t, struct tap_flow *f, const struct smtp_observed *e,
                      const char *name)
{
    struct tap_event event = {.kind = TAP_EVENT_REPLY,
                              .name = span_text(name),
                              .text = e->text,
                              .secret = (uint32_t)e->text.len,
                              .code = e->code};

    tap_flow_say(t, f, &event);
}

static void on_command(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    say_command(t, f, e);
    if ((e->verb == SMTP_VERB_EHLO || e->verb == SMTP_VERB_HELO) && e->name.len) {
        session_name_set(t->ss, &f->s, e->name);
        f->s.esmtp = f->esmtp = e->esmtp;
        tap_flow_note(&f->name, e->name);
    } else if (e->kind == SMTP_OBSERVED_MAIL) {
        tap_message_open(t, f, &f->message, e->name, e->smtputf8);
    } else if (e->kind == SMTP_OBSERVED_RCPT) {
        tap_message_recipient(t, f, e->name);
    }
}

static void on_answer(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    say_reply(t, f, e, smtp_verb_name(e->verb));
    if (e->index != SMTP_OBSERVER_NO_INDEX)
        tap_message_answer(t, f, e->index, e->code);
}

/* The server's whole answer as serve has it in its records: code, status code, text. */
static void on_verdict(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    uint8_t memory[512];
    struct writer w = writer_of(memory, sizeof(memory));

    if (e->code) {
        say_reply(t, f, e, "DATA");
        writer_printf(&w, "%u ", e->code);
        writer_span_put(&w, span_head(e->text, writer_room(&w)));
    }
    tap_message_verdict(t, f, &f->message, e->code, writer_span(&w));
}

static void on_anomaly(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    enum smtp_anomaly which = (enum smtp_anomaly)e->anomaly;

    f->s.early |= which == SMTP_ANOMALY_EARLY_TALKER;
    tap_flow_anomaly(t, f, smtp_anomaly_name(which), smtp_anomaly_what(which), NULL);
}

static void on_event(struct tap *t, struct tap_flow *f, const struct smtp_observed *e)
{
    switch (e->kind) {
    case SMTP_OBSERVED_GREETING:
        tap_flow_note(&f->greeting, e->text);
        say_reply(t, f, e, "");
        break;
    case SMTP_OBSERVED_COMMAND:
    case SMTP_OBSERVED_MAIL:
    case SMTP_OBSERVED_RCPT:
        on_command(t, f, e);
        break;
    case SMTP_OBSERVED_RESPONSE:
        say_command(t, f, e);
        break;
    case SMTP_OBSERVED_ANSWER:
        on_answer(t, f, e);
        break;
    case SMTP_OBSERVED_ABANDONED:
        tap_message_drop(t, f, &f->message);
        break;
    case SMTP_OBSERVED_BEGIN:
        tap_message_begin(t, f, &f->message);
        break;
    case SMTP_OBSERVED_TEXT:
        tap_message_bytes(t, &f->message, e->text);
        break;
    case SMTP_OBSERVED_END:
        tap_message_end(t, &f->message);
        break;
    case SMTP_OBSERVED_VERDICT:
        on_verdict(t, f, e);
        break;
    case SMTP_OBSERVED_AUTH:
        tap_flow_login(t, f, e->text, e->name, e->code / 100 == 2);
        break;
    case SMTP_OBSERVED_STARTTLS:
        f->started_tls = true;
        break;
    case SMTP_OBSERVED_ANOMALY:
        on_anomaly(t, f, e);
        break;
    default:
        break;
    }
}

/* Reads what it can. False: no chunk for a line; the flow is not read on. */
static bool read_client(struct tap *t, struct tap_flow *f, struct span *in)
{
    struct smtp_observed e;

    for (;;) {
        smtp_observer_client(&f->smtp, in, &e);
        if (e.kind == SMTP_OBSERVED_MORE || e.kind == SMTP_OBSERVED_WAIT)
            return true;
        if (e.kind != SMTP_OBSERVED_CLIENT_BUFFER) {
            on_event(t, f, &e);
        } else {
            uint8_t *buffer = tap_flow_line(t, f, TCP_TO_SERVER);

            if (!buffer)
                return false;
            smtp_observer_attach_client(&f->smtp, buffer);
        }
    }
}

/* What is held is read as far as answers allow. */
static bool read_held(struct tap *t, struct tap_flow *f)
{
    struct chunk *c = f->held;
    struct span in;

    if (!c)
        return true;
    in = chunk_unread(c);
    if (!read_client(t, f, &in))
        return false;
    c->start = c->len - (uint32_t)in.len;
    if (in.len == 0) {
        chunk_give(t->pool, c);
        f->held = NULL;
    }
    return true;
}

/* No answer for so much: it is taken as usual, and what was held is read. */
static bool make_room(struct tap *t, struct tap_flow *f)
{
    struct chunk *c = f->held;
    struct span in;

    if (!c) {
        f->held = chunk_take(t->pool, CHUNK_LARGE);
        return f->held != NULL;
    }
    if (c->start) {
        memmove(c->data, c->data + c->start, c->len - c->start);
        c->len -= c->start;
        c->start = 0;
    }
    if (chunk_room(c))
        return true;
    smtp_observer_assume(&f->smtp);
    in = chunk_unread(c);
    if (!read_client(t, f, &in))
        return false;
    c->start = c->len - (uint32_t)in.len;
    return true;
}

static bool hold(struct tap *t, struct tap_flow *f, struct span bytes)
{
    while (bytes.len) {
        size_t n;

        if (!make_room(t, f))
            return false;
        n = chunk_room(f->held) < bytes.len ? chunk_room(f->held) : bytes.len;
        memcpy(f->held->data + f->held->len, bytes.data, n);
        f->held->len += (uint32_t)n;
        bytes = span_skip(bytes, n);
    }
    return true;
}

static bool on_client(struct tap *t, struct tap_flow *f, struct span bytes)
{
    if (!f->seen->side[TCP_TO_CLIENT].seen)
        smtp_observer_one_sided(&f->smtp);
    if (f->held && !hold(t, f, bytes))
        return false;
    if (f->held)
        return read_held(t, f);
    return read_client(t, f, &bytes) && hold(t, f, bytes);
}

static bool on_server(struct tap *t, struct tap_flow *f, struct span bytes)
{
    struct smtp_observed e;

    for (;;) {
        smtp_observer_server(&f->smtp, &bytes, &e);
        if (e.kind == SMTP_OBSERVED_MORE)
            break;
        if (e.kind == SMTP_OBSERVED_SERVER_BUFFER) {
            uint8_t *buffer = tap_flow_line(t, f, TCP_TO_CLIENT);

            if (!buffer)
                return false;
            smtp_observer_attach_server(&f->smtp, buffer);
            continue;
        }
        on_event(t, f, &e);
        /* What the client sent meanwhile comes before the server's next answer. */
        if (!f->smtp.due && !smtp_observer_waits(&f->smtp) && !read_held(t, f))
            return false;
    }
    return read_held(t, f);
}

/* Both go on in TLS; what is held is the client's first record, or commands in the clear. */
static void hand_over(struct tap *t, struct tap_flow *f)
{
    struct chunk *held = f->held;
    bool plain = held && held->data[held->start] != 0x16;

    f->held = NULL;
    if (plain)
        tap_flow_anomaly(t, f, smtp_anomaly_name(SMTP_ANOMALY_PLAIN_BEHIND_STARTTLS),
                         smtp_anomaly_what(SMTP_ANOMALY_PLAIN_BEHIND_STARTTLS), "client");
    tap_flow_become(t, f, TAP_TLS);
    if (held && !plain)
        tap_flow_bytes(t, f, TCP_TO_SERVER, chunk_unread(held));
    chunk_give(t->pool, held);
}

void tap_smtp_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    bool ok = d == TCP_TO_SERVER ? on_client(t, f, bytes) : on_server(t, f, bytes);

    if (!ok) {
        t->messages_unread++;
        tap_flow_become(t, f, TAP_BLIND);
    } else if (smtp_observer_in_tls(&f->smtp)) {
        hand_over(t, f);
    }
}

void tap_smtp_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len)
{
    struct smtp_observed e;
    struct span none = {0};

    if (d == TCP_TO_CLIENT) {
        smtp_observer_server_gap(&f->smtp);
        return;
    }
    f->message.whole = false;
    smtp_observer_client_gap(&f->smtp, len);
    while (smtp_observer_client(&f->smtp, &none, &e), e.kind != SMTP_OBSERVED_MORE)
        on_event(t, f, &e);
}

void tap_smtp_end(struct tap *t, struct tap_flow *f)
{
    struct smtp_observed e;

    /* No answer will come any more. */
    while (f->held && read_held(t, f) && smtp_observer_waits(&f->smtp))
        smtp_observer_assume(&f->smtp);
    while (smtp_observer_finish(&f->smtp, &e), e.kind != SMTP_OBSERVED_MORE)
        on_event(t, f, &e);
    tap_message_drop(t, f, &f->message);
}
