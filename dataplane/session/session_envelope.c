/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/recipient.h"
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_directory.h"
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_greylist.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_sender.h"

#include "dataplane/session/transaction_submission.h"

void session_envelope_helo(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    bool ok = session_name_set(ss, s, a->name);

    s->esmtp = a->esmtp;
    smtp_server_answer(&s->smtp, ok ? SMTP_REPLY_OK : SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0));
}

/* The path as spelled, without angle brackets and source route. */
static struct span spelled(const struct address *path)
{
    if (path->domain.len == 0)
        return path->local;
    return span_between(path->local.data, path->domain.data + path->domain.len);
}

enum rule_status session_envelope_value(struct transaction *tx, enum rule_scope scope,
                                        struct span bytes)
{
    return tx->match && rule_set_uses(tx->rules->set, scope)
               ? rule_match_value(tx->match, scope, bytes)
               : RULE_OK;
}

/* What is known at MAIL goes to the rules. What they refuse is refused at RCPT: of postmasters and
 * abuse nobody knows yet whether they are meant. */
enum smtp_reply_id session_envelope_sender(struct sessions *ss, struct session *s,
                                           struct transaction *tx)
{
    uint8_t text[IP_ADDRESS_TEXT];
    struct writer ip = writer_of(text, sizeof(text));
    enum rule_status status;

    if (!tx->match)
        return SMTP_REPLY_NONE;
    ip_address_put(&ip, &tx->message.envelope.client);
    status = session_envelope_value(tx, RULE_SCOPE_CLIENT_IP, writer_span(&ip));
    if (status == RULE_OK)
        status = session_envelope_value(tx, RULE_SCOPE_CLIENT_NAME, session_peer_name(s));
    if (status == RULE_OK)
        status = session_envelope_value(tx, RULE_SCOPE_HELO, session_name(s));
    if (status == RULE_OK && s->early)
        status = session_envelope_value(tx, RULE_SCOPE_ANOMALY, span_text("pregreet"));
    if (status == RULE_OK)
        status = session_envelope_value(tx, RULE_SCOPE_MAIL_FROM, tx->message.envelope.sender);
    if (status != RULE_OK)
        return SMTP_REPLY_NO_RESOURCES;
    transaction_count(ss, tx, RULE_COUNTER_CLIENT_IP,
                      span_of(&tx->message.envelope.client, sizeof(struct ip_address)));
    transaction_count(ss, tx, RULE_COUNTER_MAIL_FROM, tx->message.envelope.sender);
    rule_match_verdict(tx->match, RULE_STAGE_MAIL, NULL, &tx->verdict);
    transaction_stamp(ss, STAGE_rules);
    tx->sender_row = (uint8_t)transaction_refusal(tx->verdict.action);
    tx->sender_text = tx->verdict.text;
    return SMTP_REPLY_NONE;
}

static enum smtp_reply_id no_chunk(struct sessions *ss)
{
    ss->counters->chunks_refused++;
    return SMTP_REPLY_NO_RESOURCES;
}

/* Who has logged in sends as itself; the null sender is of reports, which clients send too (RFC
 * 8098 section 3). */
static enum smtp_reply_id begin_submission(struct sessions *ss, struct session *s,
                                           struct transaction *tx, const struct address *sender)
{
    uint64_t account = session_auth_account(s);
    enum smtp_reply_id row = SMTP_REPLY_NONE;

    if (!account)
        return SMTP_REPLY_NONE;
    if (sender->kind != ADDRESS_NULL)
        row = session_sender_check(ss, account, sender, SMTP_REPLY_SENDER_NOT_YOURS);
    if (row != SMTP_REPLY_NONE)
        return row;
    return transaction_submission_begin(ss, tx, account) ? SMTP_REPLY_NONE : no_chunk(ss);
}

/* `row`: what is known against the sender. */
static void conclude_mail(struct sessions *ss, struct session *s, const struct address *path,
                          enum smtp_reply_id row)
{
    struct transaction *tx = s->tx;
    struct submission_path memory;

    if (row == SMTP_REPLY_NONE)
        row = session_limit_mail(ss, s, tx, path);
    path = transaction_submission_path(ss, tx, ADDRESS_MAP_ENVELOPE_SENDER, path, &memory);
    /* Without memory for it the sender would read as <>. */
    if (!transaction_copy(ss, tx, spelled(path), &tx->message.envelope.sender))
        row = no_chunk(ss);
    if (row == SMTP_REPLY_NONE)
        row = session_envelope_sender(ss, s, tx);
    if (row == SMTP_REPLY_NONE) {
        smtp_server_answer(&s->smtp, SMTP_REPLY_OK, span_of(NULL, 0));
        return;
    }
    /* The machine opens no transaction, so there will be no RESET: the reply ends this one. */
    tx->step = TRANSACTION_REFUSED;
    tx->reply = (uint8_t)row;
    tx->reply_text = tx->verdict.text;
    smtp_server_answer(&s->smtp, row, tx->reply_text);
}

void session_envelope_mail_known(struct sessions *ss, struct session *s, bool known)
{
    conclude_mail(ss, s, &s->tx->asked,
                  known ? begin_submission(ss, s, s->tx, &s->tx->asked)
                        : SMTP_REPLY_DIRECTORY_AWAY);
}

void session_envelope_mail(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    enum smtp_reply_id row = SMTP_REPLY_TOO_MANY_MESSAGES;
    struct transaction *tx =
        s->messages < ss->settings.messages_max ? transaction_begin(ss, s, &row) : NULL;

    if (!tx) {
        smtp_server_answer(&s->smtp, row, span_of(NULL, 0));
        return;
    }
    s->tx = tx;
    tx->message.envelope.body = a->body;
    tx->message.envelope.smtputf8 = a->smtputf8;
    tx->message.envelope.require_tls = a->require_tls;
    tx->record->message.smtputf8 = a->smtputf8;
    tx->prdr = a->prdr;
    tx->declared = a->size;
    row = begin_submission(ss, s, tx, &a->path);
    if (row != SMTP_REPLY_DIRECTORY_AWAY ||
        !session_directory_ask(ss, s, &a->path, session_auth_account(s), SESSION_DIRECTORY_MAIL))
        conclude_mail(ss, s, &a->path, row);
}

/* The mildest of what the rules say of the accounts that an address leads to: it is refused only
 * for all. */
static void judge_accounts(struct transaction *tx, const struct directory_entry *entry,
                           struct rule_verdict *verdict_out)
{
    *verdict_out = (struct rule_verdict){.rule = RULE_NONE};
    for (uint32_t i = 0; i < entry->account_count; i++) {
        struct rule_policy policy = recipient_policy(tx, &entry->accounts[i]);
        struct rule_verdict verdict;

        rule_match_verdict(tx->match, RULE_STAGE_RCPT, &policy, &verdict);
        if (i == 0 || verdict.action < verdict_out->action)
            *verdict_out = verdict;
    }
}

/* What the rules say of one recipient. Who is exempt is not refused; *spared_out: the rule that
 * would have, or RULE_NONE. */
static enum smtp_reply_id judge_recipient(struct sessions *ss, struct transaction *tx,
                                          const struct directory_entry *entry,
                                          struct span recipient, int32_t *spared_out,
                                          struct span *text_out)
{
    struct rule_verdict verdict;

    *spared_out = RULE_NONE;
    if (!tx->match)
        return SMTP_REPLY_NONE;
    if (tx->sender_row != SMTP_REPLY_NONE && !entry->exempt) {
        tx->refused = tx->verdict;
        *text_out = tx->sender_text;
        return (enum smtp_reply_id)tx->sender_row;
    }
    rule_match_mark(tx->match);
    if (session_envelope_value(tx, RULE_SCOPE_RCPT_TO, recipient) != RULE_OK) {
        rule_match_rewind(tx->match);
        return SMTP_REPLY_NO_RESOURCES;
    }
    judge_accounts(tx, entry, &verdict);
    transaction_stamp(ss, STAGE_rules);
    if (transaction_refusal(verdict.action) == SMTP_REPLY_NONE)
        return SMTP_REPLY_NONE;
    rule_match_rewind(tx->match);
    if (entry->exempt) {
        *spared_out = verdict.rule;
        return SMTP_REPLY_NONE;
    }
    tx->refused = verdict;
    *text_out = verdict.text;
    return transaction_refusal(verdict.action);
}

static enum smtp_reply_id add_recipient(struct sessions *ss, struct transaction *tx,
                                        const struct directory_entry *entry, struct span recipient,
                                        int32_t spared, struct delivery_set *set_out)
{
    struct transaction_accepted *a = &tx->accepted[tx->accepted_count];
    enum smtp_reply_id row = SMTP_REPLY_TOO_MANY_RECIPIENTS;

    if (tx->accepted_count == MESSAGE_DELIVERIES)
        return row;
    *a = (struct transaction_accepted){.row = SMTP_REPLY_NONE};
    if (!transaction_copy(ss, tx, recipient, &a->address))
        return no_chunk(ss);
    row = recipient_add(ss, tx, entry, a->address, set_out);
    if (row != SMTP_REPLY_NONE)
        return row;
    a->deliveries = *set_out;
    tx->accepted_count++;
    tx->ordinary |= !entry->exempt;
    for (uint32_t i = 0; spared != RULE_NONE && i < tx->message.deliveries; i++)
        if (delivery_set_has(set_out, i))
            tx->recipient[i].spared = spared;
    return SMTP_REPLY_NONE;
}

static void record_recipient(struct transaction *tx, struct span recipient, enum smtp_reply_id row,
                             const struct delivery_set *deliveries)
{
    struct record_message *r = &tx->record->message;

    if (r->recipient_count == MESSAGE_DELIVERIES) {
        tx->record->cut = true;
        return;
    }
    if (row == SMTP_REPLY_NONE) {
        tx->accepted[tx->accepted_count - 1].record = (uint8_t)r->recipient_count;
        tx->accepted[tx->accepted_count - 1].recorded = true;
    }
    tx->delivery_of[r->recipient_count] = *deliveries;
    r->recipients[r->recipient_count++] = (struct record_recipient){
        .address = record_put(tx->record, recipient, 128),
        .code = smtp_reply_row(row == SMTP_REPLY_NONE ? SMTP_REPLY_RCPT_OK : row)->code,
        .verdict = (uint8_t)tx->refused.action,
        .rule = transaction_rule_id(tx, tx->refused.rule)};
}

/* The end of RCPT. `row`: what is known against the recipient; the rules, if they have been asked,
 * had nothing. */
static void conclude_rcpt(struct sessions *ss, struct session *s, const struct address *path,
                          const struct directory_entry *entry, enum smtp_reply_id row,
                          int32_t spared)
{
    struct transaction *tx = s->tx;
    struct delivery_set deliveries = {{0}};

    /* Whoever it is of: postmasters too. */
    if (row == SMTP_REPLY_NONE)
        row = recipient_room(ss, tx, entry);
    if (row == SMTP_REPLY_NONE)
        row = session_limit_rcpt(ss, s, tx);
    if (row == SMTP_REPLY_NONE)
        row = add_recipient(ss, tx, entry, spelled(path), spared, &deliveries);
    /* What is refused after all must not count as a recipient with the rules. */
    if (row != SMTP_REPLY_NONE && tx->match)
        rule_match_rewind(tx->match);
    record_recipient(tx, spelled(path), row, &deliveries);
    smtp_server_answer(&s->smtp, row == SMTP_REPLY_NONE ? SMTP_REPLY_OK : row, span_of(NULL, 0));
}

/* `row`: what the directory says of the path, and where it leads. */
static void judge_rcpt(struct sessions *ss, struct session *s, const struct address *path,
                       const struct directory_entry *entry, enum smtp_reply_id row)
{
    struct transaction *tx = s->tx;
    struct span recipient = spelled(path), text = {0};
    int32_t spared = RULE_NONE;

    tx->refused = (struct rule_verdict){.rule = RULE_NONE};
    if (row == SMTP_REPLY_NONE)
        row = judge_recipient(ss, tx, entry, recipient, &spared, &text);
    if (row != SMTP_REPLY_NONE) {
        record_recipient(tx, recipient, row, &(struct delivery_set){{0}});
        smtp_server_answer(&s->smtp, row, text);
        return;
    }
    tx->asked_spared = spared;
    /* Who has logged in is no stranger. */
    if (!entry->greylist || entry->exempt || tx->submission || !session_greylist_ask(ss, s, path))
        conclude_rcpt(ss, s, path, entry, SMTP_REPLY_NONE, spared);
}

void session_envelope_rcpt(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    struct submission_path memory;
    const struct address *path =
        transaction_submission_path(ss, s->tx, ADDRESS_MAP_ENVELOPE_RECIPIENT, &a->path, &memory);
    const struct directory_entry *entry = NULL;
    enum smtp_reply_id row;

    recipient_seen(ss, s->tx);
    row = recipient_lead(ss, s->tx, path, &entry);
    if (row != SMTP_REPLY_DIRECTORY_AWAY ||
        !session_directory_ask(ss, s, path, 0, SESSION_DIRECTORY_RCPT))
        judge_rcpt(ss, s, path, entry, row);
}

void session_envelope_rcpt_known(struct sessions *ss, struct session *s, bool known)
{
    struct transaction *tx = s->tx;
    const struct directory_entry *entry = NULL;
    enum smtp_reply_id row = SMTP_REPLY_DIRECTORY_AWAY;

    if (known)
        row = recipient_lead(ss, tx, &tx->asked, &entry);
    judge_rcpt(ss, s, &tx->asked, entry, row);
}

void session_envelope_greylisted(struct sessions *ss, struct session *s, bool wait)
{
    struct transaction *tx = s->tx;
    const struct directory_entry *entry = NULL;
    /* Anew: a reload may have changed it meanwhile. */
    enum smtp_reply_id row = recipient_lead(ss, tx, &tx->asked, &entry);

    if (row == SMTP_REPLY_NONE && wait)
        row = SMTP_REPLY_GREYLISTED;
    conclude_rcpt(ss, s, &tx->asked, entry, row, tx->asked_spared);
}
