/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction_foreign.h"

#include "dataplane/session/transaction.h"
#include "proto/authres/authres_id.h"

enum { MARK = 2 }; /* bytes of a name that are written over */

static const char ours[] = "X-Wirepost-";

/* Whether we write fields of this name. Some readers take "Name :" for "Name:". */
static bool is_ours(const struct sessions *ss, const struct transaction *tx,
                    const struct mime_event *event)
{
    struct span name = event->field.name;

    while (name.len && (name.data[name.len - 1] == ' ' || name.data[name.len - 1] == '\t'))
        name.len--;
    return event->field.id == MIME_FIELD_RETURN_PATH ||
           span_equal_nocase(name, span_text("Return-Path")) ||
           span_equal_nocase(span_head(name, sizeof(ours) - 1), span_text(ours)) ||
           (span_equal_nocase(name, span_text("Authentication-Results")) &&
            authres_is_of(event->field.value, ss->smtp_options.hostname)) ||
           (tx->rules && rule_set_tags_field(tx->rules->set, name));
}

/* Where byte `offset` of the body and the one behind it are kept; NULL: handed over, or in two
 * rows. */
static uint8_t *kept_at(const struct transaction *tx, uint64_t offset)
{
    uint64_t begin;

    if (tx->first && offset + MARK <= tx->first->len)
        return tx->first->data + offset;
    if (!tx->keep)
        return NULL;
    begin = tx->message.size - tx->keep->len;
    return offset >= begin && offset + MARK <= tx->message.size ? tx->keep->data + (offset - begin)
                                                                : NULL;
}

void transaction_foreign_field(struct sessions *ss, struct transaction *tx,
                               const struct mime_event *event)
{
    uint8_t *at;

    /* What APPEND puts into a mailbox is kept as it is, also what we have written ourselves. */
    if (tx->message.deliveries == 0 || !is_ours(ss, tx, event))
        return;
    at = event->field.name.len >= MARK ? kept_at(tx, event->offset) : NULL;
    if (!at) {
        ss->counters->fields_not_hidden++;
        return;
    }
    *at = ascii_lower(at[0]) == 'x' && at[1] == '-' ? 'Y' : 'X';
    at[1] = '-';
    ss->counters->fields_hidden++;
}
