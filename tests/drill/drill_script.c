/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/drill/drill_script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * script  = *setting *event
 * setting = "--" name ["=" value]
 * event   = [time] (packet / call / "`" command "`" / "%{" code "}%")
 * time    = ["+"] seconds ["~" ["+"] seconds / "..." ["+"] seconds] / "*"
 */

noreturn void drill_stop(enum drill_exit why, int line, const char *format, ...)
{
    static const char *const kinds[] = {"passed", "failed", "syntax", "refused"};
    va_list arguments;

    va_start(arguments, format);
    printf("%s: line %d: ", kinds[why], line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    exit(why);
}

/* A script's process ends with it, and all of its memory; until then everything is in use. */
struct piece {
    struct piece *next;
    max_align_t bytes[];
};
static struct piece *pieces;

void *drill_memory(size_t len)
{
    struct piece *p = calloc(1, sizeof(*p) + (len ? len : 1));

    if (!p)
        drill_stop(DRILL_REFUSED, 0, "no memory");
    p->next = pieces;
    pieces = p;
    return p->bytes;
}

char *drill_copy(const char *from, size_t len)
{
    char *to = drill_memory(len + 1);

    memcpy(to, from, len);
    return to;
}

static bool skip_comment(struct drill_reader *r)
{
    if (*r->at == '#' || (r->at[0] == '/' && r->at[1] == '/')) {
        r->at += strcspn(r->at, "\n");
        return true;
    }
    if (r->at[0] != '/' || r->at[1] != '*')
        return false;
    for (r->at += 2; *r->at && (r->at[0] != '*' || r->at[1] != '/'); r->at++)
        r->line += *r->at == '\n';
    r->at += *r->at ? 2 : 0;
    return true;
}

void drill_space(struct drill_reader *r)
{
    do {
        for (; isspace((unsigned char)*r->at); r->at++)
            r->line += *r->at == '\n';
    } while (skip_comment(r));
}

bool drill_skip(struct drill_reader *r, const char *text)
{
    size_t len = strlen(text);

    drill_space(r);
    if (strncmp(r->at, text, len))
        return false;
    r->at += len;
    return true;
}

static bool word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool drill_skip_word(struct drill_reader *r, const char *word)
{
    size_t len = strlen(word);

    drill_space(r);
    if (strncmp(r->at, word, len) || word_byte(r->at[len]))
        return false;
    r->at += len;
    return true;
}

void drill_need(struct drill_reader *r, const char *text)
{
    if (!drill_skip(r, text))
        drill_stop(DRILL_SYNTAX, r->line, "'%s' is missing before '%.20s'", text, r->at);
}

const char *drill_word(struct drill_reader *r)
{
    const char *from;

    drill_space(r);
    from = r->at;
    if (isdigit((unsigned char)*from))
        return NULL;
    while (word_byte(*r->at))
        r->at++;
    return r->at == from ? NULL : drill_copy(from, (size_t)(r->at - from));
}

bool drill_at_number(struct drill_reader *r)
{
    drill_space(r);
    return isdigit((unsigned char)*r->at) || (*r->at == '-' && isdigit((unsigned char)r->at[1]));
}

int64_t drill_number(struct drill_reader *r)
{
    char *end;
    int64_t n;

    if (!drill_at_number(r))
        drill_stop(DRILL_SYNTAX, r->line, "a number is missing before '%.20s'", r->at);
    n = strtoll(r->at, &end, 0);
    r->at = end;
    return n;
}

/* Seconds; "1...2" is a range, not a fraction. */
static int64_t seconds(struct drill_reader *r)
{
    int64_t whole = 0, part = 0, scale = 1000000;

    drill_space(r);
    if (!isdigit((unsigned char)*r->at) && (*r->at != '.' || !isdigit((unsigned char)r->at[1])))
        drill_stop(DRILL_SYNTAX, r->line, "a time is missing before '%.20s'", r->at);
    for (; isdigit((unsigned char)*r->at); r->at++)
        whole = whole * 10 + *r->at - '0';
    if (*r->at == '.' && isdigit((unsigned char)r->at[1])) {
        for (r->at++; isdigit((unsigned char)*r->at); r->at++) {
            scale /= 10;
            part += (*r->at - '0') * scale;
        }
    } else if (*r->at == '.' && r->at[1] != '.') {
        r->at++;
    }
    return whole * 1000000 + part;
}

/* Without a time: at that of the event before. */
static struct drill_time read_time(struct drill_reader *r)
{
    struct drill_time t = {.kind = DRILL_RELATIVE};

    drill_space(r);
    if (drill_skip(r, "*")) {
        t.kind = DRILL_ANY;
        return t;
    }
    if (drill_skip(r, "+"))
        t.kind = DRILL_RELATIVE;
    else if (isdigit((unsigned char)*r->at) || (*r->at == '.' && isdigit((unsigned char)r->at[1])))
        t.kind = DRILL_ABSOLUTE;
    else
        return t;
    t.from = t.to = seconds(r);
    if (drill_skip(r, "~")) {
        drill_skip(r, "+");
        t.to = seconds(r);
    } else if (drill_skip(r, "...")) {
        drill_skip(r, "+");
        t.to = seconds(r);
        t.lasts = true;
    }
    return t;
}

static const char *read_command(struct drill_reader *r)
{
    const char *from = r->at;

    for (; *r->at && *r->at != '`'; r->at++)
        r->line += *r->at == '\n';
    if (!*r->at)
        drill_stop(DRILL_SYNTAX, r->line, "a command does not end");
    return drill_copy(from, (size_t)(r->at++ - from));
}

static const char *read_code(struct drill_reader *r)
{
    const char *from = r->at;

    for (; *r->at && strncmp(r->at, "}%", 2); r->at++)
        r->line += *r->at == '\n';
    if (!*r->at)
        drill_stop(DRILL_SYNTAX, r->line, "code does not end");
    r->at += 2;
    return drill_copy(from, (size_t)(r->at - 2 - from));
}

static struct drill_event *read_event(struct drill_reader *r)
{
    struct drill_event *event = drill_memory(sizeof(*event));

    event->time = read_time(r);
    drill_space(r);
    event->line = r->line;
    if (drill_skip(r, "`")) {
        event->kind = DRILL_COMMAND;
        event->command = read_command(r);
    } else if (drill_skip(r, "%{")) {
        event->kind = DRILL_CODE;
        event->command = read_code(r);
    } else if (*r->at == '<' || *r->at == '>') {
        drill_read_packet(r, event);
    } else {
        drill_read_call(r, event);
    }
    return event;
}

static void read_settings(struct drill_reader *r, struct drill_script *script)
{
    while (drill_skip(r, "--")) {
        struct drill_setting *s = drill_memory(sizeof(*s));
        size_t len = strcspn(r->at, "= \t\r\n");

        s->name = drill_copy(r->at, len);
        r->at += len;
        if (*r->at == '=') {
            len = strcspn(++r->at, " \t\r\n");
            s->value = drill_copy(r->at, len);
            r->at += len;
        } else {
            s->value = "";
        }
        s->next = script->settings;
        script->settings = s;
    }
}

const char *drill_script_setting(const struct drill_script *script, const char *name)
{
    for (const struct drill_setting *s = script->settings; s; s = s->next)
        if (!strcmp(s->name, name))
            return s->value;
    return NULL;
}

struct drill_script *drill_script_read(const char *text)
{
    struct drill_script *script = drill_memory(sizeof(*script));
    struct drill_reader r = {.at = text, .line = 1};
    struct drill_event **last = &script->events;
    const char *version;

    read_settings(&r, script);
    version = drill_script_setting(script, "ip_version");
    r.v6 = version && !strcmp(version, "ipv6");
    for (drill_space(&r); *r.at; drill_space(&r)) {
        *last = read_event(&r);
        last = &(*last)->next;
        read_settings(&r, script);
    }
    return script;
}
