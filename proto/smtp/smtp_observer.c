/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_observer_inside.h"

#include "proto/smtp/smtp_observer_line.h"

void smtp_observer_init(struct smtp_observer *o, bool midstream)
{
    *o = (struct smtp_observer){.greeted = midstream, .waits_for = PENDING_NONE};
    loose_line_init(&o->line, SMTP_OBSERVER_LINE_MAX);
    smtp_reply_reader_init(&o->replies);
}

void smtp_observer_attach_client(struct smtp_observer *o, uint8_t *buffer)
{
    loose_line_attach(&o->line, buffer);
}

void smtp_observer_attach_server(struct smtp_observer *o, uint8_t *buffer)
{
    smtp_reply_reader_attach(&o->replies, buffer);
}

uint8_t *smtp_observer_take_back(struct smtp_observer *o, bool client)
{
    return loose_line_take_back(client ? &o->line : &o->replies.line);
}

void smtp_observer_one_sided(struct smtp_observer *o)
{
    o->one_sided = true;
}

bool smtp_observer_waits(const struct smtp_observer *o)
{
    return o->state == STATE_HELD;
}

bool smtp_observer_in_tls(const struct smtp_observer *o)
{
    return o->state == STATE_TLS;
}

/* ---- the transaction ---- */

void smtp_observer_close(struct smtp_observer *o)
{
    o->open = o->text = o->ended = o->refused_data = false;
    o->each = o->early_code = 0;
    o->serial++;
}

void smtp_observer_abandon(struct smtp_observer *o)
{
    if (!o->open)
        return;
    smtp_observer_close(o);
    smtp_observer_program(o, DUE_ABANDONED);
}

/* The message begins, with a MAIL that was seen or without. */
static void begin_text(struct smtp_observer *o)
{
    o->open = o->text = true;
    o->ended = false;
    o->anomalies &= ~OF_DATA;
    o->anomalies_told &= ~OF_DATA;
    o->odd = (struct smtp_odd){0};
    smtp_reader_init(&o->data, SMTP_OBSERVER_LINE_MAX, 0);
    smtp_reader_set_lenient(&o->data);
    smtp_observer_program(o, DUE_BEGIN);
}

void smtp_observer_begin_data(struct smtp_observer *o)
{
    begin_text(o);
    smtp_reader_begin_data(&o->data);
    smtp_observer_release(o, STATE_DATA);
}

void smtp_observer_begin_chunk(struct smtp_observer *o, uint64_t size, bool last)
{
    bool first = !o->text;

    if (first && o->open)
        begin_text(o);
    if (!o->open) {
        smtp_reader_init(&o->data, SMTP_OBSERVER_LINE_MAX, 0);
        smtp_reader_set_lenient(&o->data);
    }
    o->last_chunk = last;
    smtp_reader_begin_chunk(&o->data, size, first, last);
    if (!o->open)
        smtp_reader_discard_chunk(&o->data);
    smtp_observer_release(o, STATE_CHUNK);
}

/* ---- what waits for an answer ---- */

static void push(struct smtp_observer *o, uint8_t what, uint16_t index)
{
    if (o->one_sided)
        return;
    if (o->queue_count == SMTP_OBSERVER_QUEUE) {
        smtp_observer_note(o, SMTP_ANOMALY_QUEUE_FULL);
        o->queue_count = 0;
    }
    o->queue[(o->queue_first + o->queue_count++) % SMTP_OBSERVER_QUEUE] =
        (struct smtp_pending){.what = what, .serial = o->serial, .index = index};
}

/* ---- the client ---- */

static void on_mail(struct smtp_observer *o, struct smtp_observed *e)
{
    if (o->open && !o->refused_data)
        return;
    smtp_observer_close(o);
    o->open = true;
    o->recipients = o->accepted = 0;
    e->kind = SMTP_OBSERVED_MAIL;
}

static void on_rcpt(struct smtp_observer *o, struct smtp_observed *e)
{
    if (!o->open || o->text || o->recipients == SMTP_OBSERVER_NO_INDEX)
        return;
    e->kind = SMTP_OBSERVED_RCPT;
    e->index = o->recipients++;
}

/* A chunk follows its command at once where the server takes chunks; else its answer says what the
 * next bytes are. */
static void on_bdat(struct smtp_observer *o, const struct smtp_observed_line *l)
{
    if (!l->good) {
        smtp_observer_note(o, SMTP_ANOMALY_BDAT_FORM);
        return;
    }
    if (o->one_sided || o->chunking || !o->helo_answered || o->text) {
        smtp_observer_begin_chunk(o, l->command.size, l->command.last);
        return;
    }
    o->chunk = l->command.size;
    o->last_chunk = l->command.last;
    smtp_observer_hold(o, SMTP_VERB_BDAT);
}

static void on_auth(struct smtp_observer *o, const struct smtp_observed_line *l)
{
    sasl_observer_begin(&o->sasl, l->name);
    if (l->initial.len)
        sasl_observer_response(&o->sasl, l->initial);
    smtp_observer_hold(o, SMTP_VERB_AUTH);
}

static void act_on_command(struct smtp_observer *o, const struct smtp_observed_line *l,
                           struct smtp_observed *e)
{
    switch (l->command.verb) {
    case SMTP_VERB_EHLO:
    case SMTP_VERB_HELO:
    case SMTP_VERB_RSET:
    case SMTP_VERB_XCLIENT:
        e->esmtp = l->command.verb == SMTP_VERB_EHLO;
        o->lmtp |= l->lmtp;
        /* What comes behind it belongs to another transaction, if it is taken. */
        if (o->open)
            smtp_observer_hold(o, (uint8_t)l->command.verb);
        break;
    case SMTP_VERB_MAIL:
        on_mail(o, e);
        break;
    case SMTP_VERB_RCPT:
        on_rcpt(o, e);
        break;
    case SMTP_VERB_DATA:
        smtp_observer_hold(o, SMTP_VERB_DATA);
        break;
    case SMTP_VERB_STARTTLS:
        smtp_observer_hold(o, SMTP_VERB_STARTTLS);
        break;
    case SMTP_VERB_AUTH:
        on_auth(o, l);
        break;
    default:
        break;
    }
}

static void judge_line(struct smtp_observer *o)
{
    if (o->line.bare_lf)
        smtp_observer_note(o, SMTP_ANOMALY_COMMAND_LINE_END);
    if (o->line.inner)
        smtp_observer_note(o, SMTP_ANOMALY_COMMAND_BYTES);
    if (o->line.cut)
        smtp_observer_note(o, SMTP_ANOMALY_COMMAND_LONG);
    if (!o->greeted && !o->one_sided)
        smtp_observer_note(o, SMTP_ANOMALY_EARLY_TALKER);
    o->spoke = true;
}

/* Where no server is heard, a line of an AUTH exchange is one that is no command. */
static bool is_response(const struct smtp_observer *o, struct span line)
{
    struct smtp_observed_line l;

    if (o->state == STATE_RESPONSE && !o->one_sided)
        return true;
    smtp_observer_line_read(line, &l);
    return o->state == STATE_RESPONSE && l.command.verb == SMTP_VERB_UNKNOWN;
}

static void on_line(struct smtp_observer *o, struct span line, struct smtp_observed *e)
{
    struct smtp_observed_line l;

    judge_line(o);
    e->text = line;
    if (is_response(o, line)) {
        e->kind = SMTP_OBSERVED_RESPONSE;
        e->secret = 0;
        sasl_observer_response(&o->sasl, line);
        push(o, SMTP_VERB_AUTH, SMTP_OBSERVER_NO_INDEX);
        smtp_observer_hold(o, SMTP_VERB_AUTH);
        return;
    }
    o->state = STATE_COMMANDS;
    smtp_observer_line_read(line, &l);
    e->kind = SMTP_OBSERVED_COMMAND;
    e->verb = l.command.verb;
    e->name = l.name;
    e->secret = l.secret;
    e->smtputf8 = l.command.smtputf8;
    act_on_command(o, &l, e);
    if (l.command.verb == SMTP_VERB_BDAT && l.good)
        push(o, l.command.last ? PENDING_END : PENDING_CHUNK, SMTP_OBSERVER_NO_INDEX);
    else
        push(o, (uint8_t)l.command.verb, e->index);
    if (l.command.verb == SMTP_VERB_BDAT)
        on_bdat(o, &l);
}

static bool next_line(struct smtp_observer *o, struct span *in, struct smtp_observed *e)
{
    struct span line;

    switch (loose_line_feed(&o->line, in, &line)) {
    case LOOSE_LINE:
        on_line(o, line, e);
        return true;
    case LOOSE_BUFFER:
        e->kind = SMTP_OBSERVED_CLIENT_BUFFER;
        return true;
    case LOOSE_MORE:
        break;
    }
    return false;
}

void smtp_observer_end_text(struct smtp_observer *o)
{
    o->anomalies |= smtp_odd_finish(&o->odd);
    o->ended = true;
    smtp_observer_program(o, DUE_END);
}

/* The end of the data was sent: what follows waits for its verdict. */
static void on_end(struct smtp_observer *o)
{
    smtp_observer_end_text(o);
    smtp_observer_hold(o, PENDING_END);
}

static void on_chunk_end(struct smtp_observer *o)
{
    smtp_observer_release(o, STATE_COMMANDS);
    if (!o->last_chunk || !o->text)
        return;
    if (!o->early_code) {
        on_end(o);
        return;
    }
    smtp_observer_end_text(o);
    o->answer = (struct smtp_reply_line){.code = o->early_code};
    smtp_observer_close(o);
    smtp_observer_program(o, DUE_VERDICT);
}

static void note_odd(struct smtp_observer *o)
{
    enum line_form form = smtp_reader_form(&o->data);

    smtp_observer_note(o, form == LINE_FORM_NUL       ? SMTP_ANOMALY_NUL
                          : form == LINE_FORM_BARE_LF ? SMTP_ANOMALY_BARE_LF
                                                      : SMTP_ANOMALY_BARE_CR);
    /* A chunk ends by its count: dots are not looked at. */
    if (form != LINE_FORM_NUL && o->state == STATE_DATA)
        o->anomalies |= smtp_odd_mark(&o->odd);
}

static bool next_text(struct smtp_observer *o, struct span *in, struct smtp_observed *e)
{
    struct span before = *in, text = {0};
    enum smtp_reader_event event = smtp_reader_next(&o->data, in, &text);

    if (o->state == STATE_DATA)
        o->anomalies |= smtp_odd_bytes(&o->odd, span_head(before, before.len - in->len));
    switch (event) {
    case SMTP_READER_ODD:
        note_odd(o);
        __attribute__((fallthrough));
    case SMTP_READER_TEXT:
        e->kind = SMTP_OBSERVED_TEXT;
        e->text = text;
        return true;
    case SMTP_READER_END:
        push(o, PENDING_END, SMTP_OBSERVER_NO_INDEX);
        on_end(o);
        break;
    case SMTP_READER_CHUNK:
        on_chunk_end(o);
        break;
    default:
        break;
    }
    return event != SMTP_READER_MORE;
}

void smtp_observer_assume(struct smtp_observer *o)
{
    uint8_t what = o->waits_for;

    if (o->state != STATE_HELD)
        return;
    o->answer = (struct smtp_reply_line){0};
    o->assumed = true;
    smtp_observer_release(o, STATE_COMMANDS);
    switch (what) {
    case SMTP_VERB_DATA:
        smtp_observer_begin_data(o);
        break;
    case SMTP_VERB_BDAT:
        smtp_observer_begin_chunk(o, o->chunk, o->last_chunk);
        break;
    case SMTP_VERB_AUTH:
        o->state = STATE_RESPONSE;
        break;
    case SMTP_VERB_STARTTLS:
        o->state = STATE_TLS;
        smtp_observer_program(o, DUE_STARTTLS);
        break;
    case PENDING_END:
        smtp_observer_close(o);
        smtp_observer_program(o, DUE_VERDICT);
        break;
    default:
        smtp_observer_abandon(o);
        break;
    }
}

/* True: an event, or what the input is has changed. */
static bool step_client(struct smtp_observer *o, struct span *in, struct smtp_observed *e)
{
    switch ((enum state)o->state) {
    case STATE_COMMANDS:
    case STATE_RESPONSE:
        return next_line(o, in, e);
    case STATE_DATA:
    case STATE_CHUNK:
        return next_text(o, in, e);
    case STATE_HELD:
        if (in->len == 0)
            return false;
        if (o->one_sided || o->lost_answer) {
            smtp_observer_assume(o);
            return true;
        }
        /* RFC 2920 section 3.1: DATA and AUTH are the last of a group. */
        if (o->waits_for == SMTP_VERB_DATA || o->waits_for == SMTP_VERB_AUTH)
            smtp_observer_note(o, SMTP_ANOMALY_UNSYNCED);
        if (!smtp_observer_due(o, e))
            e->kind = SMTP_OBSERVED_WAIT;
        return true;
    case STATE_TLS:
        break;
    }
    return false;
}

void smtp_observer_client(struct smtp_observer *o, struct span *in, struct smtp_observed *event_out)
{
    smtp_observer_event(event_out);
    while (!smtp_observer_due(o, event_out) && step_client(o, in, event_out) &&
           event_out->kind == SMTP_OBSERVED_MORE)
        continue;
}

/* ---- events that follow from others ---- */

static bool tell_anomaly(struct smtp_observer *o, struct smtp_observed *e)
{
    /* Those of a message come when it has ended: where they stand must not depend on cuts. */
    uint64_t fresh =
        o->anomalies & ~o->anomalies_told & (smtp_observer_in_text(o) ? ~OF_DATA : UINT64_MAX);

    if (!fresh)
        return false;
    e->kind = SMTP_OBSERVED_ANOMALY;
    e->anomaly = (uint8_t)__builtin_ctzll(fresh);
    o->anomalies_told |= fresh & -fresh;
    return true;
}

/* What of the answer a due event carries. */
static void fill_due(const struct smtp_observer *o, enum due which, struct smtp_observed *e)
{
    if (which == DUE_BEGIN)
        e->assumed = o->assumed;
    if (which == DUE_VERDICT || which == DUE_AUTH) {
        e->code = o->answer.code;
        e->text = o->answer.text;
        memcpy(e->enhanced, o->answer.enhanced, sizeof(e->enhanced));
        e->assumed = e->code == 0;
    }
    if (which == DUE_AUTH) {
        e->text = sasl_observer_mechanism(&o->sasl);
        e->name = sasl_observer_user(&o->sasl);
    }
}

bool smtp_observer_due(struct smtp_observer *o, struct smtp_observed *e)
{
    static const uint8_t kinds[DUES] = {
        [DUE_END] = SMTP_OBSERVED_END,
        [DUE_VERDICT] = SMTP_OBSERVED_VERDICT,
        [DUE_ABANDONED] = SMTP_OBSERVED_ABANDONED,
        [DUE_BEGIN] = SMTP_OBSERVED_BEGIN,
        [DUE_AUTH] = SMTP_OBSERVED_AUTH,
        [DUE_STARTTLS] = SMTP_OBSERVED_STARTTLS,
    };
    enum due which;

    if (tell_anomaly(o, e))
        return true;
    if (!o->due)
        return false;
    which = (enum due)__builtin_ctz(o->due);
    o->due &= o->due - 1;
    e->kind = (enum smtp_observed_kind)kinds[which];
    fill_due(o, which, e);
    return true;
}

/* ---- gaps and ends ---- */

void smtp_observer_client_gap(struct smtp_observer *o, uint64_t len)
{
    switch ((enum state)o->state) {
    case STATE_DATA:
        smtp_reader_gap(&o->data);
        break;
    case STATE_CHUNK:
        if (len < o->data.left) {
            o->data.left -= len;
            break;
        }
        /* What lies behind the chunk was lost with its end. */
        on_chunk_end(o);
        if (len > o->data.left)
            loose_line_gap(&o->line);
        o->data.left = 0;
        break;
    case STATE_HELD:
        smtp_observer_assume(o);
        if (o->state == STATE_COMMANDS || o->state == STATE_RESPONSE)
            loose_line_gap(&o->line);
        break;
    case STATE_COMMANDS:
    case STATE_RESPONSE:
        loose_line_gap(&o->line);
        break;
    case STATE_TLS:
        break;
    }
}

void smtp_observer_server_gap(struct smtp_observer *o)
{
    smtp_reply_reader_gap(&o->replies);
    o->greeted = true;
    o->lost_answer = o->state == STATE_HELD;
}

void smtp_observer_finish(struct smtp_observer *o, struct smtp_observed *event_out)
{
    smtp_observer_event(event_out);
    if (smtp_observer_due(o, event_out) || !o->open)
        return;
    o->answer = (struct smtp_reply_line){0};
    /* A whole message whose verdict was not seen is one all the same. */
    if (o->ended) {
        smtp_observer_close(o);
        smtp_observer_program(o, DUE_VERDICT);
    } else {
        o->anomalies |= smtp_odd_finish(&o->odd);
        smtp_observer_abandon(o);
    }
    smtp_observer_release(o, STATE_COMMANDS);
    smtp_observer_due(o, event_out);
}
