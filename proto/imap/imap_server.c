/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_server.h"

#include "proto/imap/imap_cursor.h"

enum { ACTION_NONE = -1 };

void imap_server_init(struct imap_server *s, const struct imap_server_options *options)
{
    *s = (struct imap_server){
        .options = options, .state = IMAP_STATE_NONAUTH, .parting.reply = IMAP_REPLY_READY};
    imap_reader_init(&s->reader, &options->limits);
}

bool imap_server_secured(struct imap_server *s, const struct imap_server_options *options)
{
    uint16_t errors = s->errors, logins = s->logins;

    if (s->waiting != IMAP_ACTION_TLS)
        return false;
    imap_server_init(s, options);
    s->parting.reply = IMAP_REPLY_NONE;
    s->errors = errors;
    s->logins = logins;
    return true;
}

uint8_t *imap_server_attach(struct imap_server *s, uint8_t *buffer, uint32_t size)
{
    uint8_t *before = s->buffer;

    if (before)
        memcpy(buffer, before, s->tag_len);
    s->buffer = buffer;
    imap_reader_attach(&s->reader, buffer + IMAP_TAG_MAX, size - IMAP_TAG_MAX);
    return before;
}

uint8_t *imap_server_detach(struct imap_server *s)
{
    uint8_t *buffer = s->buffer;

    if (s->waiting || s->exchange || s->parting.reply || !buffer ||
        !imap_reader_take_back(&s->reader))
        return NULL;
    s->buffer = NULL;
    s->tag_len = 0;
    return buffer;
}

bool imap_server_between(const struct imap_server *s)
{
    return !s->waiting && !s->exchange && imap_reader_idle(&s->reader);
}

static int reply(struct imap_server *s, enum imap_reply_id id)
{
    s->parting.reply = (uint8_t)id;
    return ACTION_NONE;
}

static int ask(struct imap_server *s, enum imap_action_kind kind)
{
    s->waiting = (uint8_t)kind;
    return kind;
}

/* ---- commands that need no mailbox ---- */

/* What is unescaped goes behind the command, which has the buffer to itself. UTF-8 may stand in
 * quoted strings before a client can ENABLE anything (RFC 9051 section 4.3.1). */
static struct imap_cursor arguments(const struct imap_server *s, const struct imap_command *c)
{
    uint8_t *behind = s->buffer + (c->args.data + c->args.len - s->buffer);

    return imap_cursor_of(c->args, true, behind,
                          s->reader.size - (size_t)(behind - s->reader.buffer));
}

/* login = "LOGIN" SP userid SP password; both astring                  ; RFC 9051 section 9 */
static int on_login(struct imap_server *s, const struct imap_command *c, struct imap_action *action)
{
    struct imap_cursor args = arguments(s, c);

    if (!s->options->login)
        return reply(s, IMAP_REPLY_NEEDS_ENCRYPTION);
    imap_cursor_astring(&args, &action->user);
    imap_cursor_space(&args);
    imap_cursor_astring(&args, &action->password);
    if (!imap_cursor_done(&args))
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    return ask(s, IMAP_ACTION_LOGIN);
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]         ; RFC 9051 section 9 */
static int on_authenticate(struct imap_server *s, const struct imap_command *c,
                           struct imap_action *action)
{
    struct imap_cursor args = imap_cursor_of(c->args, false, NULL, 0);

    if (!s->options->login)
        return reply(s, IMAP_REPLY_NEEDS_ENCRYPTION);
    if (!imap_cursor_atom(&args, &action->mechanism))
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    action->initial = span_of(NULL, 0);
    if (imap_cursor_take_byte(&args, ' ')) {
        action->initial = span_between(args.at, args.end);
        if (action->initial.len == 0)
            return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    } else if (!imap_cursor_done(&args)) {
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    }
    if (!s->options->mechanisms.len)
        return reply(s, IMAP_REPLY_AUTH_MECHANISM);
    return ask(s, IMAP_ACTION_AUTH);
}

static int on_starttls(struct imap_server *s, const struct imap_command *c,
                       struct imap_action *action)
{
    (void)action;
    if (!s->options->starttls)
        return reply(s, IMAP_REPLY_BAD_STATE);
    if (c->spaced)
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    s->upgrade = true;
    return reply(s, IMAP_REPLY_START_TLS);
}

/* compress = "COMPRESS" SP "DEFLATE"                                    ; RFC 4978 section 5 */
static int on_compress(struct imap_server *s, const struct imap_command *c,
                       struct imap_action *action)
{
    (void)action;
    if (!c->spaced || !span_equal_nocase(c->args, span_text("DEFLATE")))
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    return s->compressed ? reply(s, IMAP_REPLY_COMPRESSED_ALREADY) : ask(s, IMAP_ACTION_COMPRESS);
}

static int on_capability(struct imap_server *s, const struct imap_command *c,
                         struct imap_action *action)
{
    (void)action;
    if (c->spaced)
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    s->listing = true;
    return reply(s, IMAP_REPLY_CAPABILITY);
}

/*
 * id = "ID" SP ("NIL" / "(" [string SP nstring *(SP string SP nstring)] ")")   ; RFC 2971 section 4
 */
static int on_id(struct imap_server *s, const struct imap_command *c, struct imap_action *action)
{
    struct imap_cursor args = arguments(s, c);
    struct span name, value;
    bool first = true;

    (void)action;
    if (!imap_cursor_take_word(&args, "NIL") && imap_cursor_open(&args))
        while (imap_cursor_item(&args, &first) && imap_cursor_string(&args, &name) &&
               imap_cursor_space(&args))
            imap_cursor_nstring(&args, &value);
    if (!imap_cursor_done(&args))
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    s->named = true;
    return reply(s, IMAP_REPLY_OK);
}

static int on_noop(struct imap_server *s, const struct imap_command *c, struct imap_action *action)
{
    (void)action;
    return reply(s, c->spaced ? IMAP_REPLY_BAD_ARGUMENT : IMAP_REPLY_OK);
}

/* "* BYE", then the tagged OK (RFC 9051 section 6.1.3). */
static int on_logout(struct imap_server *s, const struct imap_command *c,
                     struct imap_action *action)
{
    (void)action;
    if (c->spaced)
        return reply(s, IMAP_REPLY_BAD_ARGUMENT);
    s->parting.farewell = IMAP_REPLY_BYE;
    s->parting.closing = true;
    return reply(s, IMAP_REPLY_LEAVING);
}

static int on_execute(struct imap_server *s, const struct imap_command *c,
                      struct imap_action *action)
{
    action->verb = c->verb;
    return ask(s, IMAP_ACTION_COMMAND);
}

typedef int run_command(struct imap_server *s, const struct imap_command *c,
                        struct imap_action *action);

/* NULL: for whoever executes commands. */
static run_command *const own[IMAP_VERBS] = {
    [IMAP_VERB_CAPABILITY] = on_capability, [IMAP_VERB_LOGOUT] = on_logout,
    [IMAP_VERB_STARTTLS] = on_starttls,     [IMAP_VERB_AUTHENTICATE] = on_authenticate,
    [IMAP_VERB_LOGIN] = on_login,           [IMAP_VERB_ID] = on_id,
    [IMAP_VERB_COMPRESS] = on_compress,
};

/* Before a login nobody else is there to answer. */
static run_command *runner(const struct imap_server *s, enum imap_verb verb)
{
    if (own[verb])
        return own[verb];
    return s->state == IMAP_STATE_NONAUTH ? on_noop : on_execute;
}

static void keep_tag(struct imap_server *s, struct span tag)
{
    s->tag_len = (uint8_t)(tag.len <= IMAP_TAG_MAX ? tag.len : 0);
    if (s->tag_len)
        memcpy(s->buffer, tag.data, s->tag_len);
}

static int on_command(struct imap_server *s, const struct imap_reader_event *event,
                      struct imap_action *action)
{
    const struct imap_command *c = &event->command;

    keep_tag(s, c->tag);
    action->bytes = event->bytes;
    if (!(imap_verb_states((enum imap_verb)c->verb) & s->state))
        return reply(s, IMAP_REPLY_BAD_STATE);
    return runner(s, (enum imap_verb)c->verb)(s, c, action);
}

static int on_line(struct imap_server *s, struct span line, struct imap_action *action)
{
    action->bytes = line;
    if (s->idling) {
        s->idling = false;
        return ask(s, IMAP_ACTION_DONE);
    }
    s->exchange = false;
    return ask(s, IMAP_ACTION_RESPONSE);
}

static bool is_too_big(enum imap_refusal refusal)
{
    return refusal == IMAP_REFUSAL_LITERAL_LONG || refusal == IMAP_REFUSAL_APPEND_LONG;
}

/* Where the next line begins is not known any more. */
static bool breaks_lines(enum imap_refusal refusal)
{
    return refusal == IMAP_REFUSAL_NUL || refusal == IMAP_REFUSAL_BARE_CR ||
           refusal == IMAP_REFUSAL_BARE_LF;
}

static int on_refused(struct imap_server *s, const struct imap_reader_event *event,
                      struct imap_action *action)
{
    enum imap_refusal why = event->refusal;

    /* Whoever executes it knows its tag, and has messages of it. */
    if (s->appending && !breaks_lines(why)) {
        action->bytes = span_text(imap_refusal_text(why));
        action->bad = !is_too_big(why);
        return ask(s, IMAP_ACTION_APPEND_FAIL);
    }
    keep_tag(s, event->command.tag);
    s->refusal = (uint8_t)why;
    if (breaks_lines(why))
        parting_begin(&s->parting, IMAP_REPLY_LINES_BROKEN);
    if (s->exchange || s->idling)
        s->parting.closing = true;
    s->exchange = s->idling = false;
    return reply(s, is_too_big(why) ? IMAP_REPLY_TOO_BIG : IMAP_REPLY_BAD_COMMAND);
}

static int on_append(struct imap_server *s, const struct imap_reader_event *event,
                     struct imap_action *action)
{
    /* The command's first line has its tag; what stands between messages has none. */
    if (event->command.verb == IMAP_VERB_APPEND) {
        keep_tag(s, event->command.tag);
        if (!(imap_verb_states(IMAP_VERB_APPEND) & s->state)) {
            imap_reader_refuse(&s->reader);
            return reply(s, IMAP_REPLY_BAD_STATE);
        }
    }
    action->bytes = event->bytes;
    action->size = event->size;
    action->literal8 = event->literal8;
    return ask(s, IMAP_ACTION_APPEND);
}

/* Commands stay until they are executed, wherever they came in. False: the buffer is too small. */
static bool hold(struct imap_server *s, struct span bytes, struct imap_reader_event *event)
{
    const uint8_t *room = s->buffer + IMAP_TAG_MAX;
    struct span *parts[] = {&event->command.tag, &event->command.name, &event->command.args};

    if (bytes.data >= room && bytes.data < room + s->reader.size)
        return true;
    if (bytes.len > s->reader.size)
        return false;
    memcpy(s->buffer + IMAP_TAG_MAX, bytes.data, bytes.len);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i]->data)
            parts[i]->data = room + (parts[i]->data - bytes.data);
    event->bytes.data = room;
    return true;
}

static bool is_held(const struct imap_reader_event *event)
{
    return event->kind == IMAP_READER_COMMAND || event->kind == IMAP_READER_APPEND ||
           event->kind == IMAP_READER_LINE || event->kind == IMAP_READER_APPEND_END;
}

static int need(struct imap_action *action, uint64_t size)
{
    action->size = size + IMAP_TAG_MAX;
    return IMAP_ACTION_BUFFER;
}

static int read_on(struct imap_server *s, struct span *in, struct imap_action *action)
{
    struct imap_reader before = s->reader;
    struct imap_reader_event event;
    struct span all = *in;

    if (!s->buffer && in->len)
        return need(action, IMAP_SERVER_BUFFER - IMAP_TAG_MAX);
    imap_reader_next(&s->reader, in, &event);
    if (is_held(&event) && !hold(s, event.bytes, &event)) {
        s->reader = before;
        *in = all;
        return need(action, event.bytes.len);
    }
    switch (event.kind) {
    case IMAP_READER_MORE:
        return IMAP_ACTION_MORE;
    case IMAP_READER_BUFFER:
        return need(action, s->reader.wanted);
    case IMAP_READER_CONTINUE:
        return reply(s, IMAP_REPLY_GO_AHEAD);
    case IMAP_READER_COMMAND:
        return on_command(s, &event, action);
    case IMAP_READER_LINE:
        return on_line(s, event.bytes, action);
    case IMAP_READER_APPEND:
        return on_append(s, &event, action);
    case IMAP_READER_DATA:
        action->bytes = event.bytes;
        return IMAP_ACTION_DATA;
    case IMAP_READER_DATA_END:
        action->nul = event.nul;
        action->literal8 = event.literal8;
        return IMAP_ACTION_DATA_END;
    case IMAP_READER_APPEND_END:
        action->bytes = event.bytes;
        return ask(s, IMAP_ACTION_APPEND_END);
    case IMAP_READER_REFUSED:
        break;
    }
    return on_refused(s, &event, action);
}

/* ---- what is said ---- */

uint64_t imap_server_append_limit(const struct imap_server_options *options)
{
    return options->limits.append < UINT32_MAX ? options->limits.append : UINT32_MAX;
}

static void put_reply(struct imap_server *s, enum imap_reply_id id, struct writer *w)
{
    const struct imap_reply *row = imap_reply_row(id);

    if (s->listing) {
        writer_text(w, "* CAPABILITY");
        imap_server_put_capabilities(s->options, s->state, w);
        writer_text(w, "\r\n");
        s->listing = false;
    }
    if (s->named) {
        writer_text(w, "* ID (\"name\" \"wirepost\")\r\n");
        s->named = false;
    }
    imap_reply_put_head(w, id, span_of(s->buffer, s->tag_len));
    if (id == IMAP_REPLY_READY || id == IMAP_REPLY_LOGGED_IN) {
        writer_text(w, "[CAPABILITY");
        imap_server_put_capabilities(s->options, s->state, w);
        writer_text(w, "] ");
    }
    if (id == IMAP_REPLY_READY) {
        writer_span_put(w, s->options->hostname);
        writer_byte(w, ' ');
    }
    if (s->refusal)
        writer_text(w, imap_refusal_text((enum imap_refusal)s->refusal));
    else
        writer_text(w, row->text);
    writer_text(w, "\r\n");
    s->refusal = IMAP_REFUSAL_NONE;
}

/* The command was wrong; after too many the session ends. */
static void count_error(struct imap_server *s)
{
    if (++s->errors >= s->options->errors_max)
        parting_begin(&s->parting, IMAP_REPLY_TOO_MANY_ERRORS);
}

static int send_reply(struct imap_server *s, uint8_t *due, struct writer *scratch,
                      struct imap_action *action)
{
    enum imap_reply_id id = (enum imap_reply_id) * due;

    if (writer_room(scratch) < IMAP_SERVER_ROOM)
        return IMAP_ACTION_ROOM;
    *due = IMAP_REPLY_NONE;
    put_reply(s, id, scratch);
    action->reply = id;
    if (id == IMAP_REPLY_AUTH_FAILED && ++s->logins >= s->options->logins_max)
        parting_begin(&s->parting, IMAP_REPLY_TOO_MANY_FAILURES);
    else if (imap_reply_refuses(id) && imap_reply_row(id)->form == IMAP_FORM_TAGGED)
        count_error(s);
    return IMAP_ACTION_REPLY;
}

static int step(struct imap_server *s, struct span *in, struct writer *scratch,
                struct imap_action *action)
{
    if (s->parting.reply)
        return send_reply(s, &s->parting.reply, scratch, action);
    if (s->upgrade) {
        s->upgrade = false;
        return ask(s, IMAP_ACTION_TLS);
    }
    if (s->parting.farewell)
        return send_reply(s, &s->parting.farewell, scratch, action);
    if (s->parting.closing)
        return IMAP_ACTION_CLOSE;
    if (s->waiting)
        return IMAP_ACTION_WAIT;
    return read_on(s, in, action);
}

enum imap_action_kind imap_server_next(struct imap_server *s, struct span *in,
                                       struct writer *scratch, struct imap_action *action_out)
{
    int kind;

    *action_out = (struct imap_action){0};
    do
        kind = step(s, in, scratch, action_out);
    while (kind == ACTION_NONE);
    action_out->kind = (enum imap_action_kind)kind;
    return action_out->kind;
}

/* ---- answers ---- */

static bool login_waits(const struct imap_server *s)
{
    return s->waiting == IMAP_ACTION_LOGIN || s->waiting == IMAP_ACTION_AUTH ||
           s->waiting == IMAP_ACTION_RESPONSE;
}

bool imap_server_open(struct imap_server *s)
{
    if (!login_waits(s))
        return false;
    s->waiting = 0;
    s->state = IMAP_STATE_AUTH;
    s->parting.reply = IMAP_REPLY_LOGGED_IN;
    return true;
}

bool imap_server_challenge(struct imap_server *s, struct span challenge, struct writer *scratch)
{
    if (!login_waits(s))
        return false;
    s->waiting = 0;
    s->exchange = true;
    writer_text(scratch, "+ ");
    writer_span_put(scratch, challenge);
    writer_text(scratch, "\r\n");
    imap_reader_expect_line(&s->reader);
    return true;
}

bool imap_server_answer(struct imap_server *s, enum imap_reply_id id)
{
    if (!login_waits(s))
        return false;
    s->waiting = 0;
    s->parting.reply = (uint8_t)id;
    return true;
}

bool imap_server_executed(struct imap_server *s, enum imap_executed how, bool bad)
{
    if (s->waiting != IMAP_ACTION_COMMAND && s->waiting != IMAP_ACTION_DONE &&
        s->waiting != IMAP_ACTION_APPEND_END && s->waiting != IMAP_ACTION_APPEND_FAIL &&
        s->waiting != IMAP_ACTION_APPEND)
        return false;
    s->waiting = 0;
    s->appending = false;
    s->state = how == IMAP_EXECUTED_SELECTED ? IMAP_STATE_SELECTED
               : how == IMAP_EXECUTED_AUTH   ? IMAP_STATE_AUTH
                                             : s->state;
    s->idling = how == IMAP_EXECUTED_IDLE;
    if (s->idling)
        imap_reader_expect_line(&s->reader);
    if (how == IMAP_EXECUTED_OVER)
        s->parting.closing = true;
    if (bad)
        count_error(s);
    return true;
}

bool imap_server_compress(struct imap_server *s, bool can)
{
    if (s->waiting != IMAP_ACTION_COMPRESS)
        return false;
    s->waiting = 0;
    s->compressed = can;
    s->parting.reply = can ? IMAP_REPLY_COMPRESSED : IMAP_REPLY_UNAVAILABLE;
    return true;
}

bool imap_server_append(struct imap_server *s)
{
    if (s->waiting != IMAP_ACTION_APPEND)
        return false;
    s->waiting = 0;
    if (s->reader.sync)
        s->parting.reply = IMAP_REPLY_GO_AHEAD;
    imap_reader_accept(&s->reader);
    s->appending = true;
    return true;
}

bool imap_server_append_refuse(struct imap_server *s)
{
    if (s->waiting != IMAP_ACTION_APPEND)
        return false;
    imap_reader_refuse(&s->reader);
    return true;
}

void imap_server_stop(struct imap_server *s, enum imap_reply_id id)
{
    if (s->parting.reply == IMAP_REPLY_READY)
        s->parting.reply = IMAP_REPLY_NONE; /* BYE is the greeting: RFC 9051 section 7.1.5 */
    if (parting_begin(&s->parting, (uint8_t)id))
        s->waiting = 0;
}
