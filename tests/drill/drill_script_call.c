/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/drill/drill_script.h"

/*
 * call    = name "(" [value *("," value)] ")" ["=" (value / "?") [errno] ["(" note ")"]]
 * value   = number / word *("|" word) / string / "..." / "[" values "]" / "{" members "}" / word
 * "(" values ")" member  = [name ["(" values ")"] "="] value
 */

enum { VALUES_MAX = 32 };

static struct drill_value read_value(struct drill_reader *r);

/* Values up to `close`, copied into memory of their own. */
static void read_values(struct drill_reader *r, const char *close, uint32_t *count,
                        struct drill_value **items)
{
    struct drill_value values[VALUES_MAX];

    *count = 0;
    if (!drill_skip(r, close)) {
        do {
            if (*count == VALUES_MAX)
                drill_stop(DRILL_SYNTAX, r->line, "more than %d values", VALUES_MAX);
            values[(*count)++] = read_value(r);
        } while (drill_skip(r, ","));
        drill_need(r, close);
    }
    *items = drill_memory(*count * sizeof(**items));
    if (*count)
        memcpy(*items, values, *count * sizeof(**items));
}

/* "..." "..." "..."...: strings in a row are one, and more may follow what it shows. */
static struct drill_value read_string(struct drill_reader *r)
{
    struct drill_value v = {.kind = DRILL_STRING};
    const char *from = r->at;

    while (*r->at && *r->at != '"' && *r->at != '\n')
        r->at += r->at[0] == '\\' && r->at[1] ? 2 : 1;
    v.text = drill_copy(from, (size_t)(r->at - from));
    drill_need(r, "\"");
    while (drill_skip(r, "\""))
        read_string(r);
    drill_skip(r, "...");
    return v;
}

/* A word; words that are or-ed; a member of a structure; a function of values such as htons(). */
static struct drill_value read_word(struct drill_reader *r)
{
    const char *name = drill_word(r);
    struct drill_value v = {.kind = DRILL_WORD, .text = name};

    if (!name)
        drill_stop(DRILL_SYNTAX, r->line, "no value: '%.20s'", r->at);
    if (drill_skip(r, "(")) {
        v.kind = DRILL_LIST;
        read_values(r, ")", &v.count, &v.items);
    }
    drill_space(r);
    if (r->at[0] == '=' && r->at[1] != '=') {
        r->at++;
        v = read_value(r);
        v.name = name;
        return v;
    }
    while (drill_skip(r, "|")) {
        struct drill_value more = read_value(r);
        size_t len = strlen(v.text ? v.text : "");
        char *joined;

        if (!more.text || !v.text)
            drill_stop(DRILL_SYNTAX, r->line, "words only can be or-ed");
        joined = drill_memory(len + strlen(more.text) + 2);
        memcpy(joined, v.text, len);
        joined[len] = '|';
        strcpy(joined + len + 1, more.text);
        v.text = joined;
    }
    return v;
}

static struct drill_value read_value(struct drill_reader *r)
{
    struct drill_value v = {0};

    if (drill_skip(r, "...")) {
        v.kind = DRILL_ELLIPSIS;
    } else if (drill_skip(r, "?")) {
        v.kind = DRILL_ELLIPSIS;
    } else if (drill_skip(r, "[")) {
        v.kind = DRILL_LIST;
        read_values(r, "]", &v.count, &v.items);
    } else if (drill_skip(r, "{")) {
        v.kind = DRILL_STRUCT;
        read_values(r, "}", &v.count, &v.items);
    } else if (drill_skip(r, "\"")) {
        v = read_string(r);
    } else if (drill_at_number(r)) {
        v.number = drill_number(r);
        /* Or-ed with words it is one of them. */
        while (drill_skip(r, "|"))
            v = read_value(r);
    } else {
        v = read_word(r);
    }
    return v;
}

void drill_read_call(struct drill_reader *r, struct drill_event *event)
{
    struct drill_call *call = &event->call;

    event->kind = DRILL_CALL;
    call->name = drill_word(r);
    if (!call->name)
        drill_stop(DRILL_SYNTAX, r->line, "neither packet nor call: '%.20s'", r->at);
    drill_need(r, "(");
    read_values(r, ")", &call->count, &call->arguments);
    call->result.kind = DRILL_ELLIPSIS;
    if (!drill_skip(r, "="))
        return;
    call->result = read_value(r);
    r->at += strspn(r->at, " \t");
    if (*r->at == 'E')
        call->error = drill_word(r);
    r->at += strspn(r->at, " \t");
    if (*r->at == '(') {
        r->at += strcspn(r->at, ")\n");
        drill_need(r, ")");
    }
}
