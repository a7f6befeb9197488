/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_command.h"

#include "proto/base/utf8.h"

static const char *const names[POP3_VERB_COUNT] = {
#define POP3_VERB(name) [POP3_VERB_##name] = #name,
#include "proto/pop3/pop3_verb.def"
#undef POP3_VERB
};

static struct span trim(struct span s)
{
    while (s.len && s.data[0] == ' ')
        s = span_skip(s, 1);
    while (s.len && s.data[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* 1*DIGIT; UINT32_MAX for what is that or more. */
static bool read_digits(struct span text, uint32_t *number_out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');

        if (digit > 9)
            return false;
        n = n * 10 + digit;
        if (n > UINT32_MAX)
            n = UINT32_MAX;
    }
    *number_out = (uint32_t)n;
    return text.len > 0;
}

/*
 * message-number = 1*DIGIT, the first message being 1                  ; RFC 1939 section 4
 */
static enum pop3_reply_id read_number(struct span text, uint32_t *number_out)
{
    if (!read_digits(text, number_out))
        return POP3_REPLY_BAD_ARGUMENT;
    if (*number_out == 0 || *number_out == UINT32_MAX)
        return POP3_REPLY_NO_SUCH_MESSAGE;
    return POP3_REPLY_NONE;
}

/*
 * TOP SP message-number SP non-negative-number                         ; RFC 1939 section 7
 */
static enum pop3_reply_id read_top(struct span text, struct pop3_command *c)
{
    ptrdiff_t space = span_find(text, ' ');

    if (space < 0 || !read_digits(trim(span_skip(text, (size_t)space)), &c->lines))
        return POP3_REPLY_BAD_ARGUMENT;
    if (c->lines == POP3_LINES_ALL)
        c->lines--;
    return read_number(span_head(text, (size_t)space), &c->number);
}

/* RFC 6856 section 2.2: what is not UTF-8 is refused, whether or not the client has said UTF8. */
static enum pop3_reply_id read_credential(struct span text, struct pop3_command *c)
{
    c->argument = text;
    return text.len && utf8_valid(text) ? POP3_REPLY_NONE : POP3_REPLY_BAD_ARGUMENT;
}

/*
 * auth-command     = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF
 * cancel-response] initial-response = base64 / "="                                       ; RFC 5034
 * section 5
 */
static enum pop3_reply_id read_auth(struct span text, struct pop3_command *c)
{
    ptrdiff_t space = span_find(text, ' ');

    c->argument = space < 0 ? text : span_head(text, (size_t)space);
    c->initial = trim(span_skip(text, c->argument.len));
    return c->argument.len && span_find(c->initial, ' ') < 0 ? POP3_REPLY_NONE
                                                             : POP3_REPLY_BAD_ARGUMENT;
}

static enum pop3_reply_id read_argument(struct span rest, struct pop3_command *c)
{
    struct span text = trim(rest);

    switch (c->verb) {
    case POP3_VERB_USER:
        return read_credential(text, c);
    case POP3_VERB_PASS:
        return read_credential(rest, c);
    case POP3_VERB_AUTH:
        return read_auth(text, c);
    case POP3_VERB_LANG:
        c->argument = text;
        return span_find(text, ' ') < 0 ? POP3_REPLY_NONE : POP3_REPLY_BAD_ARGUMENT;
    case POP3_VERB_TOP:
        return read_top(text, c);
    case POP3_VERB_LIST:
    case POP3_VERB_UIDL:
        return text.len ? read_number(text, &c->number) : POP3_REPLY_NONE;
    case POP3_VERB_RETR:
    case POP3_VERB_DELE:
        return text.len ? read_number(text, &c->number) : POP3_REPLY_BAD_ARGUMENT;
    default:
        return text.len ? POP3_REPLY_BAD_ARGUMENT : POP3_REPLY_NONE;
    }
}

/*
 * command = keyword *( SP param ) CRLF                                 ; RFC 2449 section 3
 */
enum pop3_reply_id pop3_command_parse(struct span line, struct pop3_command *command_out)
{
    struct pop3_command c = {.verb = POP3_VERB_UNKNOWN};
    ptrdiff_t space = span_find(line, ' ');
    struct span word = space < 0 ? line : span_head(line, (size_t)space);
    enum pop3_reply_id bad;

    for (unsigned v = 1; v < POP3_VERB_COUNT; v++)
        if (span_equal_nocase(word, span_text(names[v])))
            c.verb = (enum pop3_verb)v;
    *command_out = (struct pop3_command){.verb = c.verb};
    if (c.verb == POP3_VERB_UNKNOWN)
        return POP3_REPLY_UNKNOWN_COMMAND;
    bad = read_argument(span_skip(line, word.len + 1), &c);
    if (bad == POP3_REPLY_NONE)
        *command_out = c;
    return bad;
}
