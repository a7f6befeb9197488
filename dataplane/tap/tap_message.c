/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_more.h"
#include "dataplane/tap/tap_flow.h"

/*
 * A message between two others goes through the transaction that serve has for its own: the same
 * MIME reader, rules and record. It is kept nowhere, has no deliveries, and nobody is answered.
 *
 * As nobody waits for an answer, the bytes of several segments are read together: decoding, hashes
 * and rules take turns a few times less often, and each finds its tables in cache. What they say
 * does not depend on where the bytes were cut.
 */
enum { GATHERED_MAX = 32768 };

static void rules_failed(struct tap_message *m, enum rule_status status)
{
    if (status != RULE_OK)
        m->failed = true;
}

static void fill_peer(struct tap_flow *f, struct transaction *tx)
{
    struct record_peer peer = {.client = f->facts.client,
                               .server = f->facts.server,
                               .client_port = f->facts.client_port,
                               .server_port = f->facts.server_port};

    tx->record->message.role = RECORD_TAP;
    tx->record->message.peer = peer;
    tx->message.envelope.client = peer.client;
    tx->message.envelope.client_port = peer.client_port;
}

void tap_message_open(struct tap *t, struct tap_flow *f, struct tap_message *m, struct span sender,
                      bool smtputf8)
{
    enum smtp_reply_id row;
    struct transaction *tx;

    tap_message_drop(t, f, m);
    *m = (struct tap_message){.whole = true};
    tx = transaction_begin(t->ss, &f->s, &row);
    transaction_stamp_off(t->ss);
    if (!tx) {
        t->messages_unread++;
        return;
    }
    fill_peer(f, tx);
    tx->record->message.smtputf8 = tx->message.envelope.smtputf8 = smtputf8;
    m->tx = tx;
    if (!transaction_copy(t->ss, tx, sender, &tx->message.envelope.sender) ||
        session_envelope_sender(t->ss, &f->s, tx) != SMTP_REPLY_NONE)
        m->failed = true;
}

void tap_message_recipient(struct tap *t, struct tap_flow *f, struct span address)
{
    struct transaction *tx = f->message.tx;
    struct record_message *m;

    if (!tx)
        return;
    m = &tx->record->message;
    if (m->recipient_count == MESSAGE_DELIVERIES) {
        tx->record->cut = true;
        return;
    }
    m->recipients[m->recipient_count++] =
        (struct record_recipient){.address = record_put(tx->record, address, 128)};
}

static void give_recipient(struct tap_message *m, const struct record_recipient *r)
{
    struct transaction *tx = m->tx;

    rules_failed(m, session_envelope_value(tx, RULE_SCOPE_RCPT_TO,
                                           record_text_span(tx->record, r->address)));
}

static void read_bytes(struct tap *t, struct tap_message *m, struct span bytes)
{
    struct span unused;

    /* As in serve: what refuses the message there ends its reading here too. */
    if (!m->tx || m->failed || bytes.len == 0)
        return;
    m->tx->message.size += bytes.len;
    m->failed = transaction_content_feed(t->ss, m->tx, bytes, &unused) != SMTP_REPLY_NONE;
}

static void read_gathered(struct tap *t, struct tap_message *m)
{
    struct chunk *c = m->gathered;

    if (!c)
        return;
    read_bytes(t, m, span_of(c->data, c->len));
    c->len = 0;
}

static void gather(struct tap *t, struct tap_message *m, struct span bytes)
{
    struct chunk *c = m->gathered;

    if (!c)
        c = m->gathered = chunk_take(t->pool, CHUNK_LARGE);
    if (c && c->len + bytes.len > GATHERED_MAX)
        read_gathered(t, m);
    if (!c || bytes.len > GATHERED_MAX) {
        read_bytes(t, m, bytes);
        return;
    }
    memcpy(c->data + c->len, bytes.data, bytes.len);
    c->len += (uint32_t)bytes.len;
}

static void give_gathered(struct tap *t, struct tap_message *m)
{
    chunk_give(t->pool, m->gathered);
    m->gathered = NULL;
}

void tap_message_answer(struct tap *t, struct tap_flow *f, uint16_t index, uint16_t code)
{
    struct transaction *tx = f->message.tx;

    if (!tx || index >= tx->record->message.recipient_count)
        return;
    read_gathered(t, &f->message);
    tx->record->message.recipients[index].code = code;
    if (code / 100 == 2)
        give_recipient(&f->message, &tx->record->message.recipients[index]);
}

void tap_message_begin(struct tap *t, struct tap_flow *f, struct tap_message *m)
{
    if (!m->tx)
        tap_message_open(t, f, m, span_of(NULL, 0), false);
    m->begun = true;
    if (t->source->message_begin)
        m->raw = t->source->message_begin(t->source->context);
}

void tap_message_bytes(struct tap *t, struct tap_message *m, struct span bytes)
{
    if (m->raw)
        t->source->message_bytes(m->raw, bytes);
    if (m->tx && !m->failed)
        gather(t, m, bytes);
}

/* Recipients whose answers were not seen are taken for accepted. */
static void assume_recipients(struct tap_message *m)
{
    struct record_message *r = &m->tx->record->message;

    for (uint32_t i = 0; i < r->recipient_count; i++)
        if (r->recipients[i].code == 0)
            give_recipient(m, &r->recipients[i]);
}

static void judge(struct tap *t, struct tap_message *m)
{
    struct transaction *tx = m->tx;

    read_gathered(t, m);
    assume_recipients(m);
    if (!m->failed)
        transaction_content_finish(t->ss, tx);
    if (!tx->match)
        return;
    transaction_measure_recipients(tx);
    rule_match_verdict(tx->match, RULE_STAGE_FINAL_DOT, NULL, &tx->verdict);
}

void tap_message_end(struct tap *t, struct tap_message *m)
{
    m->ended = true;
    if (m->tx)
        judge(t, m);
}

static void close_raw(struct tap *t, struct tap_message *m)
{
    if (m->raw)
        t->source->message_end(t->source->context, m->raw, m->whole && m->ended);
    m->raw = NULL;
}

void tap_message_verdict(struct tap *t, struct tap_flow *f, struct tap_message *m, uint16_t code,
                         struct span reply)
{
    struct tap_event event = {
        .kind = TAP_EVENT_MESSAGE, .whole = m->whole && m->ended, .assumed = code == 0};

    close_raw(t, m);
    give_gathered(t, m);
    if (m->tx) {
        event.message = m->tx->message.id;
        m->tx->record->message.imap.whole = event.whole;
        m->observed = (struct transaction_observed){.code = code, .reply = reply};
        m->tx->observed = &m->observed;
        transaction_end(t->ss, &f->s, m->tx);
        m->tx = NULL;
        f->messages++;
        t->messages++;
        tap_flow_say(t, f, &event);
    }
    *m = (struct tap_message){0};
}

void tap_message_forget(struct tap *t, struct tap_message *m)
{
    close_raw(t, m);
    give_gathered(t, m);
    if (m->tx)
        transaction_drop(t->ss, m->tx);
    *m = (struct tap_message){0};
}

void tap_message_drop(struct tap *t, struct tap_flow *f, struct tap_message *m)
{
    if (m->tx && m->begun) {
        m->whole = false;
        if (!m->ended)
            judge(t, m);
        tap_message_verdict(t, f, m, 0, span_of(NULL, 0));
        return;
    }
    tap_message_forget(t, m);
}
