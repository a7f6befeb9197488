/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_server.h"

#include "proto/pop3/pop3_language.h"

enum pop3_server_state {
    STATE_AUTHORIZATION,
    STATE_USER,     /* authorization, and USER was accepted */
    STATE_EXCHANGE, /* authorization, and the next line is one of an authentication exchange */
    STATE_TRANSACTION,
    STATE_UPDATE,
};

enum {
    ACTION_NONE = -1,
    LIST_LINE_MAX = 10 + 1 + 70 + 2, /* a message-number and a UIDL */
    UIDL_MAX = 70,
};

void pop3_server_init(struct pop3_server *s, const struct pop3_server_options *options)
{
    *s = (struct pop3_server){.options = options, .parting.reply = POP3_REPLY_READY};
    line_init(&s->line, POP3_LINE_MAX);
}

bool pop3_server_secured(struct pop3_server *s, const struct pop3_server_options *options)
{
    uint16_t errors = s->errors, logins = s->logins;

    if (s->waiting != POP3_ACTION_TLS)
        return false;
    pop3_server_init(s, options);
    s->parting.reply = POP3_REPLY_NONE;
    s->errors = errors;
    s->logins = logins;
    return true;
}

void pop3_server_attach(struct pop3_server *s, uint8_t *buffer)
{
    line_attach(&s->line, buffer);
}

uint8_t *pop3_server_detach(struct pop3_server *s)
{
    return s->state != STATE_USER ? line_take_back(&s->line) : NULL;
}

bool pop3_server_in_exchange(const struct pop3_server *s)
{
    return s->state == STATE_EXCHANGE;
}

static int reply(struct pop3_server *s, enum pop3_reply_id id)
{
    s->parting.reply = (uint8_t)id;
    return ACTION_NONE;
}

/* "+OK" in the words of the command itself. */
static int reply_worded(struct pop3_server *s)
{
    s->worded = true;
    return reply(s, POP3_REPLY_OK);
}

static int ask(struct pop3_server *s, enum pop3_action_kind kind)
{
    s->waiting = (uint8_t)kind;
    return kind;
}

static bool is_deleted(const struct pop3_server *s, uint32_t index)
{
    return s->deleted[index / 8] >> (index % 8) & 1;
}

/* Makes s->index that of the message the command names. */
static bool find_message(struct pop3_server *s, const struct pop3_command *c)
{
    s->index = c->number - 1;
    return c->number && c->number <= s->mailbox->count && !is_deleted(s, s->index);
}

static int on_user(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)action;
    /* Before the password is there for others to read. */
    if (!s->options->login)
        return reply(s, POP3_REPLY_NEEDS_ENCRYPTION);
    memcpy(s->line.buffer + POP3_LINE_MAX, c->argument.data, c->argument.len);
    s->user_len = (uint8_t)c->argument.len;
    s->state = STATE_USER;
    return reply(s, POP3_REPLY_USER_OK);
}

static int on_pass(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    action->user = span_of(s->line.buffer + POP3_LINE_MAX, s->user_len);
    action->password = c->argument;
    action->utf8 = s->utf8;
    s->state = STATE_AUTHORIZATION;
    return ask(s, POP3_ACTION_LOGIN);
}

/* RFC 5034 section 4 */
static int on_auth(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    if (!s->options->login)
        return reply(s, POP3_REPLY_NEEDS_ENCRYPTION);
    if (!s->options->mechanisms.len)
        return reply(s, POP3_REPLY_AUTH_MECHANISM);
    action->mechanism = c->argument;
    action->initial = c->initial.len ? c->initial : span_of(NULL, 0);
    action->utf8 = s->utf8;
    s->state = STATE_AUTHORIZATION;
    return ask(s, POP3_ACTION_AUTH);
}

static int on_response(struct pop3_server *s, struct span line, struct pop3_action *action)
{
    s->state = STATE_AUTHORIZATION;
    s->line.limit = POP3_LINE_MAX;
    action->bytes = line;
    action->utf8 = s->utf8;
    return ask(s, POP3_ACTION_RESPONSE);
}

/* LIST and UIDL: one message in the reply's line, or all in lines that follow. */
static int on_list(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)action;
    if (c->number && !find_message(s, c))
        return reply(s, POP3_REPLY_NO_SUCH_MESSAGE);
    s->listing = c->number == 0;
    if (s->listing)
        s->index = 0;
    return reply_worded(s);
}

/* RETR and TOP. */
static int on_retr(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    if (!find_message(s, c))
        return reply(s, POP3_REPLY_NO_SUCH_MESSAGE);
    if (s->mailbox->entries[s->index].form & POP3_FORM_REFUSED)
        return reply(s, POP3_REPLY_NEEDS_UTF8);
    s->lines = c->verb == POP3_VERB_TOP ? c->lines : POP3_LINES_ALL;
    action->index = s->index;
    action->lines = s->lines;
    return ask(s, POP3_ACTION_RETR);
}

/* RFC 6856 section 2.1: from now on, and for what is opened later; there is no way back. */
static int on_utf8(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)c;
    (void)action;
    s->utf8 = true;
    return reply(s, POP3_REPLY_UTF8_OK);
}

static int on_lang(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)action;
    s->language = (uint8_t)pop3_language_find(c->argument);
    if (c->argument.len && s->language == POP3_LANGUAGES)
        return reply(s, POP3_REPLY_NO_LANGUAGE);
    return reply_worded(s);
}

static int on_dele(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)action;
    if (!find_message(s, c))
        return reply(s, POP3_REPLY_NO_SUCH_MESSAGE);
    s->deleted[s->index / 8] |= (uint8_t)(1u << (s->index % 8));
    s->deleted_count++;
    s->deleted_octets += s->mailbox->entries[s->index].size;
    return reply(s, POP3_REPLY_DELETED);
}

static int on_rset(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)c;
    (void)action;
    memset(s->deleted, 0, ((size_t)s->mailbox->count + 7) / 8);
    s->deleted_count = 0;
    s->deleted_octets = 0;
    return reply(s, POP3_REPLY_OK);
}

static int on_worded(struct pop3_server *s, const struct pop3_command *c,
                     struct pop3_action *action)
{
    (void)c;
    (void)action;
    return reply_worded(s);
}

static int on_noop(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)c;
    (void)action;
    return reply(s, POP3_REPLY_OK);
}

/* RFC 2595 section 4; the name of a USER before it is forgotten. */
static int on_stls(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)c;
    (void)action;
    if (!s->options->stls)
        return reply(s, POP3_REPLY_UNKNOWN_COMMAND);
    s->upgrade = true;
    return reply(s, POP3_REPLY_START_TLS);
}

/* RFC 1939 section 6: only QUIT from the transaction state removes anything; the lock is released
 * before the reply. */
static int on_quit(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action)
{
    (void)c;
    if (s->state == STATE_TRANSACTION) {
        s->state = STATE_UPDATE;
        action->deleted = s->deleted;
        action->deleted_count = s->deleted_count;
        return ask(s, POP3_ACTION_UPDATE);
    }
    s->parting.closing = true;
    return reply(s, POP3_REPLY_BYE);
}

#define BIT(state) (1u << (state))
#define UNKNOWN_CLIENT (BIT(STATE_AUTHORIZATION) | BIT(STATE_USER))
#define LOGGED_IN BIT(STATE_TRANSACTION)

static const struct {
    unsigned states;
    int (*run)(struct pop3_server *s, const struct pop3_command *c, struct pop3_action *action);
} commands[POP3_VERB_COUNT] = {
    [POP3_VERB_USER] = {UNKNOWN_CLIENT, on_user},
    [POP3_VERB_AUTH] = {UNKNOWN_CLIENT, on_auth},
    [POP3_VERB_PASS] = {BIT(STATE_USER), on_pass},
    [POP3_VERB_STAT] = {LOGGED_IN, on_worded},
    [POP3_VERB_LIST] = {LOGGED_IN, on_list},
    [POP3_VERB_RETR] = {LOGGED_IN, on_retr},
    [POP3_VERB_TOP] = {LOGGED_IN, on_retr},
    [POP3_VERB_DELE] = {LOGGED_IN, on_dele},
    [POP3_VERB_UIDL] = {LOGGED_IN, on_list},
    [POP3_VERB_NOOP] = {LOGGED_IN, on_noop},
    [POP3_VERB_RSET] = {LOGGED_IN, on_rset},
    [POP3_VERB_CAPA] = {UNKNOWN_CLIENT | LOGGED_IN, on_worded},
    [POP3_VERB_STLS] = {UNKNOWN_CLIENT, on_stls},
    [POP3_VERB_UTF8] = {UNKNOWN_CLIENT, on_utf8},
    [POP3_VERB_LANG] = {UNKNOWN_CLIENT | LOGGED_IN, on_lang},
    [POP3_VERB_QUIT] = {UNKNOWN_CLIENT | LOGGED_IN, on_quit},
};

static int on_line(struct pop3_server *s, struct span line, struct pop3_action *action)
{
    struct pop3_command c;
    enum pop3_reply_id bad;

    if (s->state == STATE_EXCHANGE)
        return on_response(s, line, action);
    bad = pop3_command_parse(line, &c);
    s->verb = (uint8_t)c.verb;
    if (c.verb != POP3_VERB_UNKNOWN && !(commands[c.verb].states & BIT(s->state)))
        return reply(s, POP3_REPLY_BAD_SEQUENCE);
    if (bad != POP3_REPLY_NONE)
        return reply(s, bad);
    return commands[c.verb].run(s, &c, action);
}

static int read_on(struct pop3_server *s, struct span *in, struct pop3_action *action)
{
    struct span line = {0};

    /* The name of USER outlives its line, so there must be a buffer before there is a name. */
    if (s->state < STATE_TRANSACTION && !s->line.buffer && in->len)
        return POP3_ACTION_BUFFER;
    switch (line_feed(&s->line, in, &line)) {
    case LINE_MORE:
        return POP3_ACTION_MORE;
    case LINE_BUFFER:
        return POP3_ACTION_BUFFER;
    case LINE_DONE:
        return on_line(s, line, action);
    case LINE_LONG:
        s->parting.closing = true;
        return reply(s, POP3_REPLY_LINE_TOO_LONG);
    case LINE_BAD:
        break;
    }
    s->parting.closing = true;
    return reply(s, pop3_reply_for_form((enum line_form)s->line.form));
}

/*
 * unique-id = 1*70(%x21-7E)                                            ; RFC 1939 section 7
 */
static void put_uidl(const struct pop3_mailbox *mailbox, uint32_t index, struct writer *w)
{
    const struct pop3_entry *entry = &mailbox->entries[index];

    if (entry->uidl.len) {
        writer_span_put(w, span_head(entry->uidl, UIDL_MAX));
        return;
    }
    writer_hex(w, mailbox->uid_validity, 8);
    writer_hex(w, entry->uid, 8);
}

/*
 * scan-listing = message-number SP octets
 * unique-id listing = message-number SP unique-id                      ; RFC 1939 sections 5 and 7
 */
static void put_listing(const struct pop3_server *s, uint32_t index, struct writer *w)
{
    writer_number(w, (uint64_t)index + 1);
    writer_byte(w, ' ');
    if (s->verb == POP3_VERB_UIDL)
        put_uidl(s->mailbox, index, w);
    else
        writer_number(w, s->mailbox->entries[index].size);
    writer_text(w, "\r\n");
}

/*
 * capa-resp = "+OK" [SP text] CRLF *(capability CRLF) "." CRLF         ; RFC 2449 section 5
 */
static void put_capabilities(const struct pop3_server_options *options, struct writer *w)
{
    writer_text(w, "+OK capabilities\r\n");
    if (options->login)
        writer_text(w, "USER\r\n");
    if (options->login && options->mechanisms.len) {
        writer_text(w, "SASL");
        writer_span_put(w, options->mechanisms);
        writer_text(w, "\r\n");
    }
    if (options->stls)
        writer_text(w, "STLS\r\n");
    writer_text(w, "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n");
    if (options->login_delay)
        writer_printf(w, "LOGIN-DELAY %u\r\n", options->login_delay);
    /* Nothing but DELE removes mail. */
    writer_text(w, "EXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION wirepost\r\n.\r\n");
}

static void put_worded(const struct pop3_server *s, struct writer *w)
{
    switch ((enum pop3_verb)s->verb) {
    case POP3_VERB_STAT:
        writer_text(w, "+OK ");
        writer_number(w, s->mailbox->count - s->deleted_count);
        writer_byte(w, ' ');
        writer_number(w, s->mailbox->octets - s->deleted_octets);
        writer_text(w, "\r\n");
        break;
    case POP3_VERB_RETR:
        writer_text(w, "+OK ");
        writer_number(w, s->mailbox->entries[s->index].size);
        writer_text(w, " octets\r\n");
        break;
    case POP3_VERB_TOP:
        writer_text(w, "+OK\r\n");
        break;
    case POP3_VERB_CAPA:
        put_capabilities(s->options, w);
        break;
    case POP3_VERB_LANG:
        pop3_language_put((enum pop3_language)s->language, w);
        break;
    default:
        writer_text(w, "+OK ");
        if (s->listing)
            writer_printf(w, "%u messages\r\n", s->mailbox->count - s->deleted_count);
        else
            put_listing(s, s->index, w);
        break;
    }
}

static void put_reply(struct pop3_server *s, enum pop3_reply_id id, struct writer *w)
{
    if (s->worded) {
        put_worded(s, w);
    } else if (id == POP3_REPLY_READY) {
        writer_text(w, "+OK ");
        writer_span_put(w, s->options->hostname);
        writer_text(w, " POP3 ready\r\n");
    } else if (id == POP3_REPLY_AUTH_CHALLENGE) {
        writer_text(w, "+ ");
        writer_span_put(w, s->challenge);
        writer_text(w, "\r\n");
    } else {
        pop3_reply_put(w, id);
    }
    s->worded = false;
}

static int send_reply(struct pop3_server *s, uint8_t *due, struct writer *scratch,
                      struct pop3_action *action)
{
    enum pop3_reply_id id = (enum pop3_reply_id) * due;
    size_t start = scratch->len;

    if (writer_room(scratch) < POP3_SERVER_ROOM)
        return POP3_ACTION_ROOM;
    *due = POP3_REPLY_NONE;
    put_reply(s, id, scratch);
    action->reply = id;
    action->bytes = span_skip(writer_span(scratch), start);
    if (id == POP3_REPLY_AUTH_FAILED && ++s->logins >= s->options->logins_max)
        s->parting.closing = true;
    /* A mailbox may hold any number of messages that are not for this client. */
    if (pop3_reply_refuses(id) && id != POP3_REPLY_NEEDS_UTF8 &&
        ++s->errors >= s->options->errors_max)
        pop3_server_stop(s, POP3_REPLY_TOO_MANY_ERRORS);
    return POP3_ACTION_REPLY;
}

/* As many lines of the list as there is room for. */
static int send_lines(struct pop3_server *s, struct writer *scratch, struct pop3_action *action)
{
    size_t start = scratch->len;

    if (writer_room(scratch) < POP3_SERVER_ROOM)
        return POP3_ACTION_ROOM;
    for (; s->index < s->mailbox->count && writer_room(scratch) >= LIST_LINE_MAX + 3; s->index++)
        if (!is_deleted(s, s->index))
            put_listing(s, s->index, scratch);
    if (s->index == s->mailbox->count) {
        writer_text(scratch, ".\r\n");
        s->listing = false;
    }
    action->bytes = span_skip(writer_span(scratch), start);
    return POP3_ACTION_REPLY;
}

/* What is owed before anything more is read, in this order. */
static int due(struct pop3_server *s, struct writer *scratch, struct pop3_action *action)
{
    if (s->parting.reply)
        return send_reply(s, &s->parting.reply, scratch, action);
    if (s->listing)
        return send_lines(s, scratch, action);
    if (s->message) {
        s->message = false;
        action->index = s->index;
        action->lines = s->lines;
        return ask(s, POP3_ACTION_MESSAGE);
    }
    if (s->parting.farewell)
        return send_reply(s, &s->parting.farewell, scratch, action);
    if (s->parting.closing)
        return POP3_ACTION_CLOSE;
    if (s->upgrade) {
        s->upgrade = false;
        return ask(s, POP3_ACTION_TLS);
    }
    return s->waiting ? POP3_ACTION_WAIT : ACTION_NONE;
}

enum pop3_action_kind pop3_server_next(struct pop3_server *s, struct span *in,
                                       struct writer *scratch, struct pop3_action *action_out)
{
    int kind;

    *action_out = (struct pop3_action){.kind = POP3_ACTION_MORE};
    do {
        kind = due(s, scratch, action_out);
        if (kind == ACTION_NONE)
            kind = read_on(s, in, action_out);
    } while (kind == ACTION_NONE);
    action_out->kind = (enum pop3_action_kind)kind;
    return action_out->kind;
}

static bool is_login(enum pop3_action_kind what)
{
    return what == POP3_ACTION_LOGIN || what == POP3_ACTION_AUTH || what == POP3_ACTION_RESPONSE;
}

bool pop3_server_challenge(struct pop3_server *s, struct span challenge)
{
    if (s->waiting != POP3_ACTION_AUTH && s->waiting != POP3_ACTION_RESPONSE)
        return false;
    s->waiting = 0;
    s->challenge = challenge;
    s->state = STATE_EXCHANGE;
    s->line.limit = POP3_EXCHANGE_LINE_MAX;
    reply(s, POP3_REPLY_AUTH_CHALLENGE);
    return true;
}

bool pop3_server_open(struct pop3_server *s, const struct pop3_mailbox *mailbox, uint8_t *deleted)
{
    if (!is_login((enum pop3_action_kind)s->waiting))
        return false;
    s->waiting = 0;
    s->mailbox = mailbox;
    s->deleted = deleted;
    s->state = STATE_TRANSACTION;
    reply(s, POP3_REPLY_LOGGED_IN);
    return true;
}

bool pop3_server_answer(struct pop3_server *s, enum pop3_reply_id id)
{
    enum pop3_action_kind what = (enum pop3_action_kind)s->waiting;
    bool yes = !pop3_reply_refuses(id);

    if (!s->waiting || what == POP3_ACTION_TLS || (is_login(what) && yes))
        return false;
    s->waiting = 0;
    switch (what) {
    case POP3_ACTION_MESSAGE:
        s->parting.closing = !yes;
        return true;
    case POP3_ACTION_RETR:
        s->message = yes;
        s->worded = yes;
        break;
    case POP3_ACTION_UPDATE:
        s->parting.closing = true;
        if (yes)
            id = POP3_REPLY_BYE;
        break;
    default:
        break;
    }
    reply(s, id);
    return true;
}

void pop3_server_stop(struct pop3_server *s, enum pop3_reply_id id)
{
    bool due_later = s->message || s->listing;
    bool begun = s->waiting == POP3_ACTION_MESSAGE || (due_later && !s->parting.reply);

    if (!parting_begin(&s->parting, (uint8_t)(begun ? POP3_REPLY_NONE : id)))
        return;
    s->waiting = 0;
    s->listing = false;
    s->message = false;
    /* Neither the greeting nor the first line of what will not follow is sent. */
    if (due_later || s->parting.reply == POP3_REPLY_READY) {
        s->parting.reply = POP3_REPLY_NONE;
        s->worded = false;
    }
}
