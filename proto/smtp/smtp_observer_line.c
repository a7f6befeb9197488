/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_observer_line.h"

#include "proto/base/ascii.h"

/* The next run without blanks. */
static struct span take_word(struct span *s)
{
    size_t n = 0;
    struct span word;

    while (s->len && ascii_blank(s->data[0]))
        *s = span_skip(*s, 1);
    while (n < s->len && !ascii_blank(s->data[n]))
        n++;
    word = span_head(*s, n);
    *s = span_skip(*s, n);
    return word;
}

/* What stands between "<" and the ">" that is not quoted; without brackets the first word. */
static struct span take_path(struct span *s)
{
    bool quoted = false;
    size_t n = 1;
    struct span path;

    *s = ascii_trim(*s);
    if (!s->len || s->data[0] != '<')
        return take_word(s);
    for (; n < s->len && (quoted || s->data[n] != '>'); n++) {
        if (quoted && s->data[n] == '\\')
            n++;
        else if (s->data[n] == '"')
            quoted = !quoted;
    }
    path = span_skip(span_head(*s, n), 1);
    *s = span_skip(*s, n + 1);
    return path;
}

/* A-d-l ":" in front of the mailbox (RFC 5321 section 4.1.2). */
static struct span without_route(struct span path)
{
    ptrdiff_t colon = path.len && path.data[0] == '@' ? span_find(path, ':') : -1;

    return colon < 0 ? path : span_skip(path, (size_t)colon + 1);
}

/* A path that our own server would refuse, or parameters that it does not know. */
static void read_loose_path(struct span text, struct smtp_observed_line *l)
{
    ptrdiff_t colon = span_find(text, ':');

    if (colon < 0)
        return;
    text = span_skip(text, (size_t)colon + 1);
    l->name = without_route(take_path(&text));
    while (text.len) {
        struct span word = take_word(&text);

        l->command.smtputf8 |= span_equal_nocase(word, span_text("SMTPUTF8"));
        if (span_equal_nocase(word, span_text("BODY=BINARYMIME")))
            l->command.body = SMTP_BODY_BINARYMIME;
        l->command.prdr |= span_equal_nocase(word, span_text("PRDR"));
    }
}

static void read_path(struct span text, struct smtp_observed_line *l)
{
    const struct address *path = &l->command.path;

    if (!l->good)
        read_loose_path(text, l);
    else if (path->domain.len == 0)
        l->name = path->local;
    else
        l->name = span_between(path->local.data, path->domain.data + path->domain.len);
}

/* One word may be a response to an AUTH that was missed; behind a strange AUTH stands one too. */
static uint32_t secret_of_unknown(struct span line)
{
    struct span text = line, word = take_word(&text);

    if (ascii_trim(text).len == 0)
        return 0;
    if (span_equal_nocase(word, span_text("AUTH")))
        take_word(&text);
    else
        return (uint32_t)line.len;
    return (uint32_t)(text.data - line.data);
}

void smtp_observer_line_read(struct span line, struct smtp_observed_line *line_out)
{
    struct smtp_observed_line l = {.secret = (uint32_t)line.len};
    struct span text = line;

    l.good = smtp_command_parse(line, &l.command) == SMTP_REPLY_NONE;
    if (span_equal_nocase(take_word(&text), span_text("LHLO"))) {
        l.command.verb = SMTP_VERB_EHLO;
        l.lmtp = true;
    }
    switch (l.command.verb) {
    case SMTP_VERB_EHLO:
    case SMTP_VERB_HELO:
        l.name = take_word(&text);
        break;
    case SMTP_VERB_MAIL:
    case SMTP_VERB_RCPT:
        read_path(text, &l);
        break;
    case SMTP_VERB_AUTH:
        l.name = take_word(&text);
        l.secret = (uint32_t)(text.data - line.data);
        l.initial = ascii_trim(text);
        break;
    case SMTP_VERB_UNKNOWN:
        l.secret = secret_of_unknown(line);
        break;
    default:
        break;
    }
    *line_out = l;
}
