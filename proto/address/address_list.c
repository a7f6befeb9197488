/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_list.h"

enum { COMMENTS_MAX = 32 };

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets of the quoted string that begins here; 0: it has no end. */
static size_t quoted_len(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.data[i] == '"')
            return i + 1;
        i += s.data[i] == '\\';
    }
    return 0;
}

/* Octets of the comment that begins here, with those within; 0: it has no end. */
static size_t comment_len(struct span s)
{
    unsigned depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '(' && ++depth > COMMENTS_MAX)
            return 0;
        if (s.data[i] == ')' && --depth == 0)
            return i + 1;
        i += s.data[i] == '\\';
    }
    return 0;
}

/* Octets of "<" to ">". */
static size_t angle_len(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.data[i] == '>')
            return i + 1;
        if (s.data[i] == '<')
            return 0;
        if (s.data[i] == '"') {
            size_t n = quoted_len(span_skip(s, i));

            if (n == 0)
                return 0;
            i += n - 1;
        }
    }
    return 0;
}

static struct span trim(struct span s)
{
    while (s.len && is_space(s.data[0]))
        s = span_skip(s, 1);
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

/* One address under way: the words in front of it, or it itself without brackets, and what stands
 * within them. */
struct item {
    struct span words, angle;
    bool has_angle;
};

static void add_words(struct item *item, struct span piece)
{
    item->words = item->words.len ? span_between(item->words.data, piece.data + piece.len) : piece;
}

/* Takes the next piece of an address; false: it is bad. */
static bool take_piece(struct span *text, struct item *item)
{
    uint8_t c = text->data[0];
    size_t n = 1;

    if (c == '"')
        n = quoted_len(*text);
    else if (c == '(')
        n = comment_len(*text);
    else if (c == '<')
        n = item->has_angle ? 0 : angle_len(*text);
    else if (!is_space(c) && item->has_angle)
        return false;
    if (n == 0)
        return false;
    if (c == '<') {
        item->angle = trim(span_skip(span_head(*text, n - 1), 1));
        item->has_angle = true;
    } else if (c != '(' && !is_space(c)) {
        add_words(item, span_head(*text, n));
    }
    *text = span_skip(*text, n);
    return true;
}

/*
 * address      = mailbox / group
 * mailbox      = name-addr / addr-spec
 * name-addr    = [display-name] angle-addr
 * group        = display-name ":" [group-list] ";" [CFWS]                ; RFC 5322 section 3.4
 */
enum address_list_status address_list_next(struct span *text, struct span *mailbox_out)
{
    struct item item = {0};

    while (text->len) {
        uint8_t c = text->data[0];

        if (c == ':' && !item.has_angle) {
            item = (struct item){0};
            *text = span_skip(*text, 1);
        } else if (c == ',' || c == ';') {
            *text = span_skip(*text, 1);
            if (item.has_angle || item.words.len)
                break;
        } else if (!take_piece(text, &item)) {
            return ADDRESS_LIST_BAD;
        }
    }
    *mailbox_out = item.has_angle ? item.angle : item.words;
    return item.has_angle || item.words.len ? ADDRESS_LIST_NEXT : ADDRESS_LIST_END;
}
