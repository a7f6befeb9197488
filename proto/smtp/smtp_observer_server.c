/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_observer_inside.h"

/* What only one kind of command is answered. */
static uint8_t only_answer_to(const struct smtp_observer *o, uint16_t code)
{
    if (code == 354)
        return SMTP_VERB_DATA;
    if (code == 334 || code == 235)
        return SMTP_VERB_AUTH;
    return code == 221 ? SMTP_VERB_QUIT : PENDING_NONE;
}

/* The command that the reply answers. An answer that was lost must not shift all that follow. */
static struct smtp_pending pop(struct smtp_observer *o, uint16_t code)
{
    uint8_t only = only_answer_to(o, code), skip = 0;

    while (only != PENDING_NONE && skip < o->queue_count &&
           o->queue[(o->queue_first + skip) % SMTP_OBSERVER_QUEUE].what != only)
        skip++;
    if (skip == o->queue_count)
        skip = 0;
    if (o->queue_count == 0 ||
        (only == SMTP_VERB_DATA &&
         o->queue[(o->queue_first + skip) % SMTP_OBSERVER_QUEUE].what != only))
        return (struct smtp_pending){.what = PENDING_NONE};
    o->queue_first = (uint8_t)((o->queue_first + skip + 1) % SMTP_OBSERVER_QUEUE);
    o->queue_count = (uint8_t)(o->queue_count - skip - 1);
    return o->queue[(o->queue_first + SMTP_OBSERVER_QUEUE - 1) % SMTP_OBSERVER_QUEUE];
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param )                        ; RFC 5321 section 4.1.1.1 */
static void read_capability(struct smtp_observer *o, const struct smtp_reply_line *l)
{
    if (l->number && l->code == 250 && o->queue_count &&
        o->queue[o->queue_first].what == SMTP_VERB_EHLO &&
        span_equal_nocase(span_head(l->text, 8), span_text("CHUNKING")))
        o->chunking = true;
}

static void resolve(struct smtp_observer *o, uint8_t what, bool good)
{
    if (o->state != STATE_HELD || o->waits_for != what)
        return;
    smtp_observer_release(o, STATE_COMMANDS);
    if (what == SMTP_VERB_BDAT && good)
        smtp_observer_begin_chunk(o, o->chunk, o->last_chunk);
}

static void answer_end(struct smtp_observer *o)
{
    resolve(o, PENDING_END, true);
    smtp_observer_close(o);
    smtp_observer_program(o, DUE_VERDICT);
}

static void answer_data(struct smtp_observer *o, bool go_ahead)
{
    if (o->state != STATE_HELD || o->waits_for != SMTP_VERB_DATA)
        return;
    if (go_ahead) {
        smtp_observer_begin_data(o);
    } else {
        o->refused_data = true;
        smtp_observer_release(o, STATE_COMMANDS);
    }
}

static void answer_auth(struct smtp_observer *o, uint16_t code)
{
    resolve(o, SMTP_VERB_AUTH, true);
    if (code / 100 == 3)
        o->state = STATE_RESPONSE;
    else
        smtp_observer_program(o, DUE_AUTH);
}

static void answer_tls(struct smtp_observer *o, bool good)
{
    if (o->state != STATE_HELD || o->waits_for != SMTP_VERB_STARTTLS)
        return;
    smtp_observer_release(o, STATE_COMMANDS);
    if (!good)
        return;
    /* Both forget what was said in the clear (RFC 3207 section 4.2). */
    smtp_observer_abandon(o);
    o->state = STATE_TLS;
    smtp_observer_program(o, DUE_STARTTLS);
}

/* The first answers of a new identity or of RSET end a transaction (RFC 5321 section 4.1.4). */
static void answer_reset(struct smtp_observer *o, uint8_t what, bool good, bool mine)
{
    o->helo_answered |= what == SMTP_VERB_EHLO || what == SMTP_VERB_HELO;
    /* A MAIL that was sent behind it is of another transaction; and in the middle of data it
     * answers something from before a gap. */
    if (good && mine && o->state != STATE_DATA && o->state != STATE_CHUNK)
        smtp_observer_abandon(o);
    resolve(o, what, good);
}

static void act_on_answer(struct smtp_observer *o, const struct smtp_pending *p, uint16_t code)
{
    bool good = code < 400, mine = p->serial == o->serial;

    switch (p->what) {
    case SMTP_VERB_MAIL:
        if (!good && mine && !o->text)
            smtp_observer_abandon(o);
        break;
    case SMTP_VERB_RCPT:
        o->accepted += good && mine;
        break;
    case SMTP_VERB_EHLO:
    case SMTP_VERB_HELO:
    case SMTP_VERB_RSET:
    case SMTP_VERB_XCLIENT:
        answer_reset(o, p->what, good, mine);
        break;
    case SMTP_VERB_DATA:
        answer_data(o, code / 100 == 3);
        break;
    case SMTP_VERB_AUTH:
        answer_auth(o, code);
        break;
    case SMTP_VERB_STARTTLS:
        answer_tls(o, good);
        break;
    default:
        break;
    }
}

/* A reply in the middle of a message: the server has had enough of it, or takes for its end what is
 * none. */
static void early_verdict(struct smtp_observer *o)
{
    smtp_observer_note(o, SMTP_ANOMALY_EARLY_VERDICT);
    smtp_observer_end_text(o);
    smtp_observer_release(o, STATE_COMMANDS);
    answer_end(o);
}

static void unasked(struct smtp_observer *o, const struct smtp_reply_line *l,
                    struct smtp_observed *e)
{
    if (smtp_observer_in_text(o)) {
        early_verdict(o);
        return;
    }
    e->kind = SMTP_OBSERVED_ANSWER;
    /* Behind a gap: the command was not seen. */
    if (l->code == 354 && o->state == STATE_COMMANDS)
        smtp_observer_begin_data(o);
    else if (l->code != 421)
        smtp_observer_note(o, SMTP_ANOMALY_REPLY_UNASKED);
}

/* An answer to the end of data; with PRDR (draft-hall-prdr) there is one for each recipient, and
 * then one for all. */
static void answer_message(struct smtp_observer *o, const struct smtp_pending *p,
                           struct smtp_observed *e)
{
    if (o->lmtp && !o->each)
        o->each = o->accepted;
    if (e->code == 353 && !o->each && o->accepted) {
        o->each = (uint16_t)(o->accepted + 1);
    } else if (o->each > 1) {
        o->each--;
    } else {
        answer_end(o);
        return;
    }
    e->kind = SMTP_OBSERVED_ANSWER;
    /* The next reply is to the same. */
    o->queue_first = (uint8_t)((o->queue_first + SMTP_OBSERVER_QUEUE - 1) % SMTP_OBSERVER_QUEUE);
    o->queue[o->queue_first] = *p;
    o->queue_count++;
}

static void on_reply(struct smtp_observer *o, const struct smtp_reply_line *l,
                     struct smtp_observed *e)
{
    struct smtp_pending p;

    o->answer = *l;
    o->assumed = false;
    e->code = l->code;
    e->text = l->text;
    memcpy(e->enhanced, l->enhanced, sizeof(e->enhanced));
    if (!o->greeted) {
        o->greeted = true;
        if (l->code == 220 || l->code == 554 || l->code == 421) {
            e->kind = SMTP_OBSERVED_GREETING;
            return;
        }
    }
    p = pop(o, l->code);
    if (p.what == PENDING_NONE) {
        unasked(o, l, e);
        return;
    }
    if (p.what == PENDING_END && o->ended && p.serial == o->serial) {
        answer_message(o, &p, e);
        return;
    }
    /* The server knows enough before the last chunk is whole. */
    if (p.what == PENDING_END && o->text && p.serial == o->serial)
        o->early_code = l->code;
    e->kind = SMTP_OBSERVED_ANSWER;
    e->verb = p.what < SMTP_VERB_COUNT ? (enum smtp_verb)p.what : SMTP_VERB_BDAT;
    e->index = p.serial == o->serial ? p.index : (uint16_t)SMTP_OBSERVER_NO_INDEX;
    act_on_answer(o, &p, l->code);
    /* The chunk's bytes waited for this. */
    if (p.what >= PENDING_END)
        resolve(o, SMTP_VERB_BDAT, l->code < 400);
}

static bool step_server(struct smtp_observer *o, struct span *in, struct smtp_observed *e)
{
    struct smtp_reply_line l;

    if (o->state == STATE_TLS)
        return false;
    switch (smtp_reply_reader_next(&o->replies, in, &l)) {
    case SMTP_REPLY_READ_MORE:
        return false;
    case SMTP_REPLY_READ_BUFFER:
        e->kind = SMTP_OBSERVED_SERVER_BUFFER;
        return true;
    case SMTP_REPLY_READ_LINE:
        break;
    }
    if (l.stray) {
        smtp_observer_note(o, SMTP_ANOMALY_REPLY_STRAY);
        return true;
    }
    if (l.sloppy)
        smtp_observer_note(o, SMTP_ANOMALY_REPLY_FORM);
    read_capability(o, &l);
    if (l.last)
        on_reply(o, &l, e);
    return true;
}

void smtp_observer_server(struct smtp_observer *o, struct span *in, struct smtp_observed *event_out)
{
    smtp_observer_event(event_out);
    o->one_sided &= in->len == 0;
    while (!smtp_observer_due(o, event_out) && step_server(o, in, event_out) &&
           event_out->kind == SMTP_OBSERVED_MORE)
        continue;
}
