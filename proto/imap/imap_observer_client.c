/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_observer.h"

/* What the client says: commands by their first line, and the literals that mean something. */

enum literal_of { LITERAL_OTHER, LITERAL_USER, LITERAL_MAILBOX, LITERAL_MESSAGE };

struct span imap_observer_word(struct span *s)
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

/* What is no command may be the rest of a login of which something was missed. */
static bool is_command(struct span name)
{
    static const char *const names[] = {
        "APPEND",         "AUTHENTICATE", "CANCELUPDATE", "CAPABILITY",  "CHECK",      "CLOSE",
        "COMPRESS",       "COPY",         "CREATE",       "DELETE",      "DELETEACL",  "ENABLE",
        "ESEARCH",        "EXAMINE",      "EXPUNGE",      "FETCH",       "GENURLAUTH", "GETACL",
        "GETMETADATA",    "GETQUOTA",     "GETQUOTAROOT", "ID",          "IDLE",       "LIST",
        "LISTRIGHTS",     "LOGIN",        "LOGOUT",       "LSUB",        "MOVE",       "MYRIGHTS",
        "NAMESPACE",      "NOOP",         "NOTIFY",       "RENAME",      "REPLACE",    "RESETKEY",
        "SEARCH",         "SELECT",       "SETACL",       "SETMETADATA", "SETQUOTA",   "SORT",
        "STARTTLS",       "STATUS",       "STORE",        "SUBSCRIBE",   "THREAD",     "UID",
        "UNAUTHENTICATE", "UNSELECT",     "UNSUBSCRIBE",  "URLFETCH",    "XLIST"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(name, span_text(names[i])))
            return true;
    return false;
}

/* An atom or a quoted string, without its "\"; false: a literal comes, or there is none. */
static bool take_astring(struct span *s, uint8_t *out, uint8_t max, uint8_t *len_out)
{
    bool quoted = s->len && s->data[0] == '"';
    size_t n = quoted;

    *len_out = 0;
    if (s->len == 0 || s->data[0] == '{')
        return false;
    while (n < s->len && s->data[n] != (quoted ? '"' : ' ')) {
        if (quoted && s->data[n] == '\\' && n + 1 < s->len)
            n++;
        if (*len_out < max)
            out[(*len_out)++] = s->data[n];
        n++;
    }
    *s = span_skip(*s, n + quoted);
    while (s->len && s->data[0] == ' ')
        *s = span_skip(*s, 1);
    return true;
}

/* userid = astring: an atom or a quoted string here; a literal comes behind the line. */
static void on_login(struct imap_observer *o, struct span argument)
{
    sasl_observer_begin(&o->sasl, span_text("LOGIN"));
    if (!take_astring(&argument, o->sasl.user, SASL_USER_MAX, &o->sasl.user_len))
        o->client.literal_of = LITERAL_USER;
}

static void on_mailbox(struct imap_observer *o, struct span *arguments)
{
    struct imap_asking *c = &o->client;

    c->mailbox_known = take_astring(arguments, c->mailbox, sizeof(c->mailbox), &c->mailbox_len);
    if (!c->mailbox_known)
        c->literal_of = LITERAL_MAILBOX;
}

static bool has_word(struct span s, const char *word)
{
    size_t n = strlen(word);

    for (; s.len >= n; s = span_skip(s, 1))
        if (span_equal_nocase(span_head(s, n), span_text(word)))
            return true;
    return false;
}

/* Behind the mailbox, or behind a message, up to the next literal: that is a message. */
static void on_append_words(struct imap_observer *o, struct span words)
{
    struct imap_asking *c = &o->client;

    if (!c->mailbox_known)
        return;
    if (has_word(words, "CATENATE")) {
        c->catenate = true;
        imap_observer_fault(o, IMAP_OBSERVED_FAULT_CATENATE);
    }
    c->literal_of = c->catenate ? LITERAL_OTHER : LITERAL_MESSAGE;
}

static void on_append(struct imap_observer *o, struct span arguments)
{
    o->client.append = true;
    o->client.catenate = false;
    o->answered = false;
    on_mailbox(o, &arguments);
    on_append_words(o, arguments);
}

/* "<" number "." nz-number ">" of the first section that has one. */
static uint32_t partial_of(struct span s)
{
    uint32_t n = 0;
    bool dot = false;

    while (s.len > 2 && !(s.data[0] == ']' && s.data[1] == '<'))
        s = span_skip(s, 1);
    for (s = span_skip(s, 2); s.len && s.data[0] != '>'; s = span_skip(s, 1)) {
        uint8_t digit = (uint8_t)(s.data[0] - '0');

        if (s.data[0] == '.')
            dot = true;
        else if (digit > 9 || n > UINT32_MAX / 10 - 1)
            return 0;
        else if (dot)
            n = 10 * n + digit;
    }
    return s.len ? n : 0;
}

static void on_authenticate(struct imap_observer *o, struct span *rest)
{
    struct span mechanism = imap_observer_word(rest);

    sasl_observer_begin(&o->sasl, mechanism);
    if (rest->len)
        sasl_observer_response(&o->sasl, *rest);
}

static enum imap_asked_what asked_of(struct span name)
{
    static const struct {
        const char *name;
        enum imap_asked_what what;
    } rows[] = {
        {"APPEND", IMAP_ASKED_APPEND},     {"AUTHENTICATE", IMAP_ASKED_AUTHENTICATE},
        {"CLOSE", IMAP_ASKED_UNSELECT},    {"COMPRESS", IMAP_ASKED_COMPRESS},
        {"EXAMINE", IMAP_ASKED_SELECT},    {"FETCH", IMAP_ASKED_FETCH},
        {"LOGIN", IMAP_ASKED_LOGIN},       {"REPLACE", IMAP_ASKED_APPEND},
        {"SELECT", IMAP_ASKED_SELECT},     {"STARTTLS", IMAP_ASKED_STARTTLS},
        {"UNSELECT", IMAP_ASKED_UNSELECT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_equal_nocase(name, span_text(rows[i].name)))
            return rows[i].what;
    return IMAP_ASKED_OTHER;
}

/* The second word of UID, which is told with it. */
static struct span with_uid(struct span line, struct span *name, struct span *rest)
{
    struct span verb = *name;

    if (!span_equal_nocase(verb, span_text("UID")))
        return verb;
    verb = imap_observer_word(rest);
    if (verb.len)
        *name = span_between(name->data, verb.data + verb.len);
    return verb;
}

/* command = tag SP command-name [SP arguments] */
static void on_command(struct imap_observer *o, struct span line, struct imap_observed *e)
{
    struct span rest = line, verb;
    enum imap_asked_what what;

    o->client.literal_of = LITERAL_OTHER;
    o->client.append = o->client.select = false;
    e->kind = IMAP_OBSERVED_COMMAND;
    e->text = line;
    e->secret = (uint32_t)line.len;
    e->tag = imap_observer_word(&rest);
    e->name = imap_observer_word(&rest);
    if (!is_command(e->name)) {
        bool done = e->name.len == 0 && span_equal_nocase(e->tag, span_text("DONE"));

        e->name = span_text(done ? "DONE" : "?");
        e->tag = span_of(NULL, 0);
        e->secret = done ? e->secret : 0;
        return;
    }
    verb = with_uid(line, &e->name, &rest);
    what = asked_of(verb);
    o->client.tag = imap_observer_tag(e->tag);
    o->client_seen = true;
    if (what == IMAP_ASKED_LOGIN) {
        e->secret = (uint32_t)(rest.data - line.data);
        on_login(o, rest);
    } else if (what == IMAP_ASKED_AUTHENTICATE) {
        on_authenticate(o, &rest);
        e->secret = (uint32_t)(rest.data - line.data);
    } else if (what == IMAP_ASKED_SELECT) {
        o->client.select = true;
        on_mailbox(o, &rest);
    } else if (what == IMAP_ASKED_APPEND) {
        /* RFC 8508: the message that goes stands first. */
        if (span_equal_nocase(verb, span_text("REPLACE")))
            (void)imap_observer_word(&rest);
        on_append(o, rest);
    }
    imap_observer_ask(o, what, e->tag, what == IMAP_ASKED_FETCH ? partial_of(rest) : 0);
}

static void on_line(struct imap_observer *o, struct span line, struct imap_observed *e)
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

/* A command is whole. */
static void end_command(struct imap_observer *o)
{
    struct imap_asking *c = &o->client;

    if (c->append && o->answered)
        o->due |= IMAP_DUE_APPENDED;
    if (c->select) {
        o->selected_len = c->mailbox_len;
        memcpy(o->selected, c->mailbox, c->mailbox_len);
    }
    c->append = c->select = o->answered = false;
}

static void take_line(struct imap_observer *o, struct span line, struct imap_observed *e)
{
    struct imap_asking *c = &o->client;
    struct imap_literal literal;
    bool announced = !o->responding && imap_literal_announced(line, &literal);

    if (!c->goes_on)
        on_line(o, line, e);
    else if (c->append)
        on_append_words(o, line);
    c->goes_on = announced;
    if (!announced) {
        end_command(o);
        return;
    }
    c->literal = literal.size;
    c->sync = literal.sync;
    c->begun = false;
    c->ended = literal.size == 0;
}

static void keep(uint8_t *out, uint8_t max, uint8_t *len, struct span bytes)
{
    for (size_t i = 0; i < bytes.len && *len < max; i++)
        out[(*len)++] = bytes.data[i];
}

/* True with an event. */
static bool begin_literal(struct imap_observer *o, struct imap_observed *e)
{
    struct imap_asking *c = &o->client;

    c->begun = true;
    if (c->literal_of != LITERAL_MESSAGE)
        return false;
    e->kind = IMAP_OBSERVED_BEGIN;
    e->appended = true;
    e->command = c->tag;
    e->size = c->literal;
    e->text = span_of(c->mailbox, c->mailbox_len);
    return true;
}

static void end_literal(struct imap_observer *o, struct imap_observed *e)
{
    struct imap_asking *c = &o->client;

    c->ended = false;
    if (c->literal_of == LITERAL_MESSAGE) {
        e->kind = IMAP_OBSERVED_END;
        e->appended = true;
        return;
    }
    c->mailbox_known |= c->literal_of == LITERAL_MAILBOX;
    c->literal_of = LITERAL_OTHER;
}

static void take_literal(struct imap_observer *o, struct span *in, struct imap_observed *e)
{
    struct imap_asking *c = &o->client;
    struct span bytes = span_head(*in, c->literal < in->len ? (size_t)c->literal : in->len);

    if (!c->begun && begin_literal(o, e))
        return;
    if (c->literal == 0) {
        end_literal(o, e);
        return;
    }
    *in = span_skip(*in, bytes.len);
    c->literal -= bytes.len;
    c->ended = c->literal == 0;
    if (c->literal_of == LITERAL_USER)
        keep(o->sasl.user, SASL_USER_MAX, &o->sasl.user_len, bytes);
    else if (c->literal_of == LITERAL_MAILBOX)
        keep(c->mailbox, sizeof(c->mailbox), &c->mailbox_len, bytes);
    if (c->literal_of != LITERAL_MESSAGE)
        return;
    e->kind = IMAP_OBSERVED_TEXT;
    e->appended = true;
    e->text = bytes;
}

bool imap_observer_client_step(struct imap_observer *o, struct span *in, struct imap_observed *e)
{
    struct imap_asking *c = &o->client;
    struct span line;

    /* The end of a literal is told with its last octet, that of an empty one with what comes behind
     * it. */
    if ((c->begun && c->ended) || (in->len && (c->literal || c->ended))) {
        take_literal(o, in, e);
        return true;
    }
    if (c->literal || c->ended)
        return false;
    switch (loose_line_feed(&c->line, in, &line)) {
    case LOOSE_BUFFER:
        e->kind = IMAP_OBSERVED_BUFFER;
        return true;
    case LOOSE_LINE:
        take_line(o, line, e);
        return true;
    case LOOSE_MORE:
        break;
    }
    return false;
}
