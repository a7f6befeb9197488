/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_observer.h"

#include "proto/base/ascii.h"

/* What a command's good answer brings beyond its line, and what else it means. */
enum kind {
    KIND_OTHER,
    KIND_LIST, /* lines up to a dot */
    KIND_RETR,
    KIND_TOP,
    KIND_USER,
    KIND_PASS,
    KIND_APOP,
    KIND_AUTH,
    KIND_STLS,
    KIND_UNKNOWN, /* one word: a response to an AUTH that was missed, for all that is known */
    KINDS,
};

static const struct {
    const char *word;
    uint8_t kind;
    bool alone; /* ... only without an argument */
} verbs[] = {
    {"RETR", KIND_RETR, false},  {"TOP", KIND_TOP, false},    {"LIST", KIND_LIST, true},
    {"UIDL", KIND_LIST, true},   {"CAPA", KIND_LIST, false},  {"USER", KIND_USER, false},
    {"PASS", KIND_PASS, false},  {"APOP", KIND_APOP, false},  {"AUTH", KIND_AUTH, false},
    {"STLS", KIND_STLS, false},  {"LANG", KIND_LIST, true},   {"STAT", KIND_OTHER, false},
    {"DELE", KIND_OTHER, false}, {"NOOP", KIND_OTHER, false}, {"RSET", KIND_OTHER, false},
    {"QUIT", KIND_OTHER, false}, {"UTF8", KIND_OTHER, false},
};

static const char *const names[KINDS] = {
    [KIND_OTHER] = "",    [KIND_LIST] = "LIST", [KIND_RETR] = "RETR", [KIND_TOP] = "TOP",
    [KIND_USER] = "USER", [KIND_PASS] = "PASS", [KIND_APOP] = "APOP", [KIND_AUTH] = "AUTH",
    [KIND_STLS] = "STLS", [KIND_UNKNOWN] = "?",
};

void pop3_observer_init(struct pop3_observer *o, bool midstream)
{
    *o = (struct pop3_observer){.greeted = midstream};
    loose_line_init(&o->line[0], POP3_OBSERVER_LINE_MAX);
    loose_line_init(&o->line[1], POP3_OBSERVER_LINE_MAX);
}

void pop3_observer_attach(struct pop3_observer *o, bool client, uint8_t *buffer)
{
    loose_line_attach(&o->line[!client], buffer);
}

uint8_t *pop3_observer_take_back(struct pop3_observer *o, bool client)
{
    return loose_line_take_back(&o->line[!client]);
}

void pop3_observer_gap(struct pop3_observer *o, bool client)
{
    if (!client && o->text)
        smtp_reader_gap(&o->data);
    else
        loose_line_gap(&o->line[!client]);
    /* Answers can no longer be counted: what was asked is forgotten. */
    o->count = client || o->text ? o->count : 0;
}

static struct span take_word(struct span *s)
{
    size_t n = 0;
    struct span word;

    while (n < s->len && s->data[n] != ' ')
        n++;
    word = span_head(*s, n);
    *s = span_skip(*s, n);
    while (s->len && s->data[0] == ' ')
        *s = span_skip(*s, 1);
    return word;
}

static uint8_t kind_of(struct span word, struct span argument)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (span_equal_nocase(word, span_text(verbs[i].word)))
            return verbs[i].alone && argument.len ? (uint8_t)KIND_OTHER : verbs[i].kind;
    return argument.len ? KIND_OTHER : KIND_UNKNOWN;
}

static void push(struct pop3_observer *o, uint8_t kind)
{
    if (o->count == POP3_OBSERVER_QUEUE)
        o->count = 0;
    o->queue[(o->first + o->count++) % POP3_OBSERVER_QUEUE] = kind;
}

static void set_user(struct pop3_observer *o, const char *mechanism, struct span user)
{
    sasl_observer_begin(&o->sasl, span_text(mechanism));
    user = span_head(user, SASL_USER_MAX);
    o->sasl.user_len = (uint8_t)user.len;
    if (user.len)
        memcpy(o->sasl.user, user.data, user.len);
}

static void on_command(struct pop3_observer *o, struct span line, struct pop3_observed *e)
{
    struct span argument = line, word = take_word(&argument), user;
    uint8_t kind = kind_of(word, argument);

    *e = (struct pop3_observed){
        .kind = POP3_OBSERVED_COMMAND, .name = word, .text = line, .secret = (uint32_t)line.len};
    if (kind == KIND_UNKNOWN) {
        e->name = span_text(names[kind]);
        e->secret = 0;
    }
    if (kind == KIND_PASS || kind == KIND_APOP || kind == KIND_AUTH) {
        user = take_word(&argument);
        e->secret = (uint32_t)((kind == KIND_PASS ? user.data : argument.data) - line.data);
        if (kind == KIND_APOP)
            set_user(o, "APOP", user);
        if (kind == KIND_AUTH) {
            sasl_observer_begin(&o->sasl, user);
            if (argument.len)
                sasl_observer_response(&o->sasl, argument);
        }
    }
    if (kind == KIND_USER)
        set_user(o, "USER", argument);
    push(o, kind);
}

void pop3_observer_client(struct pop3_observer *o, struct span *in, struct pop3_observed *event_out)
{
    struct span line;

    *event_out = (struct pop3_observed){.kind = POP3_OBSERVED_MORE};
    if (o->tls)
        return;
    switch (loose_line_feed(&o->line[0], in, &line)) {
    case LOOSE_BUFFER:
        event_out->kind = POP3_OBSERVED_BUFFER;
        break;
    case LOOSE_LINE:
        if (o->responding) {
            o->responding = false;
            sasl_observer_response(&o->sasl, line);
            *event_out = (struct pop3_observed){
                .kind = POP3_OBSERVED_COMMAND, .name = span_text("AUTH"), .text = line};
            push(o, KIND_AUTH);
        } else {
            on_command(o, line, event_out);
        }
        break;
    case LOOSE_MORE:
        break;
    }
}

static void begin_text(struct pop3_observer *o, uint8_t kind)
{
    o->text = true;
    o->message = kind == KIND_RETR || kind == KIND_TOP;
    o->partly = kind == KIND_TOP;
    smtp_reader_init(&o->data, POP3_OBSERVER_LINE_MAX, 0);
    smtp_reader_set_lenient(&o->data);
    smtp_reader_begin_data(&o->data);
    if (o->message)
        o->due = POP3_OBSERVED_BEGIN;
}

static void act(struct pop3_observer *o, uint8_t kind)
{
    if (kind == KIND_PASS || kind == KIND_APOP || kind == KIND_AUTH)
        o->due = POP3_OBSERVED_LOGIN;
    if (!o->good)
        return;
    if (kind == KIND_LIST || kind == KIND_RETR || kind == KIND_TOP)
        begin_text(o, kind);
    if (kind == KIND_STLS) {
        o->tls = true;
        o->due = POP3_OBSERVED_STARTTLS;
    }
}

/* continuation = "+" SP [ challenge ]                                  ; RFC 5034 section 4 */
static bool is_continuation(struct span line)
{
    return line.len && line.data[0] == '+' && (line.len == 1 || line.data[1] == ' ');
}

/* Only AUTH is answered so: answers that were missed must not shift it. */
static void skip_to_auth(struct pop3_observer *o)
{
    uint8_t skip = 0;

    while (skip < o->count && o->queue[(o->first + skip) % POP3_OBSERVER_QUEUE] != KIND_AUTH)
        skip++;
    if (skip == o->count)
        return;
    o->first = (uint8_t)((o->first + skip) % POP3_OBSERVER_QUEUE);
    o->count = (uint8_t)(o->count - skip);
}

/* False: it tells nothing. */
static bool on_reply(struct pop3_observer *o, struct span line, struct pop3_observed *e)
{
    struct span text = line, word = take_word(&text);
    uint8_t kind = KIND_OTHER;

    o->good = span_equal_nocase(word, span_text("+OK"));
    if (!o->good && !is_continuation(line) && !span_equal_nocase(word, span_text("-ERR")))
        return false;
    e->kind = POP3_OBSERVED_ANSWER;
    e->text = text;
    e->good = o->good;
    /* Clients wait for a greeting: behind a command there was none, or it was missed. */
    if (!o->greeted && !o->count) {
        o->greeted = true;
        e->kind = POP3_OBSERVED_GREETING;
        return true;
    }
    o->greeted = true;
    if (is_continuation(line))
        skip_to_auth(o);
    if (o->count) {
        kind = o->queue[o->first];
        o->first = (uint8_t)((o->first + 1) % POP3_OBSERVER_QUEUE);
        o->count--;
    }
    e->name = span_text(names[kind]);
    if (kind == KIND_AUTH && is_continuation(line))
        o->responding = true;
    else
        act(o, kind);
    return true;
}

static bool tell_due(struct pop3_observer *o, struct pop3_observed *e)
{
    if (!o->due)
        return false;
    e->kind = (enum pop3_observed_kind)o->due;
    o->due = 0;
    e->good = o->good;
    e->partly = o->partly;
    if (e->kind == POP3_OBSERVED_LOGIN) {
        e->name = sasl_observer_mechanism(&o->sasl);
        e->text = sasl_observer_user(&o->sasl);
    }
    return true;
}

/* True: an event, or there may be more to read. */
static bool next_text(struct pop3_observer *o, struct span *in, struct pop3_observed *e)
{
    struct span text = {0};

    switch (smtp_reader_next(&o->data, in, &text)) {
    case SMTP_READER_TEXT:
    case SMTP_READER_ODD:
        if (o->message) {
            e->kind = POP3_OBSERVED_TEXT;
            e->text = text;
        }
        return true;
    case SMTP_READER_END:
        o->text = false;
        if (o->message)
            e->kind = POP3_OBSERVED_END;
        return true;
    default:
        return false;
    }
}

static bool step_server(struct pop3_observer *o, struct span *in, struct pop3_observed *e)
{
    struct span line;

    if (tell_due(o, e))
        return true;
    if (o->tls)
        return false;
    if (o->text)
        return next_text(o, in, e);
    switch (loose_line_feed(&o->line[1], in, &line)) {
    case LOOSE_BUFFER:
        e->kind = POP3_OBSERVED_BUFFER;
        return true;
    case LOOSE_LINE:
        on_reply(o, line, e);
        return true;
    case LOOSE_MORE:
        break;
    }
    return false;
}

void pop3_observer_server(struct pop3_observer *o, struct span *in, struct pop3_observed *event_out)
{
    *event_out = (struct pop3_observed){.kind = POP3_OBSERVED_MORE};
    while (step_server(o, in, event_out) && event_out->kind == POP3_OBSERVED_MORE)
        continue;
}
