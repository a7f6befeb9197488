/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_tls.h"

/* A session that sends: banner, EHLO, maybe STARTTLS and EHLO again, messages, QUIT. */
enum { SEALED_AHEAD = 1 << 18 }; /* bytes of a message that lie sealed in the send queue */

void blast_smtp_begin(struct blast_client *c, struct blast_session *s)
{
    bool again = s->secure && c->order->tls == BLAST_TLS_STARTTLS;

    smtp_client_init(&s->smtp, again ? &c->smtp_again : &c->smtp);
}

void blast_smtp_gone(struct blast_client *c, struct blast_session *s)
{
    if (s->sent) {
        c->tally->counts.messages_doubtful++;
        s->left -= s->left > 0;
    }
    c->tally->counts.messages_unsent += s->left;
}

static void begin_mail(struct blast_client *c, struct blast_session *s)
{
    const struct blast_order *o = c->order;
    uint8_t bytes[BLAST_HEAD];
    struct writer head = writer_of(bytes, sizeof(bytes));

    blast_head(&head, o, s->number);
    s->good = 0;
    s->mail = (struct smtp_client_mail){
        .sender = o->sender,
        .recipients = o->users + blast_ledger_first(o, s->number),
        .recipient_count = o->recipients,
        .size = head.len + blast_text_of(o, s->number)->raw.len,
    };
    smtp_client_begin(&s->smtp, &s->mail);
}

static void ask_for_tls(struct blast_client *c, struct blast_session *s)
{
    if (smtp_client_offers(&s->smtp, SMTP_KEYWORD_STARTTLS))
        smtp_client_starttls(&s->smtp);
    else
        blast_tls_fail(c, s, "STARTTLS is not offered");
}

static void on_ready(struct blast_client *c, struct blast_session *s)
{
    if (c->order->tls && !s->secure)
        ask_for_tls(c, s);
    else if (c->order->hold_us)
        s->stands = true;
    else if (s->left && blast_client_loads(c))
        begin_mail(c, s);
    else
        smtp_client_quit(&s->smtp);
}

void blast_smtp_sent(struct blast_client *c, struct blast_session *s)
{
    s->body = s->sent = true;
    s->since = c->now;
    c->tally->counts.messages_sent++;
    if (c->shared->ledger)
        blast_ledger_sent(c->shared->ledger, s->number, (uint8_t)s->good);
    smtp_client_sent(&s->smtp);
}

/* What is sealed is a copy: a large message is sealed as fast as it is acknowledged. False: the
 * session is gone. */
static bool send_rest(struct blast_client *c, struct blast_session *s)
{
    while (s->rest.len && tcp_sendq(s->conn)->bytes < SEALED_AHEAD) {
        struct span piece = span_head(s->rest, TLS_PLAIN_MAX);

        if (!blast_session_put(c, s, piece))
            return false;
        s->rest = span_skip(s->rest, piece.len);
    }
    if (!s->rest.len)
        blast_smtp_sent(c, s);
    return true;
}

/* The head is the message's own and is copied; the text is sent from where it lies. */
static bool send_message(struct blast_client *c, struct blast_session *s, bool chunk)
{
    const struct blast_text *text = blast_text_of(c->order, s->number);
    struct span bytes = chunk ? text->raw : text->wire;

    blast_head(&c->scratch, c->order, s->number);
    if (!blast_session_flush(c, s))
        return false;
    if (s->manner == BLAST_MANNER_slow_sender) {
        s->rest = bytes;
        blast_slow_begin(c, s);
        return true;
    }
    if (s->secure) {
        s->rest = bytes;
        return send_rest(c, s);
    }
    if (!blast_session_put(c, s, bytes))
        return false;
    blast_smtp_sent(c, s);
    return true;
}

static const enum blast_latency latencies[SMTP_CLIENT_STEPS] = {
    [SMTP_CLIENT_BANNER] = BLAST_LATENCY_banner, [SMTP_CLIENT_EHLO] = BLAST_LATENCY_ehlo,
    [SMTP_CLIENT_HELO] = BLAST_LATENCY_ehlo,     [SMTP_CLIENT_MAIL] = BLAST_LATENCY_mail,
    [SMTP_CLIENT_RCPT] = BLAST_LATENCY_rcpt,     [SMTP_CLIENT_DATA] = BLAST_LATENCY_data,
    [SMTP_CLIENT_END] = BLAST_LATENCY_end,       [SMTP_CLIENT_RSET] = BLAST_LATENCY_rset,
    [SMTP_CLIENT_QUIT] = BLAST_LATENCY_quit,     [SMTP_CLIENT_STARTTLS] = BLAST_LATENCY_starttls,
};

static void on_end(struct blast_client *c, struct blast_session *s)
{
    struct blast_step_tally *step = blast_session_step(c, s);

    s->body = false;
    if (step && !s->manner)
        log_histogram_add(&step->end, blast_client_since(c, s->since));
}

/* Whether the server was expected to refuse recipient `index` of the message. */
static bool is_rejected(const struct blast_client *c, const struct blast_session *s, uint32_t index)
{
    return c->order->rejected &&
           c->order->rejected[blast_ledger_first(c->order, s->number) + index];
}

static void on_rcpt(struct blast_client *c, struct blast_session *s,
                    const struct smtp_client_action *a)
{
    struct blast_counts *counts = &c->tally->counts;
    bool good = a->code < 300, rejected = is_rejected(c, s, a->index);

    if (good)
        s->good |= a->index < 32 ? 1u << a->index : 0;
    counts->recipients_refused += !good && !rejected;
    counts->recipients_rejected += !good && rejected;
    counts->recipients_wrong += good && rejected;
}

/* All of its recipients were to be refused, or the message itself. */
static bool was_to_be_refused(const struct blast_client *c, const struct blast_session *s,
                              uint32_t code)
{
    const struct blast_order *o = c->order;

    if (o->reject_code)
        return code == o->reject_code;
    for (uint32_t i = 0; i < o->recipients; i++)
        if (!is_rejected(c, s, i))
            return false;
    return true;
}

/* Whether the reply is a refusal that was expected. */
static bool is_expected(const struct blast_client *c, const struct blast_session *s,
                        const struct smtp_client_action *a)
{
    bool of_all = a->step == SMTP_CLIENT_DATA && !s->good;

    /* DATA said in the same group is refused because all recipients were. */
    if (of_all)
        return was_to_be_refused(c, s, c->order->reject_code);
    return a->code == c->order->reject_code ||
           (a->step == SMTP_CLIENT_RCPT && is_rejected(c, s, a->index));
}

/* False: the session is gone, or the machine has nothing to say before the handshake's end. */
static bool on_reply(struct blast_client *c, struct blast_session *s,
                     const struct smtp_client_action *a)
{
    if (a->code >= 400 && !is_expected(c, s, a))
        c->tally->refused[a->step][a->code]++;
    if (a->step == SMTP_CLIENT_STEPS)
        return true;
    blast_session_measure(c, s, latencies[a->step], s->since);
    if (a->step == SMTP_CLIENT_RCPT)
        on_rcpt(c, s, a);
    else if (a->step == SMTP_CLIENT_END)
        on_end(c, s);
    if (a->step != SMTP_CLIENT_STARTTLS)
        return true;
    if (a->code < 300)
        blast_tls_begin(c, s);
    else
        blast_tls_fail(c, s, "STARTTLS is refused");
    return false;
}

static void on_done(struct blast_client *c, struct blast_session *s,
                    const struct smtp_client_action *a)
{
    struct blast_counts *counts = &c->tally->counts;
    struct blast_step_tally *step = blast_session_step(c, s);

    if (step && (a->accepted || !was_to_be_refused(c, s, a->code)))
        ++*(a->accepted ? &step->messages : &step->refused);
    if (a->accepted) {
        counts->messages_accepted++;
        counts->messages_wrong += c->order->reject_code != 0;
        counts->recipients_accepted += a->accepted;
        counts->bytes_accepted += s->mail.size;
        if (c->shared->ledger)
            blast_ledger_accepted(c->shared->ledger, s->number, (uint8_t)s->good);
    } else {
        ++*(was_to_be_refused(c, s, a->code) ? &counts->messages_rejected
                                             : &counts->messages_refused);
        if (c->shared->ledger && s->sent)
            blast_ledger_refused(c->shared->ledger, s->number);
    }
    s->body = s->sent = false;
    s->left--;
    s->number += c->order->workers;
}

/* False: the session is over, or has nothing more to do now. */
static bool act(struct blast_client *c, struct blast_session *s, const struct smtp_client_action *a)
{
    uint8_t *line;

    switch (a->kind) {
    case SMTP_CLIENT_ACTION_MORE:
        return false;
    case SMTP_CLIENT_ACTION_BUFFER:
        line = blast_session_line(c, s);
        if (line)
            smtp_client_attach(&s->smtp, line);
        return line;
    case SMTP_CLIENT_ACTION_ROOM:
        return blast_session_flush(c, s);
    case SMTP_CLIENT_ACTION_REPLY:
        return on_reply(c, s, a);
    case SMTP_CLIENT_ACTION_READY:
        on_ready(c, s);
        return s->conn && !s->stands;
    case SMTP_CLIENT_ACTION_BODY:
        return send_message(c, s, a->chunk);
    case SMTP_CLIENT_ACTION_DONE:
        on_done(c, s, a);
        return true;
    case SMTP_CLIENT_ACTION_CLOSE:
        if (a->fault == SMTP_CLIENT_FAULT_none) {
            blast_session_leave(c, s);
        } else {
            c->tally->smtp_faults[a->fault]++;
            blast_session_fail(c, s, &c->tally->counts.sessions_broken);
        }
        return false;
    }
    return false;
}

static bool step(struct blast_client *c, struct blast_session *s, struct span *in)
{
    struct smtp_client_action a;

    smtp_client_next(&s->smtp, in, &c->scratch, &a);
    return act(c, s, &a);
}

void blast_smtp_run(struct blast_client *c, struct blast_session *s)
{
    /* The final dot counts as sent with the turn in which its last byte leaves first. */
    if (s->body && tcp_unsent(s->conn))
        s->since = c->now;
    if (s->secure && s->rest.len && !s->ticks && !send_rest(c, s))
        return;
    blast_session_read(c, s, step);
}
