/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/delivery.h"

#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_tls.h"
#include "dataplane/session/transaction_submission.h"
#include "proto/smtp/smtp_trace.h"

/* All fields that rules add to a message, and the subject. */
enum { TAGS_ROOM = 4096, SUBJECT_ROOM = SUBJECT_MAX + RULE_SUBJECT_TAG_MAX + 16 };

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

static bool refuses(enum rule_action action)
{
    return action == RULE_ACTION_REJECT || action == RULE_ACTION_DEFER;
}

enum smtp_reply_id delivery_judge_early(struct sessions *ss, struct transaction *tx,
                                        enum rule_stage stage, struct span *text_out)
{
    struct rule_verdict verdict, strongest = {.rule = RULE_NONE};
    bool deferred = false;

    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        rule_match_verdict(tx->match, stage, &tx->recipient[i].policy, &verdict);
        if (!refuses(verdict.action))
            return SMTP_REPLY_NONE;
        deferred |= verdict.action == RULE_ACTION_DEFER;
        if (verdict.action > strongest.action)
            strongest = verdict;
    }
    transaction_stamp(ss, STAGE_rules);
    if (transaction_exempt(tx) || tx->message.deliveries == 0)
        return SMTP_REPLY_NONE;
    tx->verdict = strongest;
    *text_out = strongest.text;
    return deferred ? SMTP_REPLY_RULE_DEFERRED : SMTP_REPLY_RULE_REJECTED;
}

enum smtp_reply_id delivery_judge_data(struct sessions *ss, struct transaction *tx,
                                       struct span *text_out)
{
    enum smtp_reply_id row;

    if (!tx->match)
        return SMTP_REPLY_NONE;
    rule_match_mark(tx->match);
    transaction_measure_recipients(tx);
    row = delivery_judge_early(ss, tx, RULE_STAGE_DATA, text_out);
    if (row != SMTP_REPLY_NONE)
        rule_match_rewind(tx->match);
    return row;
}

/* The verdict for one delivery. True: it refuses. */
static bool judge_one(struct transaction *tx, uint32_t i)
{
    struct transaction_recipient *r = &tx->recipient[i];
    struct rule_verdict verdict = {.rule = RULE_NONE};

    if (tx->match)
        rule_match_verdict(tx->match, RULE_STAGE_FINAL_DOT, &r->policy, &verdict);
    spare(tx, r->spared, &verdict);
    r->verdict = (uint8_t)verdict.action;
    r->rule = verdict.rule;
    r->by_score = verdict.by_score;
    r->text = refuses(verdict.action) ? verdict.text : span_of(NULL, 0);
    if (i == 0 || verdict.action > tx->verdict.action)
        tx->verdict = verdict;
    return refuses(verdict.action);
}

static bool turns_away(const struct transaction_recipient *r)
{
    return refuses((enum rule_action)r->verdict) || r->looping;
}

/* With PRDR: the row that refuses the message for a recipient, when each of its mailboxes does. */
static void judge_accepted(const struct transaction *tx, struct transaction_accepted *a)
{
    bool all = true, defer = false, loop = false;

    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        const struct transaction_recipient *r = &tx->recipient[i];

        if (!delivery_set_has(&a->deliveries, i))
            continue;
        all = all && turns_away(r);
        defer |= r->verdict == RULE_ACTION_DEFER;
        loop |= r->looping;
        if (refuses((enum rule_action)r->verdict))
            a->text = r->text;
    }
    if (!all)
        a->text = span_of(NULL, 0);
    else
        a->row = defer  ? SMTP_REPLY_RULE_DEFERRED
                 : loop ? SMTP_REPLY_LOOP
                        : SMTP_REPLY_RULE_REJECTED;
}

/* With PRDR who refuses it gets no copy: somebody was told so. */
static bool is_refused(const struct transaction *tx, uint32_t delivery)
{
    bool refused = tx->prdr;

    for (uint32_t k = 0; k < tx->accepted_count && refused; k++)
        refused = !delivery_set_has(&tx->accepted[k].deliveries, delivery) ||
                  tx->accepted[k].row != SMTP_REPLY_NONE;
    return refused;
}

enum smtp_reply_id delivery_judge(struct sessions *ss, struct transaction *tx,
                                  struct span *text_out)
{
    uint32_t refused = 0, deferred = 0;

    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        refused += judge_one(tx, i) || tx->recipient[i].looping;
        deferred += tx->recipient[i].verdict == RULE_ACTION_DEFER;
    }
    for (uint32_t k = 0; k < tx->accepted_count && tx->prdr; k++)
        judge_accepted(tx, &tx->accepted[k]);
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

/* What a rule holds back may be kept where its owner sees it: in the mailbox for junk. Not what
 * goes to other servers: the queue has none. */
static void divert(struct sessions *ss, struct transaction *tx, uint32_t delivery,
                   struct message_delivery *d)
{
    struct span name = span_text(ss->settings.junk_name);

    d->junk = false;
    if (!ss->settings.junk || d->place != MESSAGE_QUARANTINE ||
        tx->recipient[delivery].looping || tx->recipient[delivery].forwarded || !d->mailbox.len)
        return;
    /* A copy: the settings may be replaced before control has read it. Without memory for it the
     * quarantine keeps the message. */
    if (name.len && !transaction_copy(ss, tx, name, &name))
        return;
    d->place = MESSAGE_INBOX;
    d->junk = true;
    d->folder = name;
    d->make = name.len > 0;
}

static uint8_t told_of(const struct message_delivery *d)
{
    return d->junk ? RECORD_PLACE_JUNK : d->place;
}

void delivery_place(struct sessions *ss, struct transaction *tx)
{
    struct record_message *r = &tx->record->message;
    struct message *m = &tx->message;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < m->deliveries; i++) {
        m->delivery[i].place = place_of(tx, i);
        divert(ss, tx, i, &m->delivery[i]);
    }
    for (uint32_t k = 0; k < r->recipient_count; k++)
        for (uint32_t i = 0; i < m->deliveries; i++)
            if (delivery_set_has(&tx->delivery_of[k], i) && !is_refused(tx, i) &&
                told_of(&m->delivery[i]) != MESSAGE_INBOX)
                r->recipients[k].place = told_of(&m->delivery[i]);
    for (uint32_t i = 0; i < m->deliveries; i++) {
        if (tx->recipient[i].verdict == RULE_ACTION_DISCARD || is_refused(tx, i))
            continue;
        m->delivery[kept] = m->delivery[i];
        tx->kept_from[kept++] = (uint8_t)i;
    }
    m->deliveries = kept;
}

/* A whole field or, where it does not fit, nothing. */
static void write_field(struct sessions *ss, struct writer *w, struct span field)
{
    if (writer_room(w) < field.len + 2 + SUBJECT_ROOM) {
        ss->counters->tags_left_out++;
        return;
    }
    writer_span_put(w, field);
    writer_text(w, "\r\n");
}

/* What the rules that hit for this recipient put in front. */
static void write_tags(struct sessions *ss, struct transaction *tx, uint32_t recipient,
                       struct writer *w)
{
    const struct rule_set *set = tx->rules->set;

    for (size_t r = rule_match_next(tx->match, 0); r < rule_set_count(set);
         r = rule_match_next(tx->match, r + 1)) {
        const struct rule *rule = rule_set_rule(set, r);
        uint8_t text[RULE_ID_MAX + 20];
        struct writer field = writer_of(text, sizeof(text));

        if (rule->shadow || !rule_match_applies(tx->match, r, &tx->recipient[recipient].policy))
            continue;
        writer_text(&field, "X-Wirepost-Rule: ");
        writer_span_put(&field, rule->id);
        if (rule->action == RULE_ACTION_TAG)
            write_field(ss, w, writer_span(&field));
        for (size_t i = 0; i < rule->tag.field_count; i++)
            write_field(ss, w, rule->tag.fields[i]);
    }
}

/* Who the message came for: where it is forwarded to is nobody's business but the queue's. */
static struct span came_for(const struct transaction *tx, const struct message_delivery *d,
                            bool forwarded)
{
    return forwarded && tx->accepted_count ? tx->accepted[0].address : d->recipient;
}

/* The header fields in front of one delivery. False: no memory. */
static bool write_prefix(struct sessions *ss, struct session *s, uint32_t index)
{
    enum { SIZE = SMTP_TRACE_MAX + SUBMISSION_ROOM + TAGS_ROOM + SUBJECT_ROOM };
    struct transaction *tx = s->tx;
    struct message_delivery *d = &tx->message.delivery[index];
    bool forwarded = tx->recipient[tx->kept_from[index]].forwarded;
    uint8_t id_text[ID128_TEXT], text[SIZE];
    struct writer id = writer_of(id_text, sizeof(id_text)), w = writer_of(text, sizeof(text));

    id128_put(&id, &tx->message.id);
    smtp_trace_put(&w,
                   &(struct smtp_trace){.sender = tx->message.envelope.sender,
                                        .recipient = came_for(tx, d, forwarded),
                                        .mailbox = d->mailbox,
                                        .forwarded = forwarded,
                                        .only_recipient = tx->record->message.recipient_count == 1,
                                        .helo = tx->message.envelope.helo,
                                        .client = tx->message.envelope.client,
                                        .hidden = tx->submission && ss->settings.submission_privacy,
                                        .client_name = session_peer_name(s),
                                        .hostname = ss->smtp_options.hostname,
                                        .esmtp = s->esmtp,
                                        .smtputf8 = tx->message.envelope.smtputf8,
                                        .authenticated = tx->message.envelope.authenticated.len > 0,
                                        .tls_version = session_tls_version(s),
                                        .tls_suite = session_tls_suite(s),
                                        .id = writer_span(&id),
                                        .wall_seconds = ss->time.wall_ms / 1000});
    if (tx->submission)
        transaction_submission_put(ss, tx, &w);
    if (tx->match)
        write_tags(ss, tx, tx->kept_from[index], &w);
    transaction_subject_put(tx, tx->kept_from[index], &w);
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
        ss->counters->deliveries_forwarded += tx->recipient[tx->kept_from[i]].forwarded;
    }
}

bool delivery_prefixes(struct sessions *ss, struct session *s)
{
    struct message *m = &s->tx->message;

    for (uint32_t i = 0; i < m->deliveries; i++)
        if (!write_prefix(ss, s, i))
            return false;
    return true;
}
