/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/maildir_name.h"

static const struct {
    char letter;
    uint8_t flag;
} letters[] = {{'D', MAILDIR_DRAFT},   {'F', MAILDIR_FLAGGED}, {'P', MAILDIR_PASSED},
               {'R', MAILDIR_REPLIED}, {'S', MAILDIR_SEEN},    {'T', MAILDIR_TRASHED}};

enum { LETTERS = sizeof(letters) / sizeof(letters[0]), TIME_DIGITS = 11 };

static uint64_t delivered(struct span name)
{
    uint64_t seconds = 0;
    size_t i;

    for (i = 0; i < name.len && i <= TIME_DIGITS && (uint8_t)(name.data[i] - '0') <= 9; i++)
        seconds = seconds * 10 + (uint64_t)(name.data[i] - '0');
    return i < name.len && i <= TIME_DIGITS && name.data[i] == '.' ? seconds : 0;
}

struct maildir_name maildir_name_parse(struct span name)
{
    struct maildir_name out = {.delivered = delivered(name)};
    size_t at = name.len;

    while (at > 0 && name.data[at - 1] != ':')
        at--;
    if (at == 0 || !span_equal(span_head(span_skip(name, at), 2), span_text("2,")))
        return out;
    for (at += 2; at < name.len; at++) {
        if ((uint8_t)(name.data[at] - 'a') < 26)
            out.flags |= MAILDIR_OTHERS;
        for (int k = 0; k < LETTERS; k++)
            if (name.data[at] == (uint8_t)letters[k].letter)
                out.flags |= letters[k].flag;
    }
    return out;
}

void maildir_name_put_flags(struct writer *w, uint32_t flags)
{
    writer_text(w, ":2,");
    for (int k = 0; k < LETTERS; k++)
        if (flags & letters[k].flag)
            writer_byte(w, (uint8_t)letters[k].letter);
}
