/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_grep.h"

#include <stdlib.h>
#include <unistr.h>

#include "control/mail/mail_walk.h"

/* A look through one message. */
struct look {
    const struct mail_grep *what;
    uint8_t *carry; /* the end of the text so far, in which a match may begin */
    size_t carried;
    bool found;
};

bool mail_needle_make(struct span text, struct mail_needle *needle_out)
{
    *needle_out = (struct mail_needle){0};
    if (text.len == 0)
        return true;
    if (u8_check(text.data, text.len))
        return false;
    needle_out->text = mail_fold(text, &needle_out->len);
    return needle_out->text != NULL;
}

static bool has(struct span text, const struct mail_needle *n)
{
    return memmem(text.data, text.len, n->text, n->len) != NULL;
}

/* A part's text comes in pieces: what lies over a border is looked at with both sides of it. */
static bool has_over_border(struct look *l, const struct mail_piece *piece)
{
    size_t most = l->what->needle->len - 1, taken = piece->text.len < most ? piece->text.len : most;
    size_t all, kept;
    bool found;

    if (piece->first)
        l->carried = 0;
    if (taken)
        memcpy(l->carry + l->carried, piece->text.data, taken);
    found = has(span_of(l->carry, l->carried + taken), l->what->needle);
    if (piece->text.len > most) {
        memcpy(l->carry, piece->text.data + piece->text.len - most, most);
        l->carried = most;
        return found;
    }
    all = l->carried + taken;
    kept = all < most ? all : most;
    memmove(l->carry, l->carry + all - kept, kept);
    l->carried = kept;
    return found;
}

static bool visit(void *context, const struct mail_piece *piece)
{
    struct look *l = context;
    const struct mail_grep *what = l->what;
    size_t skipped = what->where == MAIL_GREP_FIELD ? piece->value : 0;

    if (what->needle->len == 0)
        l->found = true;
    else
        l->found = has(span_skip(piece->text, skipped), what->needle) ||
                   (piece->kind == MAIL_PIECE_TEXT && has_over_border(l, piece));
    return !l->found;
}

enum store_status mail_grep(struct store *store, const struct store_reading *reading,
                            const struct mail_grep *what, bool *found_out)
{
    struct look l = {.what = what, .carry = malloc(2 * what->needle->len + 1)};
    struct mail_walk walk = {.fields = what->where != MAIL_GREP_BODY,
                             .texts = what->where != MAIL_GREP_FIELD,
                             .named = what->where == MAIL_GREP_FIELD,
                             .name = what->name,
                             .visit = visit,
                             .context = &l};
    enum store_status status = STORE_FAILED;

    if (l.carry)
        status = mail_walk(store, reading, &walk);
    free(l.carry);
    *found_out = l.found;
    return status;
}
