/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

/*
 * What a message says beside the reading that the engine goes by: the other readings, text beside
 * parts, files within bodies, text in its charset. All of it is shown to the rules, in the scope in
 * which a receiver would see it; nothing of it changes the tree that is kept.
 */

/* Each reading has two streams of a scope: its bytes, and what lies within them. */
static unsigned lane_of(uint8_t reading)
{
    return 2u * reading;
}

static unsigned within_lane(uint8_t reading)
{
    return lane_of(reading) + 1;
}
_Static_assert(2 * (int)MIME_READINGS <= (int)RULE_LANES, "each reading has its two");

static enum rule_scope scope_of(const struct mime_part *part)
{
    if (span_equal_nocase(part->type, span_text("text")) &&
        span_equal_nocase(part->subtype, span_text("html")))
        return RULE_SCOPE_HTML;
    /* An encoded multipart that is undone holds texts. */
    return span_equal_nocase(part->type, span_text("text")) ||
                   span_equal_nocase(part->type, span_text("multipart"))
               ? RULE_SCOPE_BODY
               : RULE_SCOPE_ATTACHMENT;
}

static enum rule_scope scope_at(const struct transaction *tx, uint8_t reading)
{
    return reading ? (enum rule_scope)tx->other_scope[reading] : (enum rule_scope)tx->part_scope;
}

static enum smtp_reply_id part_begin(struct sessions *ss, struct transaction *tx, uint8_t reading,
                                     const struct mime_part *part)
{
    uint8_t memory[2 * MIME_TOKEN_MAX + 2];
    struct writer type = writer_of(memory, sizeof(memory));
    enum smtp_reply_id row;

    tx->other_scope[reading] = (uint8_t)scope_of(part);
    writer_span_put(&type, part->type);
    writer_byte(&type, '/');
    writer_span_put(&type, part->subtype);
    row = transaction_rules(ss, tx, 0, RULE_SCOPE_CONTENT_TYPE, writer_span(&type));
    if (row == SMTP_REPLY_NONE && part->filename.len)
        row = transaction_rules(ss, tx, 0, RULE_SCOPE_ATTACHMENT_NAME, part->filename);
    return row;
}

/* Another reading begins with what the one that it comes from was given of the part at hand. */
static enum smtp_reply_id reading(struct sessions *ss, struct transaction *tx,
                                  const struct mime_event *event)
{
    uint8_t from = event->other.from, to = event->reading;
    enum rule_status status = RULE_OK;

    ss->counters->mime_readings++;
    if (event->other.doubt == MIME_DOUBTS)
        return SMTP_REPLY_NONE;
    tx->other_scope[to] = (uint8_t)scope_at(tx, from);
    if (tx->match)
        status = rule_match_copy_lane(tx->match, lane_of(from), lane_of(to));
    if (tx->match && status == RULE_OK)
        status = rule_match_copy_lane(tx->match, within_lane(from), within_lane(to));
    return transaction_rules_row(ss, tx, status);
}

/* The bytes of a leaf in another reading. Of HTML there the markup stands for the text as well. */
static enum smtp_reply_id part_data(struct sessions *ss, struct transaction *tx, uint8_t reading,
                                    struct span bytes)
{
    enum rule_scope scope = scope_at(tx, reading);
    enum smtp_reply_id row = transaction_rules(ss, tx, lane_of(reading), scope, bytes);

    return row == SMTP_REPLY_NONE && scope == RULE_SCOPE_HTML
               ? transaction_rules(ss, tx, lane_of(reading), RULE_SCOPE_BODY, bytes)
               : row;
}

/* Text beside parts, and what lies within a leaf, ends. */
static enum smtp_reply_id close_within(struct sessions *ss, struct transaction *tx, uint8_t reading)
{
    enum smtp_reply_id row = transaction_rules_close(ss, tx, within_lane(reading), RULE_SCOPE_BODY);

    if (row == SMTP_REPLY_NONE)
        row = transaction_rules_close(ss, tx, within_lane(reading), RULE_SCOPE_ATTACHMENT);
    return row;
}

static enum smtp_reply_id part_end(struct sessions *ss, struct transaction *tx, uint8_t reading)
{
    enum smtp_reply_id row = close_within(ss, tx, reading);

    if (row == SMTP_REPLY_NONE && reading)
        row = transaction_rules_close(ss, tx, lane_of(reading), scope_at(tx, reading));
    if (row == SMTP_REPLY_NONE && reading && scope_at(tx, reading) == RULE_SCOPE_HTML)
        row = transaction_rules_close(ss, tx, lane_of(reading), RULE_SCOPE_BODY);
    return row;
}

/* The limit that an anomaly tells of: counted once a message. The row that refuses beyond it. */
static enum smtp_reply_id limit_row(struct sessions *ss, bool told, enum mime_anomaly which)
{
    switch (which) {
    case MIME_ANOMALY_DEPTH:
        ss->counters->mime_depth_over += !told;
        return SMTP_REPLY_MIME_DEPTH;
    case MIME_ANOMALY_PARTS:
        ss->counters->mime_parts_over += !told;
        return SMTP_REPLY_MIME_PARTS;
    case MIME_ANOMALY_HEADER_LONG:
        ss->counters->mime_header_size_over += !told;
        return SMTP_REPLY_MIME_HEADER_SIZE;
    case MIME_ANOMALY_HEADER_LINES:
        ss->counters->mime_header_lines_over += !told;
        return SMTP_REPLY_MIME_HEADER_LINES;
    default:
        return SMTP_REPLY_NONE;
    }
}

enum smtp_reply_id transaction_anomaly(struct sessions *ss, struct transaction *tx,
                                       enum mime_anomaly which)
{
    const uint64_t bit = 1ull << which;
    enum smtp_reply_id row = limit_row(ss, tx->anomalies & bit, which);

    tx->anomalies |= bit;
    ss->counters->mime_anomalies++;
    /* Postmasters get what others would be refused. */
    if ((ss->settings.mime_refused & bit) && !transaction_exempt(tx))
        return row;
    return transaction_rules(ss, tx, 0, RULE_SCOPE_ANOMALY, span_text(mime_anomaly_name(which)));
}
_Static_assert(MIME_ANOMALIES <= 64, "a record names anomalies by bit");

enum smtp_reply_id transaction_reading_event(struct sessions *ss, struct transaction *tx,
                                             const struct mime_event *event)
{
    const unsigned within = within_lane(event->reading);

    switch (event->kind) {
    case MIME_PART_BEGIN:
        return part_begin(ss, tx, event->reading, event->begin);
    case MIME_DATA:
        return part_data(ss, tx, event->reading, event->data);
    case MIME_HEADER_END:
        return close_within(ss, tx, event->reading);
    case MIME_PART_END:
        return part_end(ss, tx, event->reading);
    case MIME_ANOMALY:
        return transaction_anomaly(ss, tx, event->anomaly);
    case MIME_READING:
        return reading(ss, tx, event);
    case MIME_TEXT:
    case MIME_BESIDE:
        return transaction_rules(ss, tx, within, RULE_SCOPE_BODY, event->data);
    case MIME_FILE_DATA:
        return transaction_rules(ss, tx, within, RULE_SCOPE_ATTACHMENT, event->data);
    case MIME_FILE_END:
        return transaction_rules_close(ss, tx, within, RULE_SCOPE_ATTACHMENT);
    case MIME_NAME:
    case MIME_FILE_BEGIN:
        return transaction_rules(ss, tx, 0, RULE_SCOPE_ATTACHMENT_NAME, event->data);
    default:
        return SMTP_REPLY_NONE;
    }
}
