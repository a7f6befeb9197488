/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_observer.h"

#include "proto/base/ascii.h"

enum awaited { AWAIT_NOTHING, AWAIT_LOGIN, AWAIT_AUTHENTICATE, AWAIT_STARTTLS, AWAIT_COMPRESS };

void imap_observer_init(struct imap_observer *o, bool midstream)
{
    *o = (struct imap_observer){.greeted = midstream};
    loose_line_init(&o->side[0].line, IMAP_OBSERVER_LINE_MAX);
    loose_line_init(&o->side[1].line, IMAP_OBSERVER_LINE_MAX);
}

void imap_observer_attach(struct imap_observer *o, bool client, uint8_t *buffer)
{
    loose_line_attach(&o->side[!client].line, buffer);
}

uint8_t *imap_observer_take_back(struct imap_observer *o, bool client)
{
    return loose_line_take_back(&o->side[!client].line);
}

void imap_observer_gap(struct imap_observer *o, bool client)
{
    struct imap_side *s = &o->side[!client];

    loose_line_gap(&s->line);
    s->literal = 0;
    s->goes_on = false;
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

/* Octets of the literal that the line announces at its end; 0: none. */
static uint64_t announced(struct span line)
{
    uint64_t size = 0, place = 1;
    size_t n = line.len;

    if (n < 3 || line.data[--n] != '}')
        return 0;
    if (line.data[n - 1] == '+')
        n--;
    for (; n > 0 && (uint8_t)(line.data[n - 1] - '0') < 10; n--) {
        if (place > UINT64_MAX / 100)
            return 0;
        size += (uint64_t)(line.data[n - 1] - '0') * place;
        place *= 10;
    }
    return n > 0 && line.data[n - 1] == '{' && place > 1 ? size : 0;
}

static void set_user(struct imap_observer *o, struct span user)
{
    user = span_head(user, SASL_USER_MAX);
    o->sasl.user_len = (uint8_t)user.len;
    if (user.len)
        memcpy(o->sasl.user, user.data, user.len);
}

/* userid = astring: an atom or a quoted string here; a literal comes behind the line. */
static void read_user(struct imap_observer *o, struct span argument)
{
    ptrdiff_t end;

    sasl_observer_begin(&o->sasl, span_text("LOGIN"));
    if (argument.len && argument.data[0] == '"') {
        argument = span_skip(argument, 1);
        end = span_find(argument, '"');
        set_user(o, end < 0 ? argument : span_head(argument, (size_t)end));
    } else if (argument.len && argument.data[0] == '{') {
        o->user_next = true;
    } else {
        set_user(o, take_word(&argument));
    }
}

static void await(struct imap_observer *o, enum awaited what, struct span tag)
{
    tag = span_head(tag, IMAP_OBSERVER_TAG);
    o->awaited = (uint8_t)what;
    o->tag_len = (uint8_t)tag.len;
    if (tag.len)
        memcpy(o->tag, tag.data, tag.len);
}

/* What is no command may be the rest of a login of which something was missed. */
static bool is_command(struct span name)
{
    static const char *const names[] = {
        "APPEND",       "AUTHENTICATE",   "CAPABILITY", "CHECK",       "CLOSE",       "COMPRESS",
        "COPY",         "CREATE",         "DELETE",     "DELETEACL",   "ENABLE",      "EXAMINE",
        "EXPUNGE",      "FETCH",          "GETACL",     "GETMETADATA", "GETQUOTA",    "ID",
        "GETQUOTAROOT", "IDLE",           "LIST",       "LISTRIGHTS",  "LOGIN",       "LOGOUT",
        "LSUB",         "MOVE",           "MYRIGHTS",   "NAMESPACE",   "NOOP",        "NOTIFY",
        "RENAME",       "SEARCH",         "SELECT",     "SETACL",      "SETMETADATA", "SETQUOTA",
        "SORT",         "STARTTLS",       "STATUS",     "STORE",       "SUBSCRIBE",   "THREAD",
        "UID",          "UNAUTHENTICATE", "UNSELECT",   "UNSUBSCRIBE", "XLIST"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(name, span_text(names[i])))
            return true;
    return false;
}

/* command = tag SP command-name [SP arguments] */
static void on_command(struct imap_observer *o, struct span line, struct imap_observed *e)
{
    struct span rest = line, word;

    e->kind = IMAP_OBSERVED_COMMAND;
    e->text = line;
    e->secret = (uint32_t)line.len;
    e->tag = take_word(&rest);
    e->name = take_word(&rest);
    if (!is_command(e->name)) {
        e->name = span_text("?");
        e->secret = 0;
    } else if (span_equal_nocase(e->name, span_text("LOGIN"))) {
        e->secret = (uint32_t)(rest.data - line.data);
        read_user(o, rest);
        await(o, AWAIT_LOGIN, e->tag);
    } else if (span_equal_nocase(e->name, span_text("AUTHENTICATE"))) {
        word = take_word(&rest);
        e->secret = (uint32_t)(rest.data - line.data);
        sasl_observer_begin(&o->sasl, word);
        if (rest.len)
            sasl_observer_response(&o->sasl, rest);
        await(o, AWAIT_AUTHENTICATE, e->tag);
    } else if (span_equal_nocase(e->name, span_text("STARTTLS"))) {
        await(o, AWAIT_STARTTLS, e->tag);
    } else if (span_equal_nocase(e->name, span_text("COMPRESS"))) {
        await(o, AWAIT_COMPRESS, e->tag);
    }
}

static void on_client_line(struct imap_observer *o, struct span line, struct imap_observed *e)
{
    if (o->responding) {
        o->responding = false;
        sasl_observer_response(&o->sasl, line);
        *e = (struct imap_observed){
            .kind = IMAP_OBSERVED_COMMAND, .name = span_text("AUTHENTICATE"), .text = line};
    } else {
        on_command(o, line, e);
    }
}

static void on_answer(struct imap_observer *o, struct imap_observed *e)
{
    enum awaited what = (enum awaited)o->awaited;

    if (what == AWAIT_NOTHING || !span_equal(e->tag, span_of(o->tag, o->tag_len)))
        return;
    o->awaited = AWAIT_NOTHING;
    o->good = e->good;
    o->responding = o->user_next = false;
    if (what == AWAIT_LOGIN || what == AWAIT_AUTHENTICATE)
        o->due = IMAP_OBSERVED_LOGIN;
    else if (e->good)
        o->due = what == AWAIT_STARTTLS ? IMAP_OBSERVED_STARTTLS : IMAP_OBSERVED_COMPRESS;
    o->over = o->due && o->due != IMAP_OBSERVED_LOGIN;
}

static void on_server_line(struct imap_observer *o, struct span line, struct imap_observed *e)
{
    struct span rest = line, tag = take_word(&rest), word;

    if (span_equal(tag, span_text("+"))) {
        o->responding = o->awaited == AWAIT_AUTHENTICATE;
        return;
    }
    word = take_word(&rest);
    e->tag = tag;
    e->name = word;
    e->text = rest;
    e->good = span_equal_nocase(word, span_text("OK"));
    if (span_equal(tag, span_text("*"))) {
        if (!o->greeted)
            e->kind = IMAP_OBSERVED_GREETING;
        o->greeted = true;
    } else if (e->good || span_equal_nocase(word, span_text("NO")) ||
               span_equal_nocase(word, span_text("BAD"))) {
        e->kind = IMAP_OBSERVED_ANSWER;
        on_answer(o, e);
    }
}

static void on_line(struct imap_observer *o, bool client, struct span line, struct imap_observed *e)
{
    struct imap_side *s = &o->side[!client];
    bool goes_on = s->goes_on;

    s->literal = announced(line);
    s->goes_on = s->literal > 0;
    if (goes_on)
        return;
    if (client)
        on_client_line(o, line, e);
    else
        on_server_line(o, line, e);
}

static void on_literal(struct imap_observer *o, bool client, struct span *in,
                       struct imap_observed *e)
{
    struct imap_side *s = &o->side[!client];
    struct span bytes = span_head(*in, s->literal < in->len ? (size_t)s->literal : in->len);

    *in = span_skip(*in, bytes.len);
    s->literal -= bytes.len;
    e->kind = IMAP_OBSERVED_LITERAL;
    e->text = bytes;
    if (!client || !o->user_next)
        return;
    for (size_t i = 0; i < bytes.len && o->sasl.user_len < SASL_USER_MAX; i++)
        o->sasl.user[o->sasl.user_len++] = bytes.data[i];
    o->user_next = s->literal > 0;
}

static bool tell_due(struct imap_observer *o, struct imap_observed *e)
{
    if (!o->due)
        return false;
    e->kind = (enum imap_observed_kind)o->due;
    e->good = o->good;
    o->due = 0;
    if (e->kind == IMAP_OBSERVED_LOGIN) {
        e->name = sasl_observer_mechanism(&o->sasl);
        e->text = sasl_observer_user(&o->sasl);
    }
    return true;
}

static bool step(struct imap_observer *o, bool client, struct span *in, struct imap_observed *e)
{
    struct imap_side *s = &o->side[!client];
    struct span line;

    if (tell_due(o, e))
        return true;
    if (o->over)
        return false;
    if (s->literal) {
        if (!in->len)
            return false;
        on_literal(o, client, in, e);
        return true;
    }
    switch (loose_line_feed(&s->line, in, &line)) {
    case LOOSE_BUFFER:
        e->kind = IMAP_OBSERVED_BUFFER;
        return true;
    case LOOSE_LINE:
        on_line(o, client, line, e);
        return true;
    case LOOSE_MORE:
        break;
    }
    return false;
}

void imap_observer_feed(struct imap_observer *o, bool client, struct span *in,
                        struct imap_observed *event_out)
{
    *event_out = (struct imap_observed){.kind = IMAP_OBSERVED_MORE};
    while (step(o, client, in, event_out) && event_out->kind == IMAP_OBSERVED_MORE)
        continue;
}
