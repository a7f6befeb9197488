/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_response.h"

/* The first words of a response, which say of what kind it is, and those that are one line of text.
 */

static const uint64_t NUMBER_LIMIT = UINT64_MAX / 10 - 1;

/* Up to SP or LF, without the CR before that. False: neither has come. */
static bool take_word(struct span *s, struct span *word_out, uint8_t *end_out)
{
    size_t n = 0;

    while (n < s->len && s->data[n] != ' ' && s->data[n] != '\n')
        n++;
    if (n == s->len)
        return false;
    *end_out = s->data[n];
    *word_out = span_head(*s, n && *end_out == '\n' && s->data[n - 1] == '\r' ? n - 1 : n);
    *s = span_skip(*s, n + 1);
    return true;
}

static bool condition_of(struct span word, enum imap_response_condition *out)
{
    static const char *const names[] = {
        [IMAP_RESPONSE_OK] = "OK",           [IMAP_RESPONSE_NO] = "NO",
        [IMAP_RESPONSE_BAD_COMMAND] = "BAD", [IMAP_RESPONSE_PREAUTH] = "PREAUTH",
        [IMAP_RESPONSE_BYE] = "BYE",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(word, span_text(names[i]))) {
            *out = (enum imap_response_condition)i;
            return true;
        }
    return false;
}

static bool number_of(struct span word, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t digit = (uint8_t)(word.data[i] - '0');

        if (digit > 9 || *out > NUMBER_LIMIT)
            return false;
        *out = 10 * *out + digit;
    }
    return word.len > 0;
}

/* What stands behind "* ". */
static enum imap_response_head untagged(struct span s, struct imap_response_event *e,
                                        struct span *rest_out)
{
    uint8_t end;

    if (!take_word(&s, &e->name, &end))
        return IMAP_RESPONSE_HEAD_MORE;
    if (condition_of(e->name, &e->condition))
        return IMAP_RESPONSE_HEAD_LINE;
    e->numbered = number_of(e->name, &e->number);
    if (e->numbered && end == '\n')
        return IMAP_RESPONSE_HEAD_BAD;
    if (e->numbered && !take_word(&s, &e->name, &end))
        return IMAP_RESPONSE_HEAD_MORE;
    if (e->name.len == 0)
        return IMAP_RESPONSE_HEAD_BAD;
    e->kind = IMAP_RESPONSE_DATA;
    *rest_out = s;
    return IMAP_RESPONSE_HEAD_DATA;
}

static enum imap_response_head tagged(struct span s, struct imap_response_event *e)
{
    struct span word;
    uint8_t end;

    if (!take_word(&s, &word, &end))
        return IMAP_RESPONSE_HEAD_MORE;
    return condition_of(word, &e->condition) && e->condition <= IMAP_RESPONSE_BAD_COMMAND
               ? IMAP_RESPONSE_HEAD_LINE
               : IMAP_RESPONSE_HEAD_BAD;
}

enum imap_response_head imap_response_head_read(struct span s, struct imap_response_event *e,
                                                size_t *taken_out)
{
    struct span rest = s, tag;
    enum imap_response_head head;
    uint8_t end;

    if (!take_word(&rest, &tag, &end))
        return IMAP_RESPONSE_HEAD_MORE;
    if (span_equal(tag, span_text("+")))
        return IMAP_RESPONSE_HEAD_LINE;
    *taken_out = s.len - rest.len;
    if (end == '\n')
        return tag.len ? IMAP_RESPONSE_HEAD_BAD : IMAP_RESPONSE_HEAD_EMPTY;
    if (!span_equal(tag, span_text("*")))
        return tag.len ? tagged(rest, e) : IMAP_RESPONSE_HEAD_BAD;
    head = untagged(rest, e, &rest);
    *taken_out = s.len - rest.len;
    return head;
}

/* Where the "]" of a code stands: a quoted string in it may have one, too. */
static size_t code_end(struct span s)
{
    bool quoted = false;
    size_t n;

    for (n = 0; n < s.len && (quoted || s.data[n] != ']'); n++) {
        if (s.data[n] == '"')
            quoted = !quoted;
        else if (quoted && s.data[n] == '\\')
            n++;
    }
    return n < s.len ? n : s.len;
}

static struct span word_of(struct span *s)
{
    ptrdiff_t blank = span_find(*s, ' ');
    struct span word = blank < 0 ? *s : span_head(*s, (size_t)blank);

    *s = span_skip(*s, word.len + 1);
    return word;
}

/* resp-text = ["[" resp-text-code "]" SP] [text] */
static void read_code(struct span s, struct imap_response_event *e)
{
    if (s.len == 0 || s.data[0] != '[')
        return;
    s = span_skip(s, 1);
    e->arguments = span_head(s, code_end(s));
    e->code = word_of(&e->arguments);
}

void imap_response_line_read(struct span line, struct imap_response_event *e)
{
    e->kind = IMAP_RESPONSE_CONTINUE;
    e->tag = word_of(&line);
    if (!span_equal(e->tag, span_text("+"))) {
        e->kind = IMAP_RESPONSE_STATUS;
        e->name = word_of(&line);
        (void)condition_of(e->name, &e->condition);
    }
    e->text = line;
    read_code(line, e);
}

const char *imap_response_fault_name(enum imap_response_fault fault)
{
    static const char *const names[] = {
#define IMAP_RESPONSE_FAULT(NAME, name, what) #name,
#include "proto/imap/imap_response_fault.def"
#undef IMAP_RESPONSE_FAULT
    };

    return names[fault];
}

const char *imap_response_fault_what(enum imap_response_fault fault)
{
    static const char *const whats[] = {
#define IMAP_RESPONSE_FAULT(NAME, name, what) what,
#include "proto/imap/imap_response_fault.def"
#undef IMAP_RESPONSE_FAULT
    };

    return whats[fault];
}
