/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/delivery.h"
#include "dataplane/session/recipient.h"
#include "dataplane/session/transaction_foreign.h"
#include "dataplane/session/transaction_submission.h"

#include "proto/charset/charset.h"
#include "proto/mime/mime_word.h"
#include "proto/base/ascii.h"

/*
 * What the bytes of a message say: the MIME reader's events go to the part tree, to the rules and
 * to the record, in the turn in which the bytes arrive and in the frame that they arrived in.
 */

/* A decoded value is at most three times its field: a byte that is no UTF-8 becomes a sequence of
 * three. */
enum { TREE_SIZE = 16 * 1024, FIELD_MAX = 16 * 1024, RECORD_TEXT = 256, RECEIVED_MAX = 100 };
_Static_assert(3 * FIELD_MAX <= (int)SESSION_HEADER_TEXT &&
                   (int)SESSION_HEADER_TEXT <= (int)RULE_VALUE_MAX,
               "rules read whole fields");

bool transaction_content_begin(struct sessions *ss, struct transaction *tx)
{
    struct mime_memory memory = {
        .scratch = ss->mime_scratch, .scratch_size = SESSION_MIME_SCRATCH, .charset = &charset_all};
    void *tree = transaction_memory(ss, tx, TREE_SIZE);

    if (!tree || !mime_readings_init(&tx->mime, &memory, &ss->settings.mime))
        return false;
    mime_tree_init(&tx->tree, tree, TREE_SIZE);
    return transaction_measure_begin(ss, tx);
}

/* The row that a status of the rules asks for. A pool that is used up defers the message: no check
 * is ever skipped. */
enum smtp_reply_id transaction_rules_row(struct sessions *ss, const struct transaction *tx,
                                         enum rule_status status)
{
    if (status == RULE_OK)
        return SMTP_REPLY_NONE;
    if (status == RULE_FULL)
        ss->counters->streams_refused++;
    else
        ss->counters->rules_failed++;
    session_log(ss, status == RULE_FULL ? LOG_MESSAGE_streams_short : LOG_MESSAGE_rules_failed,
                &tx->message.envelope.client);
    return SMTP_REPLY_NO_RESOURCES;
}

enum smtp_reply_id transaction_refusal(enum rule_action action)
{
    switch (action) {
    case RULE_ACTION_REJECT:
        return SMTP_REPLY_RULE_REJECTED;
    case RULE_ACTION_DEFER:
        return SMTP_REPLY_RULE_DEFERRED;
    default:
        return SMTP_REPLY_NONE;
    }
}

/* What was scanned since the stamp before. */
static void scanned(struct sessions *ss, struct transaction *tx, enum rule_scope scope,
                    struct span bytes)
{
    uint64_t before = ss->stamp;

    transaction_stamp(ss, STAGE_rules);
    if (ss->stamping)
        rule_pool_spend(tx->rules->pools[handoff_worker(ss->options.port)], scope,
                        ss->stamp - before, bytes.len);
}

enum smtp_reply_id transaction_rules(struct sessions *ss, struct transaction *tx, unsigned lane,
                                     enum rule_scope scope, struct span bytes)
{
    enum rule_status status;

    if (!tx->match || !rule_set_uses(tx->rules->set, scope))
        return SMTP_REPLY_NONE;
    transaction_stamp(ss, STAGE_mime);
    rule_match_lane(tx->match, lane);
    status = rule_scope_streams(scope) ? rule_match_feed(tx->match, scope, bytes)
                                       : rule_match_value(tx->match, scope, bytes);
    rule_match_lane(tx->match, 0);
    scanned(ss, tx, scope, bytes);
    return transaction_rules_row(ss, tx, status);
}

enum smtp_reply_id transaction_rules_close(struct sessions *ss, struct transaction *tx,
                                           unsigned lane, enum rule_scope scope)
{
    enum rule_status status;

    if (!tx->match || !rule_set_uses(tx->rules->set, scope))
        return SMTP_REPLY_NONE;
    rule_match_lane(tx->match, lane);
    status = rule_match_close(tx->match, scope);
    rule_match_lane(tx->match, 0);
    return transaction_rules_row(ss, tx, status);
}

static enum smtp_reply_id feed_rules(struct sessions *ss, struct transaction *tx,
                                     enum rule_scope scope, struct span bytes)
{
    return transaction_rules(ss, tx, 0, scope, bytes);
}

/* Where the record's text of a header field is kept, or NULL; only the first of a kind is. */
static struct span *told_of(struct transaction *tx, enum mime_field field, size_t *most_out)
{
    *most_out = RECORD_HEAD_MAX;
    switch (field) {
#define RECORD_HEAD(name, FIELD)                                                                   \
    case MIME_FIELD_##FIELD:                                                                       \
        return &tx->heads[RECORD_HEAD_##name];
#include "dataplane/handoff/record_head.def"
#undef RECORD_HEAD
    case MIME_FIELD_USER_AGENT:
        return &tx->heads[RECORD_HEAD_mailer];
    case MIME_FIELD_RECEIVED:
        *most_out = RECORD_RECEIVED_MAX;
        return tx->received <= RECORD_RECEIVED ? &tx->trace[tx->received - 1] : NULL;
    default:
        break;
    }
    *most_out = RECORD_TEXT;
    return field == MIME_FIELD_SUBJECT      ? &tx->subject
           : field == MIME_FIELD_FROM       ? &tx->from
           : field == MIME_FIELD_MESSAGE_ID ? &tx->message_id
                                            : NULL;
}

static void keep_text(struct sessions *ss, struct transaction *tx, enum mime_field field,
                      struct span value)
{
    size_t most;
    struct span *text = told_of(tx, field, &most);
    uint8_t *copy;

    if (!text || text->len || !value.len)
        return;
    value = span_head(value, most);
    copy = transaction_memory(ss, tx, value.len);
    if (!copy)
        return;
    /* A fold may have left a TAB (RFC 5322 section 2.2.3); no control byte is told. */
    for (size_t i = 0; i < value.len; i++)
        copy[i] = value.data[i] == '\t' ? ' ' : value.data[i];
    *text = span_of(copy, value.len);
}

/* Whether two spellings lead to one mailbox, folded as its domain says. */
static bool same_mailbox(struct directory *d, struct span a, struct span b)
{
    uint8_t text[2][ADDRESS_KEY_MAX];
    struct writer key[2] = {writer_of(text[0], ADDRESS_KEY_MAX),
                            writer_of(text[1], ADDRESS_KEY_MAX)};
    struct address address;

    return address_mailbox(a, 0, &address) == ADDRESS_OK && recipient_key(d, &address, &key[0]) &&
           address_mailbox(b, 0, &address) == ADDRESS_OK && recipient_key(d, &address, &key[1]) &&
           span_equal(writer_span(&key[0]), writer_span(&key[1]));
}

/*
 * Delivered-To = "Delivered-To:" FWS Mailbox CRLF                       ; RFC 9228 section 3
 * Marks the mailbox it names: it has had this message. A refusal is for all, so only when all have.
 */
static enum smtp_reply_id delivered_to(struct sessions *ss, struct transaction *tx,
                                       struct span value)
{
    uint32_t looping = 0;

    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        /* What goes on to another server ends in no mailbox here. */
        if (tx->message.delivery[i].mailbox.len &&
            same_mailbox(ss->settings.directory, ascii_trim(value),
                         tx->message.delivery[i].mailbox))
            tx->recipient[i].looping = true;
        looping += tx->recipient[i].looping;
    }
    return looping == tx->message.deliveries ? SMTP_REPLY_LOOP : SMTP_REPLY_NONE;
}

/*
 * RFC 5321 section 6.3: a message that has come this far goes round in a circle. What APPEND puts
 * into a mailbox has no recipients and goes nowhere, whatever it went through before.
 */
static enum smtp_reply_id trace_field(struct sessions *ss, struct transaction *tx,
                                      const struct mime_event *event)
{
    const bool travels = tx->message.deliveries > 0;

    if (event->field.id == MIME_FIELD_RECEIVED && ++tx->received == RECEIVED_MAX && travels)
        return SMTP_REPLY_LOOP;
    return event->field.id == MIME_FIELD_DELIVERED_TO && travels
               ? delivered_to(ss, tx, event->field.value)
               : SMTP_REPLY_NONE;
}

/*
 * TLS-Required = "TLS-Required" ":" "No"                                ; RFC 8689 section 3
 * Other words mean nothing, and of two fields neither counts. What the envelope says comes first
 * (section 4.1).
 */
static void note_tls(struct transaction *tx, const struct mime_event *event)
{
    static const char name[] = "tls-required";
    struct message_envelope *e = &tx->message.envelope;

    if (event->field.name.len == sizeof(name) - 1 &&
        span_equal_nocase(event->field.name, span_text(name)))
        e->tls_optional = ++tx->tls_required == 1 && !e->require_tls &&
                          span_equal_nocase(ascii_trim(event->field.value), span_text("no"));
}

/* What the rules make of a field of the message's own header, and what is kept of it for the
 * record. */
static enum smtp_reply_id judge_field(struct sessions *ss, struct transaction *tx,
                                      const struct mime_event *event)
{
    struct writer text = writer_of(ss->header_text, SESSION_HEADER_TEXT);
    enum rule_status status;
    bool apart;

    apart = mime_word_decode_apart(event->field.value, &charset_all, &text);
    if (event->field.id == MIME_FIELD_SUBJECT)
        transaction_subject_field(tx, event);
    keep_text(ss, tx, event->field.id, writer_span(&text));
    if (!tx->match)
        return SMTP_REPLY_NONE;
    transaction_stamp(ss, STAGE_mime);
    status = rule_match_header(tx->match, event->field.name, writer_span(&text));
    scanned(ss, tx, RULE_SCOPE_HEADER, writer_span(&text));
    if (apart && status == RULE_OK) {
        text.len = 0;
        mime_word_decode(event->field.value, &charset_all, &text);
        status = rule_match_header(tx->match, event->field.name, writer_span(&text));
        scanned(ss, tx, RULE_SCOPE_HEADER, writer_span(&text));
    }
    return transaction_rules_row(ss, tx, status);
}

static enum smtp_reply_id header_field(struct sessions *ss, struct transaction *tx,
                                       const struct mime_event *event)
{
    enum smtp_reply_id row;

    /* Only the message's own header; those of parts and of messages within are not its words. */
    if (event->part != 0)
        return SMTP_REPLY_NONE;
    tx->measure.header_fields++;
    note_tls(tx, event);
    row = trace_field(ss, tx, event);
    if (row == SMTP_REPLY_NONE && tx->submission)
        row = transaction_submission_field(ss, tx, event);
    if (row != SMTP_REPLY_NONE)
        return row;
    row = judge_field(ss, tx, event);
    /* Last, because its name may be read where it is kept. */
    transaction_foreign_field(ss, tx, event);
    return row;
}

static enum smtp_reply_id part_begin(struct sessions *ss, struct transaction *tx,
                                     const struct mime_part *part)
{
    uint8_t memory[2 * MIME_TOKEN_MAX + 2];
    struct writer type = writer_of(memory, sizeof(memory));
    enum smtp_reply_id row;

    transaction_measure_part(tx, part);
    if (part->kind == MIME_LEAF)
        transaction_digest_begin(ss, tx);
    if (!span_equal_nocase(part->type, span_text("text")))
        tx->part_scope = RULE_SCOPE_ATTACHMENT;
    else
        tx->part_scope =
            span_equal_nocase(part->subtype, span_text("html")) ? RULE_SCOPE_HTML : RULE_SCOPE_BODY;
    writer_span_put(&type, part->type);
    writer_byte(&type, '/');
    writer_span_put(&type, part->subtype);
    row = feed_rules(ss, tx, RULE_SCOPE_CONTENT_TYPE, writer_span(&type));
    if (row == SMTP_REPLY_NONE && part->filename.len)
        row = feed_rules(ss, tx, RULE_SCOPE_ATTACHMENT_NAME, part->filename);
    return row;
}

static enum smtp_reply_id close_scope(struct sessions *ss, struct transaction *tx,
                                      enum rule_scope scope)
{
    return transaction_rules_close(ss, tx, 0, scope);
}

/* A piece of HTML: as markup, and what is to be read of it as text. Decoding never makes it longer.
 */
static enum smtp_reply_id html_data(struct sessions *ss, struct transaction *tx, struct span bytes)
{
    enum smtp_reply_id row = feed_rules(ss, tx, RULE_SCOPE_HTML, bytes);

    while (row == SMTP_REPLY_NONE && bytes.len && tx->match &&
           rule_set_uses(tx->rules->set, RULE_SCOPE_BODY)) {
        struct span piece = span_head(bytes, SESSION_HEADER_TEXT - MIME_HTML_PENDING);
        size_t len = mime_html_feed(&tx->html, piece, ss->header_text);

        row = feed_rules(ss, tx, RULE_SCOPE_BODY, span_of(ss->header_text, len));
        bytes = span_skip(bytes, piece.len);
    }
    return row;
}

static enum smtp_reply_id part_data(struct sessions *ss, struct transaction *tx, struct span bytes)
{
    return tx->part_scope == RULE_SCOPE_HTML ? html_data(ss, tx, bytes)
                                             : feed_rules(ss, tx, tx->part_scope, bytes);
}

static enum smtp_reply_id part_end(struct sessions *ss, struct transaction *tx)
{
    enum smtp_reply_id row = close_scope(ss, tx, tx->part_scope);

    transaction_measure_part_end(tx);
    if (row == SMTP_REPLY_NONE && tx->part_scope == RULE_SCOPE_HTML) {
        size_t len = mime_html_finish(&tx->html, ss->header_text);

        row = feed_rules(ss, tx, RULE_SCOPE_BODY, span_of(ss->header_text, len));
        if (row == SMTP_REPLY_NONE)
            row = close_scope(ss, tx, RULE_SCOPE_BODY);
    }
    return row;
}

/* A refusal of the header alone need not wait for the body (RFC 5321 lets it wait for the final dot
 * all the same). */
static enum smtp_reply_id header_end(struct sessions *ss, struct transaction *tx,
                                     struct span *text_out)
{
    transaction_measure_header(ss, tx);
    return tx->match ? delivery_judge_early(ss, tx, RULE_STAGE_HEADER_END, text_out)
                     : SMTP_REPLY_NONE;
}

static enum smtp_reply_id take_event(struct sessions *ss, struct transaction *tx,
                                     const struct mime_event *event, struct span *text_out)
{
    enum smtp_reply_id row;

    if (event->reading)
        return transaction_reading_event(ss, tx, event);
    mime_tree_feed(&tx->tree, event);
    switch (event->kind) {
    case MIME_FIELD:
        return header_field(ss, tx, event);
    case MIME_HEADER_END:
        /* Text beside parts ends where one begins. */
        row = transaction_reading_event(ss, tx, event);
        return event->part == 0 && row == SMTP_REPLY_NONE ? header_end(ss, tx, text_out) : row;
    case MIME_PART_BEGIN:
        return part_begin(ss, tx, event->begin);
    case MIME_DATA:
        transaction_measure_data(tx, event->data);
        transaction_stamp(ss, STAGE_hash);
        transaction_digest_feed(ss, tx, event->data);
        return mime_readings_instead(&tx->mime, 0) ? SMTP_REPLY_NONE
                                                   : part_data(ss, tx, event->data);
    case MIME_PART_END:
        transaction_digest_end(ss, tx, event->part);
        row = transaction_reading_event(ss, tx, event);
        return row == SMTP_REPLY_NONE ? part_end(ss, tx) : row;
    case MIME_ANOMALY:
        return transaction_anomaly(ss, tx, event->anomaly);
    case MIME_TEXT:
        if (mime_readings_instead(&tx->mime, 0))
            return part_data(ss, tx, event->data);
        break;
    case MIME_END:
        return SMTP_REPLY_NONE;
    default:
        break;
    }
    return transaction_reading_event(ss, tx, event);
}

/* Memory that the reader asks for. Without it no check would be whole. */
static enum smtp_reply_id lend(struct sessions *ss, struct transaction *tx, enum mime_status status)
{
    bool field = status == MIME_BUFFER;
    void *memory = transaction_memory(
        ss, tx, field ? tx->mime.limits.field : mime_readings_size(&tx->mime.limits));

    if (!memory)
        return SMTP_REPLY_NO_RESOURCES;
    if (field)
        mime_reader_attach(&tx->mime.first, memory);
    else
        mime_readings_attach(&tx->mime, memory);
    return SMTP_REPLY_NONE;
}

static enum smtp_reply_id read_mime(struct sessions *ss, struct transaction *tx, struct span bytes,
                                    struct span *text_out)
{
    struct mime_event event;
    enum smtp_reply_id row = SMTP_REPLY_NONE;

    while (row == SMTP_REPLY_NONE) {
        enum mime_status status = mime_readings_next(&tx->mime, &bytes, &event);

        if (status == MIME_MORE)
            break;
        transaction_stamp(ss, status == MIME_EVENT && event.kind == MIME_DATA ? STAGE_decode
                                                                              : STAGE_mime);
        if (status == MIME_EVENT)
            row = take_event(ss, tx, &event, text_out);
        else
            row = lend(ss, tx, status);
    }
    transaction_stamp(ss, STAGE_mime);
    return row;
}

enum smtp_reply_id transaction_content_feed(struct sessions *ss, struct transaction *tx,
                                            struct span bytes, struct span *text_out)
{
    enum smtp_reply_id row = feed_rules(ss, tx, RULE_SCOPE_RAW, bytes);

    return row == SMTP_REPLY_NONE ? read_mime(ss, tx, bytes, text_out) : row;
}

enum smtp_reply_id transaction_content_finish(struct sessions *ss, struct transaction *tx)
{
    struct span unused;
    enum smtp_reply_id row;

    mime_readings_finish(&tx->mime);
    row = read_mime(ss, tx, span_of(NULL, 0), &unused);
    if (row == SMTP_REPLY_NONE && tx->submission)
        row = transaction_submission_finish(ss, tx);
    /* A refusal by the header of a message without a body is found again by the verdict at the
     * final dot. */
    if (row == SMTP_REPLY_RULE_REJECTED || row == SMTP_REPLY_RULE_DEFERRED)
        row = read_mime(ss, tx, span_of(NULL, 0), &unused);
    tx->message.tree = mime_tree_finish(&tx->tree);
    transaction_measure_end(ss, tx);
    return row == SMTP_REPLY_NONE ? close_scope(ss, tx, RULE_SCOPE_RAW) : row;
}
