/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_terms.h"

#include "proto/base/cursor.h"

static struct span trimmed(struct span s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_skip(s, 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s = span_head(s, s.len - 1);
    return s;
}

/* Our tags have no comma, so the list may be cut at each. A weak one never matches strongly. */
bool ctl_terms_tag_listed(struct span list, const char *tag)
{
    size_t n = strlen(tag);

    if (span_equal(trimmed(list), span_text("*")))
        return n > 0;
    while (list.len && n) {
        ptrdiff_t comma = span_find(list, ',');
        struct span one = trimmed(comma < 0 ? list : span_head(list, (size_t)comma));

        if (one.len == n + 2 && one.data[0] == '"' && one.data[n + 1] == '"' &&
            memcmp(one.data + 1, tag, n) == 0)
            return true;
        list = span_skip(list, comma < 0 ? list.len : (size_t)comma + 1);
    }
    return false;
}

struct ctl_terms ctl_terms_operator(void)
{
    return (struct ctl_terms){
        .reason = {.who = span_text("operator"), .why = span_text("wirepost ctl")}};
}

bool ctl_terms_agreed(struct ctl_terms *t, bool there, const struct directory_admin_row *row)
{
    char tag[DIRECTORY_ADMIN_TAG + 1] = "";

    if (!t)
        return true;
    if (there && t->match.len)
        directory_admin_tag(row, tag);
    t->unmet = (t->absent && there) || (t->match.len && !ctl_terms_tag_listed(t->match, tag));
    return !t->unmet;
}

void ctl_terms_became(struct ctl_terms *t, const struct directory_admin_row *row)
{
    if (t)
        directory_admin_tag(row, t->tag);
}

bool ctl_terms_may(struct ctl_terms *t, struct span key)
{
    if (!t || !t->may || t->may(t->context, key))
        return true;
    t->forbidden = true;
    return false;
}

const struct store_audit *ctl_terms_audit(const struct ctl_terms *t, enum store_audit_action action,
                                          struct span key, struct store_audit *memory)
{
    *memory =
        (struct store_audit){.action = (uint8_t)action, .address = span_head(key, STORE_NAME)};
    if (!t)
        return NULL;
    memory->for_ = t->reason;
    return memory;
}
