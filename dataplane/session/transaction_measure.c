/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

#include "dataplane/handoff/window_table.h"

enum { KEY_VALUE = 512 }; /* bytes of a value that tell it from others */

bool transaction_measure_begin(struct sessions *ss, struct transaction *tx)
{
    void *memory;

    if (!tx->match || !rule_set_counts(tx->rules->set, RULE_COUNTER_BODY_HASH))
        return true;
    /* Which bodies are equal is no secret, and who makes unequal ones that count as one has his own
     * mail counted more. */
    memory = transaction_memory(ss, tx, BODY_HASH_SIZE);
    tx->measure.hash = memory ? body_hash_init(memory) : NULL;
    return memory;
}

void transaction_count(struct sessions *ss, struct transaction *tx, enum rule_counter what,
                       struct span value)
{
    struct window_table *windows = ss->settings.limits.windows;

    if (!tx->match || !windows || value.len == 0 || !rule_set_counts(tx->rules->set, what))
        return;
    for (size_t i = 0; i < rule_set_counters(tx->rules->set); i++) {
        const struct rule_set_counter *c = rule_set_counter(tx->rules->set, i);
        uint8_t text[8 + KEY_VALUE];
        struct writer key = writer_of(text, sizeof(text));

        if (c->what != what)
            continue;
        writer_uint(&key, what, 4);
        writer_uint(&key, c->within_ms, 4);
        writer_span_put(&key, span_head(value, KEY_VALUE));
        rule_match_counted(tx->match, i,
                           window_table_add(windows, WINDOW_RULE, writer_span(&key),
                                            ss->time.now / 1000, c->within_ms, 1));
    }
    transaction_stamp(ss, STAGE_rules);
}

void transaction_measure_part(struct transaction *tx, const struct mime_part *part)
{
    struct transaction_measure *m = &tx->measure;

    m->parts++;
    m->leaf = 0;
    m->scheme = 0;
    m->text = part->kind == MIME_LEAF && span_equal_nocase(part->type, span_text("text"));
    m->attachment = part->kind == MIME_LEAF && (!m->text || part->filename.len);
    m->attachments += m->attachment;
}

/* Links are counted by the "://" in them, which may come in pieces. */
static void count_links(struct transaction_measure *m, struct span bytes)
{
    static const char sign[] = "://";

    while (bytes.len) {
        if (m->scheme == 0) {
            ptrdiff_t colon = span_find(bytes, ':');

            if (colon < 0)
                return;
            bytes = span_skip(bytes, (size_t)colon + 1);
            m->scheme = 1;
        } else if (bytes.data[0] != (uint8_t)sign[m->scheme]) {
            m->scheme = 0;
        } else {
            bytes = span_skip(bytes, 1);
            m->links += ++m->scheme == 3;
            m->scheme %= 3;
        }
    }
}

void transaction_measure_data(struct transaction *tx, struct span bytes)
{
    struct transaction_measure *m = &tx->measure;

    m->leaf += bytes.len;
    if (!tx->match)
        return;
    if (m->text && rule_set_wants(tx->rules->set, RULE_NUMBER_LINKS))
        count_links(m, bytes);
    if (m->hash && bytes.len) {
        body_hash_feed(m->hash, bytes);
        m->hashed = true;
    }
}

void transaction_measure_part_end(struct transaction *tx)
{
    struct transaction_measure *m = &tx->measure;

    if (m->text)
        m->body += m->leaf;
    if (m->attachment && tx->match)
        rule_match_number(tx->match, RULE_NUMBER_ATTACHMENT_SIZE, m->leaf);
    /* The end of a multipart, which may follow, is no leaf's. */
    m->text = m->attachment = false;
}

static uint32_t accepted_recipients(const struct transaction *tx)
{
    const struct record_message *r = &tx->record->message;
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->recipient_count; i++)
        count += r->recipients[i].code / 100 == 2;
    return count;
}

void transaction_measure_recipients(struct transaction *tx)
{
    rule_match_number(tx->match, RULE_NUMBER_RECIPIENTS, accepted_recipients(tx));
}

void transaction_measure_header(struct sessions *ss, struct transaction *tx)
{
    if (!tx->match)
        return;
    rule_match_number(tx->match, RULE_NUMBER_RECEIVED, tx->received);
    rule_match_number(tx->match, RULE_NUMBER_HEADER_FIELDS, tx->measure.header_fields);
    transaction_count(ss, tx, RULE_COUNTER_MESSAGE_ID, tx->message_id);
    transaction_count(ss, tx, RULE_COUNTER_SUBJECT, tx->subject);
}

void transaction_measure_end(struct sessions *ss, struct transaction *tx)
{
    const struct transaction_measure *m = &tx->measure;
    uint64_t hash;

    if (!tx->match)
        return;
    rule_match_number(tx->match, RULE_NUMBER_PARTS, m->parts);
    rule_match_number(tx->match, RULE_NUMBER_ATTACHMENTS, m->attachments);
    rule_match_number(tx->match, RULE_NUMBER_LINKS, m->links);
    rule_match_number(tx->match, RULE_NUMBER_BODY_SIZE, m->body);
    rule_match_number(tx->match, RULE_NUMBER_MESSAGE_SIZE, tx->message.size);
    /* All empty bodies are equal, and say nothing. */
    if (!m->hashed)
        return;
    hash = body_hash_result(m->hash);
    transaction_count(ss, tx, RULE_COUNTER_BODY_HASH, span_of(&hash, sizeof(hash)));
}
