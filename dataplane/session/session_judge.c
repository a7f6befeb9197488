/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_judge.h"

#include "dataplane/session/delivery.h"
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_more.h"
#include "proto/smtp/smtp_reader.h"
#include "proto/smtp/smtp_reply.h"

/*
 * A session without a connection: the envelope goes through the same functions as the machine's
 * actions, the bytes through the same reader and rules. Answers to the machine have nobody to go
 * to.
 */

/* Chunks for one message's state: its body is not kept. */
static const uint32_t chunks[CHUNK_CLASSES] = {16, 16, 128};

static void take_settings(struct sessions *ss)
{
    ss->settings = *handoff_settings(ss->options.port);
    ss->settings.limits.windows = NULL;
    ss->settings.limits.gauges = NULL;
    /* Nobody is to come again, and nobody would answer. */
    ss->settings.greylist.known = NULL;
    ss->rules = ss->settings.rules;
    ss->smtp_options.hostname = span_text(ss->settings.hostname);
}

/* Whom the message comes from. False: no memory. */
static bool introduce(struct sessions *ss, struct session *s, const struct judge_source *source)
{
    struct session_more *more = session_more(ss, s);
    struct span name = source->client_name;

    if (!more)
        return false;
    more->relayed = true;
    more->client = source->client;
    if (name.len <= sizeof(more->client_name)) {
        more->client_name_len = (uint8_t)name.len;
        if (name.len)
            memcpy(more->client_name, name.data, name.len);
    }
    session_envelope_helo(ss, s, &(struct smtp_action){.name = source->helo, .esmtp = true});
    return true;
}

/* Judges line ends as those of a chunk are, and feeds what is good. */
static enum smtp_reply_id feed(struct sessions *ss, struct transaction *tx,
                               struct smtp_reader *lines, struct span in, struct span *text_out)
{
    enum smtp_reply_id row = SMTP_REPLY_NONE;
    enum smtp_reader_event event = SMTP_READER_TEXT;
    struct span bytes;

    while (row == SMTP_REPLY_NONE &&
           (event = smtp_reader_next(lines, &in, &bytes)) == SMTP_READER_TEXT)
        row = transaction_content_feed(ss, tx, bytes, text_out);
    return event == SMTP_READER_BAD ? smtp_reply_for_form(smtp_reader_form(lines)) : row;
}

/* A CR that the message ends with is bare: any byte behind it tells. */
static enum smtp_reply_id judge_last(struct smtp_reader *lines)
{
    struct span in = span_text("."), bytes;
    enum smtp_reader_event event;

    while ((event = smtp_reader_next(lines, &in, &bytes)) == SMTP_READER_TEXT)
        ;
    return event == SMTP_READER_BAD ? smtp_reply_for_form(smtp_reader_form(lines))
                                    : SMTP_REPLY_NONE;
}

/* The row that refuses the message, or NONE. */
static enum smtp_reply_id read_message(struct sessions *ss, struct transaction *tx,
                                       const struct judge_source *source, struct span *text_out)
{
    uint8_t *piece = transaction_memory(ss, tx, SESSION_STEP);
    enum smtp_reply_id row = piece ? SMTP_REPLY_NONE : SMTP_REPLY_NO_RESOURCES;
    struct smtp_reader lines;
    size_t len;

    smtp_reader_init(&lines, SMTP_COMMAND_LINE_MAX, 0);
    smtp_reader_begin_chunk(&lines, UINT64_MAX, true, true);
    while (row == SMTP_REPLY_NONE &&
           (len = source->read(source->context, piece, SESSION_STEP)) > 0) {
        tx->message.size += len;
        row = tx->message.size > ss->settings.message_size_max
                  ? SMTP_REPLY_TOO_BIG
                  : feed(ss, tx, &lines, span_of(piece, len), text_out);
    }
    if (row == SMTP_REPLY_NONE)
        row = judge_last(&lines);
    if (row == SMTP_REPLY_NONE)
        row = transaction_content_finish(ss, tx);
    return row == SMTP_REPLY_NONE ? delivery_judge(ss, tx, text_out) : row;
}

/* The message, once its envelope has passed. */
static void judge_content(struct sessions *ss, struct transaction *tx,
                          const struct judge_source *source)
{
    struct span text = {0};
    enum smtp_reply_id row = delivery_judge_data(ss, tx, &text);

    if (row == SMTP_REPLY_NONE)
        row = read_message(ss, tx, source, &text);
    if (row == SMTP_REPLY_NONE)
        delivery_place(ss, tx);
    tx->reply = (uint8_t)(row == SMTP_REPLY_NONE ? SMTP_REPLY_ACCEPTED : row);
    tx->reply_text = text;
}

/* False: no memory. */
static bool judge(struct sessions *ss, struct session *s, const struct judge_source *source)
{
    if (!introduce(ss, s, source))
        return false;
    session_envelope_mail(ss, s, &(struct smtp_action){.path = source->sender});
    if (!s->tx)
        return false;
    if (s->tx->step != TRANSACTION_REFUSED) {
        for (uint32_t i = 0; i < source->recipient_count; i++)
            session_envelope_rcpt(ss, s, &(struct smtp_action){.path = source->recipients[i]});
        if (s->tx->message.deliveries)
            judge_content(ss, s->tx, source);
    }
    transaction_end(ss, s, s->tx);
    s->tx = NULL;
    return true;
}

bool session_judge(struct handoff *h, const struct judge_source *source)
{
    struct chunk_pool *pool = chunk_pool_new(chunks);
    struct sessions *ss = NULL;
    bool ok;

    if (pool)
        ss = sessions_new(&(struct sessions_options){
            .pool = pool, .port = handoff_port_of(h, 0), .connections = 1});
    ok = ss != NULL;
    if (ok)
        take_settings(ss);
    while (ok && source->open(source->context)) {
        struct session *s = &ss->table[0];

        *s = (struct session){0};
        ss->time = (struct turn_time){.now = 1, .wall_ms = source->wall_ms};
        ok = judge(ss, s, source);
        session_more_give(ss, s);
        source->close(source->context);
    }
    sessions_free(ss);
    chunk_pool_free(pool);
    return ok;
}
