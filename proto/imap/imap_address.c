/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_address.h"

#include "proto/base/ascii.h"

enum { COMMENTS_MAX = 64 };

struct imap_address_list imap_address_list_of(struct span text, void *scratch, size_t size)
{
    return (struct imap_address_list){.text = text, .scratch = writer_of(scratch, size)};
}

/* Octets of a quoted string, a domain literal or the like that begins here; all, without its end.
 */
static size_t enclosed_len(struct span s, uint8_t end)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == end)
            return i + 1;
    }
    return s.len;
}

/* Octets of a comment, with those within. */
static size_t comment_len(struct span s)
{
    unsigned depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '(' && depth < COMMENTS_MAX)
            depth++;
        else if (s.data[i] == ')' && --depth == 0)
            return i + 1;
    }
    return s.len;
}

/* Octets of the piece that begins here: a quoted string, a comment, a domain literal, a byte. */
static size_t piece_len(struct span s)
{
    switch (s.data[0]) {
    case '"':
        return enclosed_len(s, '"');
    case '[':
        return enclosed_len(s, ']');
    case '(':
        return comment_len(s);
    default:
        return 1;
    }
}

/* Octets before the first of `stops` that stands outside of quotes and comments. */
static size_t len_before(struct span s, const char *stops)
{
    size_t i = 0;

    while (i < s.len && (s.data[i] == 0 || !strchr(stops, s.data[i])))
        i += piece_len(span_skip(s, i));
    return i;
}

/* What stands between quotes or brackets, backslashes undone. */
static void put_inside(struct writer *w, struct span s)
{
    size_t end =
        s.len > 1 && (s.data[s.len - 1] == '"' || s.data[s.len - 1] == ')') ? s.len - 1 : s.len;

    for (size_t i = 1; i < end; i++) {
        if (s.data[i] == '\\' && i + 1 < end)
            i++;
        writer_byte(w, s.data[i]);
    }
}

/*
 * Words without comments and quotes; between them one blank, or none (`tight`: local parts and
 * domains). data is NULL when there is nothing.
 */
static struct span put_words(struct writer *w, struct span s, bool tight)
{
    size_t begin = w->len;
    bool blank = false, any = false;

    for (size_t i = 0, n; i < s.len; i += n) {
        n = piece_len(span_skip(s, i));
        if (s.data[i] == '(' || ascii_folding(s.data[i])) {
            blank = true;
            continue;
        }
        if (blank && any && !tight)
            writer_byte(w, ' ');
        blank = false;
        any = true;
        if (s.data[i] == '"')
            put_inside(w, span_of(s.data + i, n));
        else
            writer_span_put(w, span_of(s.data + i, n));
    }
    return any ? span_of(w->data + begin, w->len - begin) : span_of(NULL, 0);
}

/* The last comment in `s`: who has no name in front is called by it (RFC 5322 appendix A.1.1). */
static struct span put_comment(struct writer *w, struct span s)
{
    struct span comment = {0};
    size_t begin = w->len;

    for (size_t i = 0, n; i < s.len; i += n) {
        n = piece_len(span_skip(s, i));
        if (s.data[i] == '(')
            comment = span_of(s.data + i, n);
    }
    if (comment.len == 0)
        return comment;
    put_inside(w, comment);
    comment = ascii_trim(span_of(w->data + begin, w->len - begin));
    return comment.len ? comment : span_of(NULL, 0);
}

static struct span or_missing(struct span s, const char *what)
{
    return s.len ? s : span_text(what);
}

/* addr-spec, with the route that may stand before it */
static void read_spec(struct imap_address_list *l, struct span spec, struct imap_address *a)
{
    size_t at;

    if (ascii_trim(spec).len && ascii_trim(spec).data[0] == '@') {
        size_t colon = len_before(spec, ":");

        if (colon < spec.len) {
            a->route = put_words(&l->scratch, span_head(spec, colon), true);
            spec = span_skip(spec, colon + 1);
        }
    }
    at = len_before(spec, "@");
    a->mailbox = put_words(&l->scratch, span_head(spec, at), true);
    a->host = put_words(&l->scratch, span_skip(spec, at + 1), true);
    a->mailbox = or_missing(a->mailbox, "MISSING_MAILBOX");
    a->host = or_missing(a->host, "MISSING_DOMAIN");
}

/* A mailbox: `words` up to "<", "," or ";", from where the list goes on. */
static void read_mailbox(struct imap_address_list *l, struct span words, struct imap_address *a)
{
    a->kind = IMAP_ADDRESS_MAILBOX;
    if (l->text.len && l->text.data[0] == '<') {
        struct span inside = span_skip(l->text, 1), behind;
        size_t end = len_before(inside, ">");

        a->name = put_words(&l->scratch, words, false);
        read_spec(l, span_head(inside, end), a);
        l->text = span_skip(inside, end + 1);
        end = len_before(l->text, ",;");
        behind = span_head(l->text, end);
        if (a->name.len == 0)
            a->name = put_comment(&l->scratch, behind);
        l->text = span_skip(l->text, end);
        return;
    }
    read_spec(l, words, a);
    a->name = put_comment(&l->scratch, words);
}

static bool is_blank(struct span words)
{
    for (size_t i = 0; i < words.len; i += piece_len(span_skip(words, i)))
        if (words.data[i] != '(' && !ascii_folding(words.data[i]))
            return false;
    return true;
}

bool imap_address_next(struct imap_address_list *list, struct imap_address *address_out)
{
    struct imap_address *a = address_out;

    list->scratch.len = 0;
    list->scratch.full = false;
    memset(a, 0, sizeof(*a));
    while (list->text.len) {
        size_t n = len_before(list->text, list->group ? "<,;" : "<,;:");
        struct span words = span_head(list->text, n);
        uint8_t stop = n < list->text.len ? list->text.data[n] : 0;

        if (stop == ':' && !is_blank(words)) {
            list->text = span_skip(list->text, n + 1);
            list->group = true;
            a->kind = IMAP_ADDRESS_GROUP;
            a->mailbox = put_words(&list->scratch, words, false);
            return true;
        }
        list->text = span_skip(list->text, n);
        if (stop == '<' || !is_blank(words)) {
            read_mailbox(list, words, a);
            return true;
        }
        list->text = span_skip(list->text, 1);
        if (stop == ';' && list->group)
            break;
    }
    a->kind = IMAP_ADDRESS_GROUP_END;
    return list->group && !(list->group = false);
}
