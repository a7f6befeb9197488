/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_command.h"

#include "proto/imap/imap_cursor.h"

static const struct verb_row {
    const char *name;
    uint8_t len;
    uint8_t states;
    bool uid;
} verbs[IMAP_VERBS] = {
#define VERB(NAME, name, states, uid) [IMAP_VERB_##NAME] = {name, sizeof(name) - 1, states, uid},
#include "proto/imap/imap_verb.def"
#undef VERB
};

static const struct refusal_row {
    const char *name;
    const char *text;
} refusals[IMAP_REFUSALS] = {
#define REFUSAL(NAME, name, text) [IMAP_REFUSAL_##NAME] = {#name, text},
#include "proto/imap/imap_refusal.def"
#undef REFUSAL
};

static enum imap_verb find(struct span name, bool uid)
{
    for (int v = IMAP_VERB_NONE + 1; v < IMAP_VERBS; v++)
        if (verbs[v].len == name.len && (!uid || verbs[v].uid) &&
            span_equal_nocase(name, span_of(verbs[v].name, verbs[v].len)))
            return (enum imap_verb)v;
    return IMAP_VERB_NONE;
}

/* What stands before the next blank, moving behind it. */
static struct span word(struct span *bytes, bool *spaced_out)
{
    ptrdiff_t blank = span_find(*bytes, ' ');
    struct span s = span_head(*bytes, blank < 0 ? bytes->len : (size_t)blank);

    *spaced_out = blank >= 0;
    *bytes = span_skip(*bytes, s.len + (blank >= 0 ? 1 : 0));
    return s;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static bool is_tag(struct span s)
{
    if (s.len == 0 || s.len > IMAP_TAG_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((!imap_is_atom_char(s.data[i]) && s.data[i] != ']') || s.data[i] == '+')
            return false;
    return true;
}

enum imap_refusal imap_command_parse(struct span bytes, struct imap_command *command_out)
{
    struct imap_command *c = command_out;
    struct span tag;

    memset(c, 0, sizeof(*c));
    tag = word(&bytes, &c->spaced);
    if (!is_tag(tag))
        return IMAP_REFUSAL_TAG;
    c->tag = tag;
    c->name = word(&bytes, &c->spaced);
    c->uid = c->spaced && span_equal_nocase(c->name, span_text("UID"));
    if (c->uid)
        c->name = word(&bytes, &c->spaced);
    c->args = bytes;
    c->verb = find(c->name, c->uid);
    return c->verb == IMAP_VERB_NONE ? IMAP_REFUSAL_VERB : IMAP_REFUSAL_NONE;
}

unsigned imap_verb_states(enum imap_verb verb)
{
    return verbs[verb].states;
}

const char *imap_verb_name(enum imap_verb verb)
{
    return verbs[verb].name;
}

const char *imap_refusal_text(enum imap_refusal refusal)
{
    return refusals[refusal].text;
}

const char *imap_refusal_name(enum imap_refusal refusal)
{
    return refusals[refusal].name;
}
