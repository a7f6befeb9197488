/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

static const char name[] = "Subject", title[] = "X-Title";
enum { NAME = sizeof(name) - 1, LINE_MAX_OCTETS = 998 }; /* RFC 5322 section 2.1.1 */
_Static_assert(sizeof(name) == sizeof(title), "sizes and offsets stay");

void transaction_subject_begin(struct transaction *tx)
{
    tx->titles =
        (struct transaction_subject){.wanted = tx->rules && rule_set_tags_subject(tx->rules->set)};
    tx->hold = tx->titles.wanted;
}

void transaction_subject_field(struct transaction *tx, const struct mime_event *event)
{
    struct transaction_subject *t = &tx->titles;

    if (t->wanted && t->count < SUBJECTS_MAX && event->offset < CHUNK_LARGE_DATA) {
        t->at[t->count] = (uint32_t)event->offset;
        t->len[t->count] = event->field.cut ? UINT32_MAX : (uint32_t)event->field.raw.len;
    }
    t->count++;
}

/* The body's first row, which was held back, or the chunk that it is still in. */
static struct chunk *first_row(struct transaction *tx)
{
    return tx->first ? tx->first : tx->keep;
}

/* The rule that tags the subject for this recipient: of those that hit the first. */
static const struct rule *tagging(struct transaction *tx, uint32_t recipient)
{
    for (size_t r = rule_match_next(tx->match, 0); r < rule_set_count(tx->rules->set);
         r = rule_match_next(tx->match, r + 1)) {
        const struct rule *rule = rule_set_rule(tx->rules->set, r);

        if (rule->tag.subject.len && !rule->shadow &&
            rule_match_applies(tx->match, r, &tx->recipient[recipient].policy))
            return rule;
    }
    return NULL;
}

static bool may_retitle(struct transaction *tx)
{
    const struct transaction_subject *t = &tx->titles;
    const struct chunk *row = first_row(tx);

    if (!row || t->count > SUBJECTS_MAX)
        return false;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->len[i] > SUBJECT_MAX || t->len[i] < NAME || t->at[i] + t->len[i] > row->len ||
            !span_equal_nocase(span_of(row->data + t->at[i], NAME), span_text(name)))
            return false;
    return true;
}

void transaction_subject_settle(struct sessions *ss, struct transaction *tx)
{
    struct transaction_subject *t = &tx->titles;
    bool wanted = false;

    for (uint32_t i = 0; t->wanted && i < tx->message.deliveries; i++)
        wanted |= tagging(tx, tx->kept_from[i]) != NULL;
    if (!wanted)
        return;
    if (!may_retitle(tx)) {
        ss->counters->subjects_untagged++;
        return;
    }
    t->retitled = true;
    for (uint32_t i = 0; i < t->count; i++)
        memcpy(first_row(tx)->data + t->at[i], title, NAME);
}

void transaction_subject_put(struct transaction *tx, uint32_t recipient, struct writer *w)
{
    const struct transaction_subject *t = &tx->titles;
    const struct rule *rule = t->retitled ? tagging(tx, recipient) : NULL;
    struct span value = {0};
    ptrdiff_t colon;

    if (!t->retitled || (!rule && t->count == 0))
        return;
    if (t->count) {
        value = span_of(first_row(tx)->data + t->at[0], t->len[0]);
        colon = span_find(value, ':');
        value = span_skip(value, colon < 0 ? value.len : (size_t)colon + 1);
    }
    writer_text(w, name);
    writer_byte(w, ':');
    if (rule) {
        ptrdiff_t end = span_find(value, '\r');
        size_t line = end < 0 ? value.len : (size_t)end;
        size_t tag = rule->tag.subject.len;

        writer_byte(w, ' ');
        writer_span_put(w, rule->tag.subject);
        if (line + tag + NAME + 3 > LINE_MAX_OCTETS)
            writer_text(w, "\r\n");
        if (value.len && value.data[0] != ' ' && value.data[0] != '\t')
            writer_byte(w, ' ');
        /* One blank between tag and subject, unless a line end was put there. */
        else if (value.len && rule->tag.subject.data[tag - 1] == ' ' &&
                 line + tag + NAME + 3 <= LINE_MAX_OCTETS)
            value = span_skip(value, 1);
    }
    writer_span_put(w, value);
    writer_text(w, "\r\n");
}
