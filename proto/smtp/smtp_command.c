/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_command.h"

#include "proto/base/ascii.h"
#include "proto/base/peer_text.h"

enum { HELO_MAX = 255 };

static const struct {
    const char *name;
    uint8_t len;
    bool offered;
} verbs[SMTP_VERB_COUNT] = {
    [SMTP_VERB_UNKNOWN] = {"?", 1, false},
#define SMTP_VERB(name_, offered_) [SMTP_VERB_##name_] = {#name_, sizeof(#name_) - 1, offered_},
#include "proto/smtp/smtp_verb.def"
#undef SMTP_VERB
};

const char *smtp_verb_name(enum smtp_verb verb)
{
    return verbs[(unsigned)verb < SMTP_VERB_COUNT ? verb : SMTP_VERB_UNKNOWN].name;
}

bool smtp_verb_idle(enum smtp_verb verb)
{
    return verb == SMTP_VERB_EHLO || verb == SMTP_VERB_HELO || verb == SMTP_VERB_RSET ||
           verb == SMTP_VERB_NOOP || verb == SMTP_VERB_VRFY || verb == SMTP_VERB_HELP ||
           verb == SMTP_VERB_EXPN;
}

static struct span skip_spaces(struct span s)
{
    while (s.len && ascii_blank(s.data[0]))
        s = span_skip(s, 1);
    return s;
}

/* Takes the next run without white space, and the white space behind it. */
static struct span take_word(struct span *s)
{
    size_t n = 0;
    struct span word;

    while (n < s->len && !ascii_blank(s->data[n]))
        n++;
    word = span_head(*s, n);
    *s = skip_spaces(span_skip(*s, n));
    return word;
}

static bool is_alnum(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)(ascii_lower(c) - 'a') < 26;
}

/*
 * SIZE-value = 1*20DIGIT                                              ; RFC 1870 section 4
 */
static bool read_size(struct span value, struct smtp_command *c)
{
    if (value.len == 0 || value.len > 20)
        return false;
    c->size = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t digit = (uint8_t)(value.data[i] - '0');

        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(c->size, 10u, &c->size) ||
            __builtin_add_overflow(c->size, digit, &c->size))
            c->size = UINT64_MAX;
    }
    return true;
}

/*
 * body-value = "7BIT" / "8BITMIME" / "BINARYMIME"         ; RFC 6152 section 3, RFC 3030 section 3
 */
static bool read_body(struct span value, struct smtp_command *c)
{
    if (span_equal_nocase(value, span_text("8BITMIME")))
        c->body = SMTP_BODY_8BITMIME;
    else if (span_equal_nocase(value, span_text("BINARYMIME")))
        c->body = SMTP_BODY_BINARYMIME;
    else if (!span_equal_nocase(value, span_text("7BIT")))
        return false;
    return true;
}

static bool read_smtputf8(struct span value, struct smtp_command *c)
{
    c->smtputf8 = true;
    return value.len == 0;
}

static bool read_prdr(struct span value, struct smtp_command *c)
{
    c->prdr = true;
    return value.len == 0;
}

/* requiretls-param = "REQUIRETLS"                                       ; RFC 8689 section 2 */
static bool read_require_tls(struct span value, struct smtp_command *c)
{
    c->require_tls = true;
    return value.len == 0;
}

static bool is_hex(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)(c - 'A') < 6;
}

/*
 * auth-param = "AUTH=" xtext                                            ; RFC 4954 section 8
 * xtext      = *( xchar / hexchar )
 * hexchar    = "+" 2(%x30-39 / %x41-46)                                 ; RFC 3461 section 4
 * The value is not believed (RFC 4954 section 5): who submits is who has logged in.
 */
static bool read_on_behalf(struct span value, struct smtp_command *c)
{
    c->on_behalf = true;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] != '+')
            continue;
        if (value.len - i < 3 || !is_hex(value.data[i + 1]) || !is_hex(value.data[i + 2]))
            return false;
        i += 2;
    }
    return true;
}

/* The parameters of MAIL that are offered. RCPT has none. */
static const struct {
    const char *keyword;
    bool (*read)(struct span value, struct smtp_command *c);
    bool valued;
} parameters[] = {
    {"SIZE", read_size, true},          {"BODY", read_body, true},
    {"SMTPUTF8", read_smtputf8, false}, {"PRDR", read_prdr, false},
    {"AUTH", read_on_behalf, true},     {"REQUIRETLS", read_require_tls, false},
};

/*
 * bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CR LF           ; RFC 3030 section 2
 * chunk-size = 1*DIGIT
 * end-marker = "LAST"
 * A size that is not known for sure is bad: nobody could say where the chunk ends.
 */
static enum smtp_reply_id read_chunk(struct span text, struct smtp_command *c)
{
    struct span size = take_word(&text), marker = take_word(&text);

    c->last = marker.len != 0;
    if (!read_size(size, c) || c->size == UINT64_MAX || text.len ||
        (marker.len && !span_equal_nocase(marker, span_text("LAST"))))
        return SMTP_REPLY_BAD_ARGUMENT;
    return SMTP_REPLY_NONE;
}

/*
 * esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 */
static bool is_keyword(struct span s)
{
    if (s.len == 0 || !is_alnum(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_alnum(s.data[i]) && s.data[i] != '-')
            return false;
    return true;
}

/*
 * esmtp-value = 1*(%d33-60 / %d62-126)
 */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < 33 || s.data[i] > 126 || s.data[i] == '=')
            return false;
    return s.len > 0;
}

/*
 * esmtp-param = esmtp-keyword ["=" esmtp-value]
 */
static enum smtp_reply_id read_parameter(struct span word, unsigned *seen, struct smtp_command *c)
{
    ptrdiff_t equals = span_find(word, '=');
    struct span keyword = equals < 0 ? word : span_head(word, (size_t)equals);
    struct span value = equals < 0 ? span_of(NULL, 0) : span_skip(word, (size_t)equals + 1);

    if (!is_keyword(keyword) || (equals >= 0 && !is_value(value)))
        return SMTP_REPLY_BAD_ARGUMENT;
    for (unsigned i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (c->verb != SMTP_VERB_MAIL ||
            !span_equal_nocase(keyword, span_text(parameters[i].keyword)))
            continue;
        if (*seen & 1u << i || (equals >= 0) != parameters[i].valued)
            return SMTP_REPLY_BAD_ARGUMENT;
        *seen |= 1u << i;
        if (parameters[i].read(value, c))
            return SMTP_REPLY_NONE;
        /* A body type of an extension that is not offered is no syntax error. */
        return parameters[i].read == read_body ? SMTP_REPLY_UNKNOWN_PARAMETER
                                               : SMTP_REPLY_BAD_ARGUMENT;
    }
    return SMTP_REPLY_UNKNOWN_PARAMETER;
}

/*
 * Mail-parameters = esmtp-param *(SP esmtp-param)
 * Rcpt-parameters = esmtp-param *(SP esmtp-param)
 */
static enum smtp_reply_id read_parameters(struct span text, struct smtp_command *c)
{
    unsigned seen = 0;

    while (text.len) {
        enum smtp_reply_id bad = read_parameter(take_word(&text), &seen, c);

        if (bad != SMTP_REPLY_NONE)
            return bad;
    }
    return SMTP_REPLY_NONE;
}

/*
 * mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 * rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP
 * Rcpt-parameters] CRLF
 */
static enum smtp_reply_id read_path(struct span text, const char *word, unsigned options,
                                    struct smtp_command *c)
{
    struct span keyword = span_text(word);

    if (!span_equal_nocase(span_head(text, keyword.len), keyword))
        return SMTP_REPLY_BAD_ARGUMENT;
    text = skip_spaces(span_skip(text, keyword.len));
    if (address_path(&text, options | ADDRESS_ALLOW_UTF8, &c->path) != ADDRESS_OK ||
        (text.len && !ascii_blank(text.data[0])))
        return c->verb == SMTP_VERB_MAIL ? SMTP_REPLY_BAD_SENDER : SMTP_REPLY_BAD_RECIPIENT;
    text = skip_spaces(text);
    c->parameters = text.len > 0;
    return read_parameters(text, c);
}

static bool is_special(uint8_t c)
{
    switch (c) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case '\\':
    case '"':
        return true;
    default:
        return false;
    }
}

/*
 * ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 * helo = "HELO" SP Domain CRLF
 * Differs from RFC 5321 section 4.1.1.1: what senders really say (underscores, one label, an
 * address without brackets) passes. What could be read as syntax in a Received field, and all that
 * is not printable ASCII, does not.
 */
static enum smtp_reply_id read_helo(struct span text, struct smtp_command *c)
{
    if (text.len == 0 || text.len > HELO_MAX)
        return SMTP_REPLY_BAD_HELO;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 33 || text.data[i] > 126 || is_special(text.data[i]))
            return SMTP_REPLY_BAD_HELO;
    c->argument = text;
    return SMTP_REPLY_NONE;
}

/*
 * auth-command     = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF
 * cancel-response] initial-response = base64 / "="                                       ; RFC 4954
 * section 8
 */
static enum smtp_reply_id read_auth(struct span text, struct smtp_command *c)
{
    c->argument = take_word(&text);
    c->initial = take_word(&text);
    return c->argument.len && text.len == 0 ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_ARGUMENT;
}

static bool is_utf8_text(struct span s)
{
    uint8_t text[1024];
    struct writer clean = writer_of(text, sizeof(text));

    if (s.len > sizeof(text))
        return false;
    peer_text(&clean, s, sizeof(text), PEER_TEXT_UTF8);
    return span_equal(writer_span(&clean), s);
}

/*
 * vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] CRLF                        ; RFC 6531 section 3.7.4.2
 */
static enum smtp_reply_id read_name(struct span text, struct smtp_command *c)
{
    struct span keyword = span_text(" SMTPUTF8");
    bool ascii = true;

    if (text.len > keyword.len &&
        span_equal_nocase(span_skip(text, text.len - keyword.len), keyword)) {
        c->smtputf8 = true;
        text.len -= keyword.len;
    }
    while (text.len && ascii_blank(text.data[text.len - 1]))
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        ascii = ascii && text.data[i] < 0x80;
    c->argument = text;
    if (text.len == 0 || !is_utf8_text(text))
        return SMTP_REPLY_BAD_ARGUMENT;
    return ascii || c->smtputf8 ? SMTP_REPLY_NONE : SMTP_REPLY_UTF8_NAME;
}

static enum smtp_reply_id read_argument(struct span text, struct smtp_command *c)
{
    switch (c->verb) {
    case SMTP_VERB_EHLO:
    case SMTP_VERB_HELO:
        return read_helo(text, c);
    case SMTP_VERB_MAIL:
        return read_path(text, "FROM:", ADDRESS_ALLOW_NULL, c);
    case SMTP_VERB_RCPT:
        return read_path(text, "TO:", ADDRESS_ALLOW_POSTMASTER, c);
    case SMTP_VERB_BDAT:
        return read_chunk(text, c);
    case SMTP_VERB_AUTH:
        return read_auth(text, c);
    case SMTP_VERB_XCLIENT:
        return smtp_xclient_parse(text, &c->xclient) ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_XCLIENT;
    case SMTP_VERB_VRFY:
        return read_name(text, c);
    case SMTP_VERB_NOOP:
    case SMTP_VERB_HELP:
        c->argument = text;
        return SMTP_REPLY_NONE;
    default:
        return text.len ? SMTP_REPLY_BAD_ARGUMENT : SMTP_REPLY_NONE;
    }
}

enum smtp_reply_id smtp_command_parse(struct span line, struct smtp_command *command_out)
{
    enum smtp_verb verb = SMTP_VERB_UNKNOWN;
    enum smtp_reply_id bad;
    struct span word;

    while (line.len && ascii_blank(line.data[line.len - 1]))
        line.len--;
    word = take_word(&line);
    for (unsigned v = 1; v < SMTP_VERB_COUNT && verb == SMTP_VERB_UNKNOWN; v++)
        if (word.len == verbs[v].len && span_equal_nocase(word, span_of(verbs[v].name, word.len)))
            verb = (enum smtp_verb)v;
    *command_out = (struct smtp_command){.verb = verb};
    if (verb == SMTP_VERB_UNKNOWN)
        return SMTP_REPLY_UNKNOWN_COMMAND;
    if (!verbs[verb].offered)
        return SMTP_REPLY_NOT_OFFERED;
    bad = read_argument(line, command_out);
    /* Of what is wrong nothing is told but that it had parameters. */
    if (bad != SMTP_REPLY_NONE)
        *command_out =
            (struct smtp_command){.verb = verb, .parameters = command_out->parameters};
    return bad;
}
