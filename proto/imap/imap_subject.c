/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_subject.h"

#include "proto/base/ascii.h"
#include "proto/mime/mime_word.h"

void imap_subject_decode(struct span value, const struct mime_charset *charsets, struct writer *out)
{
    size_t begin = out->len, to = begin;
    bool blank = false;

    (void)mime_word_decode(value, charsets, out);
    for (size_t i = begin; i < out->len; i++) {
        if (ascii_folding(out->data[i])) {
            blank = to > begin;
            continue;
        }
        if (blank)
            out->data[to++] = ' ';
        blank = false;
        out->data[to++] = out->data[i];
    }
    out->len = to;
}

static bool begins(struct span s, const char *word)
{
    struct span w = span_text(word);

    return s.len >= w.len && span_equal_nocase(span_head(s, w.len), w);
}

/* subj-trailer = "(fwd)" / WSP */
static struct span without_trailers(struct span s, bool *reply)
{
    for (;;) {
        if (s.len && ascii_blank(s.data[s.len - 1])) {
            s.len--;
        } else if (s.len >= 5 && begins(span_skip(s, s.len - 5), "(fwd)")) {
            s.len -= 5;
            *reply = true;
        } else {
            return s;
        }
    }
}

static struct span without_blanks(struct span s)
{
    while (s.len && ascii_blank(s.data[0]))
        s = span_skip(s, 1);
    return s;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP; false when there is none. */
static bool take_blob(struct span *s)
{
    size_t i = 1;

    if (s->len == 0 || s->data[0] != '[')
        return false;
    while (i < s->len && s->data[i] != '[' && s->data[i] != ']')
        i++;
    if (i == s->len || s->data[i] != ']')
        return false;
    *s = without_blanks(span_skip(*s, i + 1));
    return true;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool take_refwd(struct span *s)
{
    struct span at = *s;

    if (!begins(at, "re") && !begins(at, "fw"))
        return false;
    at = span_skip(at, begins(at, "fwd") ? 3 : 2);
    at = without_blanks(at);
    (void)take_blob(&at);
    if (at.len == 0 || at.data[0] != ':')
        return false;
    *s = span_skip(at, 1);
    return true;
}

/* subj-leader = (*subj-blob subj-refwd) / WSP */
static bool take_leader(struct span *s, bool *reply)
{
    struct span at = *s;

    if (s->len && ascii_blank(s->data[0])) {
        *s = span_skip(*s, 1);
        return true;
    }
    while (take_blob(&at))
        ;
    if (!take_refwd(&at))
        return false;
    *s = at;
    *reply = true;
    return true;
}

static struct span without_leaders(struct span s, bool *reply)
{
    for (;;) {
        struct span at = s;

        if (take_leader(&s, reply))
            continue;
        /* A blob goes unless nothing would be left. */
        if (!take_blob(&at) || at.len == 0)
            return s;
        s = at;
    }
}

struct span imap_subject_base(struct span decoded, bool *reply_out)
{
    bool reply = false;

    for (;;) {
        decoded = without_leaders(without_trailers(decoded, &reply), &reply);
        if (!begins(decoded, "[fwd:") || decoded.data[decoded.len - 1] != ']')
            break;
        decoded = span_skip(decoded, 5);
        decoded.len--;
        reply = true;
    }
    if (reply_out)
        *reply_out = reply;
    return decoded;
}
