/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/delivery.h"

#include "proto/smtp/smtp_trace.h"

/* Each recipient has a place of its own in the record; where it leads to several mailboxes, the
 * strongest verdict stands there. */
static void record_verdicts(struct transaction *tx)
{
    struct record_message *r = &tx->record->message;

    for (uint32_t k = 0; k < r->recipient_count; k++)
        for (uint32_t i = 0; i < tx->message.deliveries; i++) {
            struct record_recipient *told = &r->recipients[k];
            const struct transaction_recipient *judged = &tx->recipient[i];

            if (!delivery_set_has(&tx->delivery_of[k], i) || judged->verdict < told->verdict ||
                (judged->verdict == told->verdict && told->rule.len))
                continue;
            told->verdict = judged->verdict;
            told->rule = transaction_rule_id(tx, judged->rule);
        }
}

/* Mail to postmasters and abuse alone goes to quarantine where other mail is refused: they hear of
 * trouble by mail. */
static void spare(const struct transaction *tx, int32_t spared, struct rule_verdict *verdict)
{
    if (transaction_exempt(tx) && verdict->action > RULE_ACTION_QUARANTINE)
        verdict->action = RULE_ACTION_QUARANTINE;
    if (spared != RULE_NONE && verdict->action < RULE_ACTION_QUARANTINE) {
        verdict->action = RULE_ACTION_QUARANTINE;
        verdict->rule = spared;
    }
}

enum smtp_reply_id delivery_judge(struct sessions *ss, struct transaction *tx,
                                  struct span *text_out)
{
    uint32_t refused = 0, deferred = 0;
    struct rule_verdict verdict = {.rule = RULE_NONE};

    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        if (tx->match)
            rule_match_verdict(tx->match, RULE_STAGE_FINAL_DOT, &tx->recipient[i].policy, &verdict);
        spare(tx, tx->recipient[i].spared, &verdict);
        tx->recipient[i].verdict = (uint8_t)verdict.action;
        tx->recipient[i].rule = verdict.rule;
        refused += verdict.action == RULE_ACTION_REJECT || verdict.action == RULE_ACTION_DEFER ||
                   tx->recipient[i].looping;
        deferred += verdict.action == RULE_ACTION_DEFER;
        if (i == 0 || verdict.action > tx->verdict.action)
            tx->verdict = verdict;
    }
    record_verdicts(tx);
    transaction_stamp(ss, STAGE_rules);
    if (refused < tx->message.deliveries)
        return SMTP_REPLY_NONE;
    *text_out = tx->verdict.text;
    return deferred ? SMTP_REPLY_RULE_DEFERRED : SMTP_REPLY_RULE_REJECTED;
}

static uint8_t place_of(const struct transaction *tx, uint32_t delivery)
{
    uint8_t verdict = tx->recipient[delivery].verdict;

    /* A loop must end here, and one reply serves all: the copy is kept where it goes no further. */
    return tx->recipient[delivery].looping || verdict == RULE_ACTION_QUARANTINE ||
                   verdict == RULE_ACTION_DEFER || verdict == RULE_ACTION_REJECT
               ? MESSAGE_QUARANTINE
               : MESSAGE_INBOX;
}

void delivery_place(struct transaction *tx)
{
    struct record_message *r = &tx->record->message;
    struct message *m = &tx->message;
    uint32_t kept = 0;

    for (uint32_t k = 0; k < r->recipient_count; k++)
        for (uint32_t i = 0; i < m->deliveries; i++)
            if (delivery_set_has(&tx->delivery_of[k], i) && place_of(tx, i) == MESSAGE_QUARANTINE)
                r->recipients[k].place = MESSAGE_QUARANTINE;
    for (uint32_t i = 0; i < m->deliveries; i++) {
        if (tx->recipient[i].verdict == RULE_ACTION_DISCARD)
            continue;
        m->delivery[kept] = m->delivery[i];
        m->delivery[kept++].place = place_of(tx, i);
    }
    m->deliveries = kept;
}

static void write_tags(struct transaction *tx, struct writer *w)
{
    uint32_t hits[RECORD_RULES];
    size_t n = rule_match_hits(tx->match, hits, RECORD_RULES);

    for (size_t i = 0; i < n && i < RECORD_RULES; i++) {
        const struct rule *rule = rule_set_rule(tx->rules->set, hits[i]);

        if (rule->action != RULE_ACTION_TAG || rule->shadow)
            continue;
        writer_text(w, "X-Wirepost-Rule: ");
        writer_span_put(w, rule->id);
        writer_text(w, "\r\n");
    }
}

/* The header fields in front of one delivery. False: no memory. */
static bool write_prefix(struct sessions *ss, struct session *s, struct message_delivery *d)
{
    enum { SIZE = SMTP_TRACE_MAX + RECORD_RULES * (RULE_ID_MAX + 19) };
    struct transaction *tx = s->tx;
    uint8_t id_text[ID128_TEXT], text[SIZE];
    struct writer id = writer_of(id_text, sizeof(id_text)), w = writer_of(text, sizeof(text));

    id128_put(&id, &tx->message.id);
    smtp_trace_put(&w,
                   &(struct smtp_trace){.sender = tx->message.envelope.sender,
                                        .recipient = d->recipient,
                                        .mailbox = d->mailbox,
                                        .only_recipient = tx->record->message.recipient_count == 1,
                                        .helo = tx->message.envelope.helo,
                                        .client = tx->message.envelope.client,
                                        .hostname = ss->smtp_options.hostname,
                                        .esmtp = s->esmtp,
                                        .id = writer_span(&id),
                                        .wall_seconds = ss->time.wall_ms / 1000});
    if (tx->match)
        write_tags(tx, &w);
    return !w.full && transaction_copy(ss, tx, writer_span(&w), &d->prefix);
}

void delivery_count(struct sessions *ss, const struct transaction *tx)
{
    const struct message *m = &tx->message;

    for (uint32_t i = 0; i < m->deliveries; i++) {
        if (m->delivery[i].place == MESSAGE_QUARANTINE)
            ss->counters->deliveries_quarantine++;
        else
            ss->counters->deliveries_inbox++;
    }
}

bool delivery_prefixes(struct sessions *ss, struct session *s)
{
    struct message *m = &s->tx->message;

    for (uint32_t i = 0; i < m->deliveries; i++)
        if (!write_prefix(ss, s, &m->delivery[i]))
            return false;
    return true;
}
