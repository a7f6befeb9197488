/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_offer.h"
#include "proto/smtp/smtp_server_state.h"

/* What came of an input: an action for the session, or nothing that concerns it. */
enum { ACTION_NONE = -1 };

/* Every end of a transaction goes through here. */
static void end_transaction(struct smtp_server *s)
{
    s->reset |= s->state >= STATE_MAIL;
    if (s->state >= STATE_MAIL)
        s->state = STATE_READY;
}

static int reply(struct smtp_server *s, enum smtp_reply_id id)
{
    s->reply = (uint8_t)id;
    return ACTION_NONE;
}

/* A reply is shorter than any length that does not fit. */
static uint16_t text_len(struct span text)
{
    return text.len < UINT16_MAX ? (uint16_t)text.len : UINT16_MAX;
}

static void set_own_text(struct smtp_server *s, struct span text)
{
    s->own_text = text.data;
    s->own_text_len = text_len(text);
}

static void set_refusal(struct smtp_server *s, enum smtp_reply_id id, struct span own_text)
{
    s->refusal = (uint8_t)id;
    s->refusal_text = own_text.data;
    s->refusal_text_len = text_len(own_text);
}

/* What the message or the chunk was refused with, now that all of it has been read. */
static int reply_refusal(struct smtp_server *s)
{
    set_own_text(s, span_of(s->refusal_text, s->refusal_text_len));
    return reply(s, (enum smtp_reply_id)s->refusal);
}

static int ask(struct smtp_server *s, enum smtp_action_kind kind)
{
    s->waiting = (uint8_t)kind;
    return kind;
}

static int on_helo(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    s->esmtp = c->verb == SMTP_VERB_EHLO;
    action->name = c->argument;
    action->esmtp = s->esmtp;
    return ask(s, SMTP_ACTION_HELO);
}

/* Passwords may be said on this stream. */
static bool may_authenticate(const struct smtp_server *s)
{
    return s->options->mechanisms.len && s->options->cleartext;
}

/* RFC 4954 section 4: once in a session, and between transactions. */
static int on_auth(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    if (s->known)
        return reply(s, SMTP_REPLY_BAD_SEQUENCE);
    if (!may_authenticate(s))
        return reply(s, SMTP_REPLY_AUTH_NEEDS_ENCRYPTION);
    action->mechanism = c->argument;
    action->initial = c->initial.len ? c->initial : span_of(NULL, 0);
    return ask(s, SMTP_ACTION_AUTH);
}

static int on_mail(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    if (s->options->mechanisms.len && !s->known)
        return reply(s, SMTP_REPLY_AUTH_REQUIRED);
    if (c->on_behalf && !s->options->mechanisms.len)
        return reply(s, SMTP_REPLY_UNKNOWN_PARAMETER);
    /* RFC 8689 section 2: the session has to be under TLS itself. */
    if (c->require_tls && !s->options->requiretls)
        return reply(s, SMTP_REPLY_REQUIRETLS_NOT_HERE);
    /* RFC 1870 section 6.1 */
    if (s->options->size_max && c->size > s->options->size_max)
        return reply(s, SMTP_REPLY_TOO_BIG);
    /* RFC 6531 section 3.5 */
    if (c->path.utf8 && !c->smtputf8)
        return reply(s, SMTP_REPLY_UTF8_SENDER);
    s->utf8 = c->smtputf8;
    s->prdr = c->prdr;
    s->binary = c->body == SMTP_BODY_BINARYMIME;
    action->path = c->path;
    action->size = c->size;
    action->body = c->body;
    action->smtputf8 = c->smtputf8;
    action->prdr = c->prdr;
    action->require_tls = c->require_tls;
    return ask(s, SMTP_ACTION_MAIL);
}

static int on_rcpt(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    if (s->recipients >= s->options->recipients_max)
        return reply(s, SMTP_REPLY_TOO_MANY_RECIPIENTS);
    if (c->path.utf8 && !s->utf8)
        return reply(s, SMTP_REPLY_UTF8_RECIPIENT);
    action->path = c->path;
    return ask(s, SMTP_ACTION_RCPT);
}

static int on_data(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    (void)c;
    (void)action;
    /* RFC 3030 section 3 */
    if (s->binary)
        return reply(s, SMTP_REPLY_NOT_BINARY);
    if (s->recipients == 0)
        return reply(s, SMTP_REPLY_NO_RECIPIENT);
    return ask(s, SMTP_ACTION_DATA);
}

static int on_xclient(struct smtp_server *s, const struct smtp_command *c,
                      struct smtp_action *action)
{
    action->xclient = c->xclient;
    return ask(s, SMTP_ACTION_XCLIENT);
}

static int on_rset(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    (void)c;
    (void)action;
    end_transaction(s);
    return reply(s, SMTP_REPLY_RESET);
}

static int on_quit(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action)
{
    (void)c;
    (void)action;
    end_transaction(s);
    s->closing = true;
    return reply(s, SMTP_REPLY_BYE);
}

#define BIT(state) (1u << (state))
#define GREETED                                                                                    \
    (BIT(STATE_READY) | BIT(STATE_MAIL) | BIT(STATE_RCPT) | BIT(STATE_CHUNKS) | BIT(STATE_FAILED))
#define SERVED (BIT(STATE_GREET) | GREETED)

/* In which states a command is taken, and by whom; one without a handler has a fixed reply. */
static const struct {
    unsigned states;
    int (*run)(struct smtp_server *s, const struct smtp_command *c, struct smtp_action *action);
    enum smtp_reply_id reply;
} commands[SMTP_VERB_COUNT] = {
    [SMTP_VERB_EHLO] = {.states = SERVED, .run = on_helo},
    [SMTP_VERB_HELO] = {.states = SERVED, .run = on_helo},
    [SMTP_VERB_XCLIENT] = {.states = BIT(STATE_GREET) | BIT(STATE_READY), .run = on_xclient},
    [SMTP_VERB_AUTH] = {.states = BIT(STATE_READY), .run = on_auth},
    [SMTP_VERB_STARTTLS] = {.states = BIT(STATE_READY), .reply = SMTP_REPLY_START_TLS},
    [SMTP_VERB_MAIL] = {.states = BIT(STATE_READY), .run = on_mail},
    [SMTP_VERB_RCPT] = {.states = BIT(STATE_MAIL) | BIT(STATE_RCPT), .run = on_rcpt},
    [SMTP_VERB_DATA] = {.states = BIT(STATE_MAIL) | BIT(STATE_RCPT), .run = on_data},
    [SMTP_VERB_RSET] = {.states = SERVED, .run = on_rset},
    [SMTP_VERB_QUIT] = {.states = SERVED | BIT(STATE_REFUSED), .run = on_quit},
    [SMTP_VERB_NOOP] = {.states = SERVED, .reply = SMTP_REPLY_NOOP},
    [SMTP_VERB_VRFY] = {.states = SERVED, .reply = SMTP_REPLY_VRFY},
    [SMTP_VERB_HELP] = {.states = SERVED, .reply = SMTP_REPLY_HELP},
};

static void refuse_message(struct smtp_server *s, enum smtp_reply_id id, struct span own_text)
{
    s->state = s->state == STATE_DATA ? STATE_SWALLOW : STATE_FAILED;
    smtp_reader_discard_chunk(&s->reader);
    set_refusal(s, id, own_text);
    s->own = false;
}

/* The same, of the machine's own accord. */
static void refuse_at_once(struct smtp_server *s, enum smtp_reply_id id)
{
    refuse_message(s, id, span_of(NULL, 0));
    s->refused = true;
    s->own = true;
}

/* Octets that the message may still have; settings may have become narrower while it came. */
static uint64_t size_left(const struct smtp_server *s)
{
    uint64_t max = s->options->size_max;

    if (!max)
        return UINT64_MAX;
    return max > s->size ? max - s->size : 0;
}

/* What a chunk out of place is answered behind its octets. */
static int pass_chunk(struct smtp_server *s, enum smtp_reply_id id)
{
    smtp_reader_discard_chunk(&s->reader);
    set_refusal(s, id, span_of(NULL, 0));
    return ACTION_NONE;
}

/*
 * RFC 3030 section 2: the octets of a refused chunk come all the same, and are never read as
 * commands. A line that does not say how many they are ends the session. Once a chunk is refused so
 * are those that follow, or what is left of a message could pass for a whole one.
 */
static int on_bdat(struct smtp_server *s, const struct smtp_command *c, enum smtp_reply_id bad)
{
    if (bad != SMTP_REPLY_NONE) {
        end_transaction(s);
        s->closing = true;
        return reply(s, SMTP_REPLY_BAD_CHUNK);
    }
    smtp_reader_set_binary(&s->reader, s->binary);
    smtp_reader_begin_chunk(&s->reader, c->size, s->state != STATE_CHUNKS, c->last);
    switch (s->state) {
    case STATE_RCPT:
    case STATE_CHUNKS:
        return ask(s, SMTP_ACTION_DATA);
    case STATE_FAILED:
        smtp_reader_discard_chunk(&s->reader);
        return ACTION_NONE;
    case STATE_MAIL:
        refuse_message(s, SMTP_REPLY_NO_RECIPIENT, span_of(NULL, 0));
        return ACTION_NONE;
    default:
        return pass_chunk(s, s->state == STATE_GREET ? SMTP_REPLY_HELO_FIRST
                                                     : SMTP_REPLY_BAD_SEQUENCE);
    }
}

/* True beyond the limit of commands that bring no message nearer. */
static bool is_idling(struct smtp_server *s, enum smtp_verb verb)
{
    if (!smtp_verb_idle(verb) || !s->options->idle_max)
        return false;
    if (s->idle == s->options->idle_max)
        return true;
    s->idle++;
    return false;
}

/* AUTH is there for who may submit and has said EHLO. */
static bool is_offered(const struct smtp_server *s, enum smtp_verb verb)
{
    return verb == SMTP_VERB_XCLIENT    ? s->trusted
           : verb == SMTP_VERB_STARTTLS ? s->options->starttls
           : verb == SMTP_VERB_AUTH
               ? s->options->mechanisms.len && (s->esmtp || s->state == STATE_GREET)
               : true;
}

static int on_response(struct smtp_server *s, struct span line, struct smtp_action *action)
{
    action->bytes = line;
    return ask(s, SMTP_ACTION_RESPONSE);
}

static int on_line(struct smtp_server *s, struct span line, struct smtp_action *action)
{
    struct smtp_command c;
    enum smtp_reply_id bad;

    if (s->state == STATE_EXCHANGE)
        return on_response(s, line, action);
    bad = smtp_command_parse(line, &c);
    if (c.verb == SMTP_VERB_BDAT)
        return on_bdat(s, &c, bad);
    if (!is_offered(s, c.verb))
        return reply(s, SMTP_REPLY_NOT_OFFERED);
    /* Lines of AUTH alone may be that long. */
    if (line.len + 2 > SMTP_COMMAND_LINE_MAX && c.verb != SMTP_VERB_AUTH)
        return reply(s, SMTP_REPLY_COMMAND_TOO_LONG);
    if (is_idling(s, c.verb))
        return reply(s, SMTP_REPLY_TOO_MANY_COMMANDS);
    if (c.verb == SMTP_VERB_EXPN)
        return reply(s, SMTP_REPLY_EXPN);
    if (bad == SMTP_REPLY_UNKNOWN_COMMAND || bad == SMTP_REPLY_NOT_OFFERED)
        return reply(s, bad);
    if (!(commands[c.verb].states & BIT(s->state)))
        return reply(s, s->state == STATE_GREET ? SMTP_REPLY_HELO_FIRST : SMTP_REPLY_BAD_SEQUENCE);
    /* HELO asks for no extensions (RFC 5321 section 4.1.1.1), so none of them is there. */
    if (c.parameters && !s->esmtp)
        return reply(s, SMTP_REPLY_UNKNOWN_PARAMETER);
    if (bad != SMTP_REPLY_NONE)
        return reply(s, bad);
    s->upgrade = c.verb == SMTP_VERB_STARTTLS;
    if (!commands[c.verb].run)
        return reply(s, commands[c.verb].reply);
    return commands[c.verb].run(s, &c, action);
}

static int on_text(struct smtp_server *s, struct span text, struct smtp_action *action)
{
    uint64_t left = size_left(s);

    if (s->state == STATE_SWALLOW)
        return ACTION_NONE;
    if (text.len > left)
        refuse_at_once(s, SMTP_REPLY_TOO_BIG);
    /* Exactly size_max octets are handed out, however the input was cut. */
    action->bytes = span_head(text, left < text.len ? (size_t)left : text.len);
    s->size += action->bytes.len;
    return action->bytes.len ? SMTP_ACTION_TEXT : ACTION_NONE;
}

static int on_end(struct smtp_server *s)
{
    if (s->state == STATE_DATA)
        return ask(s, SMTP_ACTION_END);
    end_transaction(s);
    return reply_refusal(s);
}

static int on_chunk(struct smtp_server *s)
{
    if (s->state == STATE_CHUNK && s->reader.last)
        return ask(s, SMTP_ACTION_END);
    if (s->state == STATE_CHUNK) {
        s->state = STATE_CHUNKS;
        return reply(s, SMTP_REPLY_CHUNK_OK);
    }
    if (s->state == STATE_FAILED && s->reader.last)
        end_transaction(s);
    return reply_refusal(s);
}

/* Where the octets of the chunk would end nobody can say, so nothing more is read. */
static int on_long_chunk(struct smtp_server *s)
{
    end_transaction(s);
    s->closing = true;
    return reply(s, SMTP_REPLY_CHUNK_LINE_TOO_LONG);
}

static int on_long(struct smtp_server *s, struct smtp_action *action)
{
    if (s->state == STATE_EXCHANGE) {
        action->too_long = true;
        return ask(s, SMTP_ACTION_RESPONSE);
    }
    if (!smtp_server_in_data(s) && smtp_reader_long_chunk(&s->reader))
        return on_long_chunk(s);
    if (s->state == STATE_DATA || s->state == STATE_CHUNK)
        refuse_at_once(s, SMTP_REPLY_TEXT_LINE_TOO_LONG);
    else if (s->state != STATE_SWALLOW)
        reply(s, SMTP_REPLY_COMMAND_TOO_LONG);
    return ACTION_NONE;
}

/* Framing is lost: whatever follows could be somebody else's message in disguise, so nothing more
 * is read. */
static int on_bad(struct smtp_server *s)
{
    end_transaction(s);
    set_own_text(s, span_of(NULL, 0));
    s->closing = true;
    return reply(s, smtp_reply_for_form(smtp_reader_form(&s->reader)));
}

static int read_on(struct smtp_server *s, struct span *in, struct smtp_action *action)
{
    struct span bytes = {0};

    switch (smtp_reader_next(&s->reader, in, &bytes)) {
    case SMTP_READER_MORE:
        return SMTP_ACTION_MORE;
    case SMTP_READER_BUFFER:
        return SMTP_ACTION_BUFFER;
    case SMTP_READER_LINE:
        return on_line(s, bytes, action);
    case SMTP_READER_TEXT:
        return on_text(s, bytes, action);
    case SMTP_READER_END:
        return on_end(s);
    case SMTP_READER_CHUNK:
        return on_chunk(s);
    case SMTP_READER_LONG:
        return on_long(s, action);
    case SMTP_READER_ODD: /* of lenient readers alone */
    case SMTP_READER_BAD:
        break;
    }
    return on_bad(s);
}

/* Counts a reply that was sent, and draws what follows from it. */
static void sent(struct smtp_server *s, enum smtp_reply_id id)
{
    unsigned code = smtp_reply_row(id)->code;

    if (code == 421) {
        end_transaction(s);
        s->closing = true;
    }
    /* What recipients do not want is no error of the client's. */
    if (code >= 500 && s->state != STATE_VERDICTS && ++s->errors >= s->options->errors_max &&
        !s->closing)
        smtp_server_stop(s, SMTP_REPLY_TOO_MANY_ERRORS);
}

static int send_reply(struct smtp_server *s, uint8_t *due, struct writer *scratch,
                      struct smtp_action *action)
{
    enum smtp_reply_id id = (enum smtp_reply_id) * due;
    size_t start = scratch->len;

    if (writer_room(scratch) < SMTP_SERVER_ROOM)
        return SMTP_ACTION_ROOM;
    *due = SMTP_REPLY_NONE;
    smtp_offer_reply(scratch, s->options, s->trusted, may_authenticate(s), id,
                     span_of(s->own_text, s->own_text_len));
    set_own_text(s, span_of(NULL, 0));
    action->reply = id;
    action->ends = s->reset || smtp_reply_row(id)->code == 421;
    action->bytes = span_skip(writer_span(scratch), start);
    sent(s, id);
    return SMTP_ACTION_REPLY;
}

/* What is owed before anything more is read, in this order. */
static int due(struct smtp_server *s, struct writer *scratch, struct smtp_action *action)
{
    if (s->refused) {
        s->refused = false;
        action->reply = (enum smtp_reply_id)s->refusal;
        return SMTP_ACTION_REFUSED;
    }
    if (s->reply)
        return send_reply(s, &s->reply, scratch, action);
    if (s->reset) {
        s->reset = false;
        return SMTP_ACTION_RESET;
    }
    if (s->farewell)
        return send_reply(s, &s->farewell, scratch, action);
    if (s->closing)
        return SMTP_ACTION_CLOSE;
    if (s->upgrade) {
        s->upgrade = false;
        return ask(s, SMTP_ACTION_TLS);
    }
    if (s->waiting)
        return SMTP_ACTION_WAIT;
    if (s->state == STATE_VERDICTS) {
        action->index = s->verdict;
        return ask(s, s->verdict < s->recipients ? SMTP_ACTION_VERDICT : SMTP_ACTION_FINAL);
    }
    return s->state == STATE_CONNECT ? ask(s, SMTP_ACTION_CONNECT) : ACTION_NONE;
}

enum smtp_action_kind smtp_server_next(struct smtp_server *s, struct span *in,
                                       struct writer *scratch, struct smtp_action *action_out)
{
    int kind;

    *action_out = (struct smtp_action){.kind = SMTP_ACTION_MORE};
    do {
        kind = due(s, scratch, action_out);
        if (kind == ACTION_NONE)
            kind = read_on(s, in, action_out);
    } while (kind == ACTION_NONE);
    action_out->kind = (enum smtp_action_kind)kind;
    return action_out->kind;
}

/* A chunk that may come has no reply yet, and a refused one is read before it has. */
static void answer_chunk(struct smtp_server *s, enum smtp_reply_id id, struct span own_text)
{
    if (smtp_reply_row(id)->code == 421) {
        s->reply = (uint8_t)id;
        set_own_text(s, own_text);
    } else if (smtp_reply_refuses(id)) {
        refuse_message(s, id, own_text);
    } else {
        s->size = s->state == STATE_CHUNKS ? s->size : 0;
        s->state = STATE_CHUNK;
        if (s->reader.left > size_left(s))
            refuse_at_once(s, SMTP_REPLY_TOO_BIG);
    }
}

/* Moves the state by the answer to what waited; returns the reply that acceptance calls for. */
static enum smtp_reply_id answered(struct smtp_server *s, enum smtp_action_kind what, bool yes)
{
    switch (what) {
    case SMTP_ACTION_CONNECT:
        s->state = yes ? STATE_GREET : STATE_REFUSED;
        return SMTP_REPLY_READY;
    case SMTP_ACTION_HELO:
        if (yes) {
            end_transaction(s);
            s->state = STATE_READY;
        }
        return s->esmtp ? SMTP_REPLY_EHLO : SMTP_REPLY_HELO;
    case SMTP_ACTION_XCLIENT:
        s->state = yes ? STATE_CONNECT : s->state;
        s->known &= !yes;
        return SMTP_REPLY_NONE;
    case SMTP_ACTION_AUTH:
    case SMTP_ACTION_RESPONSE:
        return SMTP_REPLY_AUTH_OK;
    case SMTP_ACTION_VERDICT:
        s->verdict++;
        return SMTP_REPLY_ACCEPTED;
    case SMTP_ACTION_MAIL:
        if (yes) {
            s->state = STATE_MAIL;
            s->recipients = 0;
        }
        return SMTP_REPLY_MAIL_OK;
    case SMTP_ACTION_RCPT:
        if (yes) {
            s->state = STATE_RCPT;
            s->recipients++;
        }
        return SMTP_REPLY_RCPT_OK;
    case SMTP_ACTION_DATA:
        if (yes) {
            s->state = STATE_DATA;
            s->size = 0;
            smtp_reader_begin_data(&s->reader);
        }
        return SMTP_REPLY_GO_AHEAD;
    default:
        end_transaction(s);
        if (yes)
            s->errors = s->idle = 0;
        return SMTP_REPLY_ACCEPTED;
    }
}

bool smtp_server_answer(struct smtp_server *s, enum smtp_reply_id id, struct span own_text)
{
    enum smtp_action_kind what = (enum smtp_action_kind)s->waiting;
    enum smtp_reply_id usual;

    if (!s->waiting || what == SMTP_ACTION_TLS)
        return false;
    s->waiting = 0;
    if (what == SMTP_ACTION_DATA && smtp_reader_in_chunk(&s->reader)) {
        answer_chunk(s, id, own_text);
        return true;
    }
    if (what == SMTP_ACTION_END && id == SMTP_REPLY_PRDR && s->prdr) {
        s->state = STATE_VERDICTS;
        s->verdict = 0;
        s->reply = SMTP_REPLY_PRDR;
        return true;
    }
    usual = answered(s, what, !smtp_reply_refuses(id));
    s->reply = (uint8_t)(id == SMTP_REPLY_OK ? usual : id);
    if (what == SMTP_ACTION_AUTH || what == SMTP_ACTION_RESPONSE) {
        s->state = s->reply == SMTP_REPLY_AUTH_CHALLENGE ? STATE_EXCHANGE : STATE_READY;
        s->known = s->reply == SMTP_REPLY_AUTH_OK;
    }
    set_own_text(s, own_text);
    return true;
}

bool smtp_server_refuse(struct smtp_server *s, enum smtp_reply_id id, struct span own_text)
{
    bool own = s->own && (s->state == STATE_SWALLOW || s->state == STATE_FAILED);

    if (s->waiting || s->closing)
        return false;
    if (own) {
        s->own = s->refused = false;
        set_refusal(s, id, own_text);
        return true;
    }
    if (s->state != STATE_DATA && s->state != STATE_CHUNK && s->state != STATE_CHUNKS)
        return false;
    refuse_message(s, id, own_text);
    return true;
}

void smtp_server_stop(struct smtp_server *s, enum smtp_reply_id id)
{
    if (s->closing)
        return;
    s->waiting = 0;
    s->refused = false;
    s->closing = true;
    if (!s->reply)
        set_own_text(s, span_of(NULL, 0));
    s->farewell = (uint8_t)id;
    end_transaction(s);
}
