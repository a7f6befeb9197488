/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_response.h"

#include <string.h>

enum state {
    HEAD,       /* up to the name of the response */
    TEXT_BLANK, /* the blank before code or text, or the line's end */
    TEXT_BEGIN, /* behind it: a code, or text */
    CODE_NAME,
    VALUES,
    WORD,
    TEXT,
    QUOTED,
    LITERAL_CR, /* behind a literal's length */
    LITERAL_LF,
    LITERAL,
    LAST_LF, /* the response's CR was read */
    DEAD,
};

static const char *const faults[] = {
#define IMAP_RESPONSE_FAULT(name, text) text,
#include "proto/imap/imap_response_fault.def"
#undef IMAP_RESPONSE_FAULT
};

const char *imap_response_fault_text(enum imap_response_fault fault)
{
    return faults[fault];
}

void imap_response_init(struct imap_response *r)
{
    *r = (struct imap_response){.state = HEAD};
}

void imap_response_attach(struct imap_response *r, uint8_t *buffer)
{
    r->buffer = buffer;
}

static void drop_given(struct imap_response *r)
{
    if (r->given)
        r->held = 0;
    r->given = false;
}

uint8_t *imap_response_take_back(struct imap_response *r)
{
    uint8_t *buffer = r->buffer;

    drop_given(r);
    if (r->held)
        return NULL;
    r->buffer = NULL;
    return buffer;
}

bool imap_response_idle(const struct imap_response *r)
{
    return r->state == HEAD && (!r->held || r->given) && !r->words;
}

bool imap_response_number(struct span word, uint64_t *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < word.len; i++) {
        uint8_t digit = (uint8_t)(word.data[i] - '0');

        if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return word.len > 0;
}

static enum imap_response_kind give(struct imap_response_event *e, enum imap_response_kind kind)
{
    e->kind = kind;
    return kind;
}

static enum imap_response_kind fail(struct imap_response *r, struct imap_response_event *e,
                                    enum imap_response_fault fault)
{
    r->state = DEAD;
    r->fault = (uint8_t)fault;
    e->fault = fault;
    return give(e, IMAP_RESPONSE_BROKEN);
}

/* The next octet; there is one. */
static uint8_t peek(const struct span *in)
{
    return in->data[0];
}

static void take(struct span *in)
{
    *in = span_skip(*in, 1);
}

/* ---- words ---- */

static bool ends_line(uint8_t c)
{
    return c == '\r' || c == '\n' || !c;
}

/* Whether the octet is one of the head: of a tag and status, of "*", a number and a name. */
static bool head_takes(struct imap_response *r, uint8_t c, bool first)
{
    if (ends_line(c))
        return false;
    if (first)
        r->form = c == '*'   ? IMAP_RESPONSE_UNTAGGED
                  : c == '+' ? IMAP_RESPONSE_GO_ON
                             : IMAP_RESPONSE_TAGGED;
    if (c != ' ') {
        r->digits &= (uint8_t)(c - '0') < 10;
        return true;
    }
    if (r->words ? r->words > 1 || r->form != IMAP_RESPONSE_UNTAGGED || !r->digits
                 : r->form == IMAP_RESPONSE_GO_ON)
        return false;
    r->words++;
    r->digits = true;
    return true;
}

static bool word_takes(struct imap_response *r, uint8_t c)
{
    if (ends_line(c))
        return false;
    if (r->section) {
        if (r->escaped)
            r->escaped = false;
        else if (r->quoted && c == '\\')
            r->escaped = true;
        else if (c == '"')
            r->quoted = !r->quoted;
        else if (c == ']' && !r->quoted)
            r->section = false;
        return true;
    }
    r->section = c == '[' && !r->code;
    return c != ' ' && c != '(' && c != ')' && !(c == ']' && r->code);
}

enum taken { TAKEN, TAKEN_MORE, TAKEN_BUFFER, TAKEN_LONG };

/* Takes up to the end of the word, which is not taken: *word_out is in the input or in the buffer.
 */
static enum taken take_word(struct imap_response *r, struct span *in, struct span *word_out)
{
    struct imap_response after = *r;
    size_t n = 0, before = r->held;

    while (n < in->len && (r->state == HEAD ? head_takes(&after, in->data[n], before + n == 0)
                                            : word_takes(&after, in->data[n])))
        if (before + ++n > IMAP_RESPONSE_WORD_MAX)
            return TAKEN_LONG;
    if (n < in->len && !before) {
        *r = after;
        *word_out = span_head(*in, n);
        *in = span_skip(*in, n);
        return TAKEN;
    }
    if (!r->buffer)
        return TAKEN_BUFFER;
    *r = after;
    memcpy(r->buffer + before, in->data, n);
    r->held = (uint16_t)(before + n);
    *word_out = span_of(r->buffer, r->held);
    *in = span_skip(*in, n);
    r->given = in->len > 0;
    return in->len ? TAKEN : TAKEN_MORE;
}

/* What the caller is told where no word was taken. */
static enum imap_response_kind without_word(struct imap_response *r, struct imap_response_event *e,
                                            enum taken taken)
{
    if (taken == TAKEN_LONG)
        return fail(r, e, IMAP_RESPONSE_FAULT_longword);
    return give(e, taken == TAKEN_BUFFER ? IMAP_RESPONSE_BUFFER : IMAP_RESPONSE_MORE);
}

/* ---- the head ---- */

static enum imap_response_status status_of(struct span name)
{
    static const char *const names[] = {
        [IMAP_RESPONSE_OK] = "OK",   [IMAP_RESPONSE_NO] = "NO",           [IMAP_RESPONSE_BAD] = "BAD",
        [IMAP_RESPONSE_BYE] = "BYE", [IMAP_RESPONSE_PREAUTH] = "PREAUTH",
    };

    for (int i = IMAP_RESPONSE_OK; i <= IMAP_RESPONSE_PREAUTH; i++)
        if (span_equal_nocase(name, span_text(names[i])))
            return (enum imap_response_status)i;
    return IMAP_RESPONSE_DATA;
}

/* Up to the next blank; *rest is moves behind that. */
static struct span next_word(struct span *rest)
{
    ptrdiff_t blank = span_find(*rest, ' ');
    struct span word = span_head(*rest, blank < 0 ? rest->len : (size_t)blank);

    *rest = span_skip(*rest, blank < 0 ? rest->len : (size_t)blank + 1);
    return word;
}

/* False: it is none. */
static bool read_head(const struct imap_response *r, struct span head,
                      struct imap_response_event *e)
{
    struct span first = next_word(&head);

    e->form = (enum imap_response_form)r->form;
    if (e->form == IMAP_RESPONSE_GO_ON)
        return first.len == 1;
    e->name = next_word(&head);
    e->status = status_of(e->name);
    if (e->form == IMAP_RESPONSE_TAGGED) {
        e->tag = first;
        return first.len && e->status >= IMAP_RESPONSE_OK && e->status <= IMAP_RESPONSE_BAD;
    }
    e->numbered = imap_response_number(e->name, &e->number);
    if (e->numbered) {
        e->name = head;
        e->status = IMAP_RESPONSE_DATA;
    }
    return first.len == 1 && e->name.len;
}

static enum imap_response_kind on_head(struct imap_response *r, struct span *in,
                                       struct imap_response_event *e)
{
    struct span head;
    enum taken taken = take_word(r, in, &head);

    if (taken != TAKEN)
        return without_word(r, e, taken);
    if (!read_head(r, head, e))
        return fail(r, e, IMAP_RESPONSE_FAULT_head);
    r->status = e->status != IMAP_RESPONSE_DATA;
    r->state = r->status || e->form == IMAP_RESPONSE_GO_ON ? TEXT_BLANK : VALUES;
    return give(e, IMAP_RESPONSE_BEGIN);
}

/* ---- behind it ---- */

/* The line ends here, or should not. MORE: it does. */
static enum imap_response_kind on_line_end(struct imap_response *r, struct span *in,
                                           struct imap_response_event *e)
{
    if (peek(in) != '\r')
        return fail(r, e, IMAP_RESPONSE_FAULT_framing);
    if (r->depth || r->code || r->section)
        return fail(r, e, IMAP_RESPONSE_FAULT_open);
    take(in);
    r->state = LAST_LF;
    return IMAP_RESPONSE_MORE;
}

/* literal = "{" number64 ["+"] "}" / "~{" number64 "}" */
static bool is_literal(struct imap_response *r, struct span word, struct imap_response_event *e)
{
    struct span digits = word;

    e->literal8 = digits.len && digits.data[0] == '~';
    digits = span_skip(digits, e->literal8);
    if (digits.len < 2 || digits.data[0] != '{' || digits.data[digits.len - 1] != '}')
        return false;
    digits = span_head(span_skip(digits, 1), digits.len - 2);
    if (digits.len && digits.data[digits.len - 1] == '+')
        digits.len--;
    e->literal = true;
    r->state = LITERAL_CR;
    if (imap_response_number(digits, &e->size)) {
        r->literal = e->size;
        give(e, IMAP_RESPONSE_STRING);
    } else {
        fail(r, e, IMAP_RESPONSE_FAULT_literal);
    }
    return true;
}

static enum imap_response_kind on_word(struct imap_response *r, struct span *in,
                                       struct imap_response_event *e)
{
    bool names = r->state == CODE_NAME;
    enum taken taken = take_word(r, in, &e->text);

    if (taken != TAKEN)
        return without_word(r, e, taken);
    if (r->section)
        return fail(r, e, IMAP_RESPONSE_FAULT_open);
    if (!names && peek(in) == '\r' && is_literal(r, e->text, e)) {
        e->text = span_of(NULL, 0);
        return e->kind;
    }
    e->literal8 = false;
    r->state = VALUES;
    return give(e, names ? IMAP_RESPONSE_CODE : IMAP_RESPONSE_WORD);
}

static enum imap_response_kind on_value(struct imap_response *r, struct span *in,
                                        struct imap_response_event *e)
{
    uint8_t c = peek(in);

    if (ends_line(c))
        return on_line_end(r, in, e);
    if (c != ' ' && c != '(' && c != ')' && c != '"' && !(c == ']' && r->code)) {
        r->state = WORD;
        return IMAP_RESPONSE_MORE;
    }
    take(in);
    switch (c) {
    case ' ':
        return IMAP_RESPONSE_MORE;
    case '(':
        if (r->depth == IMAP_RESPONSE_DEPTH)
            return fail(r, e, IMAP_RESPONSE_FAULT_depth);
        r->depth++;
        return give(e, IMAP_RESPONSE_OPEN);
    case ')':
        if (!r->depth)
            return fail(r, e, IMAP_RESPONSE_FAULT_depth);
        r->depth--;
        return give(e, IMAP_RESPONSE_CLOSE);
    case '"':
        r->state = QUOTED;
        return give(e, IMAP_RESPONSE_STRING);
    default:
        if (r->depth)
            return fail(r, e, IMAP_RESPONSE_FAULT_open);
        r->code = r->status = false;
        r->state = TEXT_BLANK;
        return give(e, IMAP_RESPONSE_CODE_END);
    }
}

static enum imap_response_kind on_text_begin(struct imap_response *r, struct span *in,
                                             struct imap_response_event *e)
{
    uint8_t c = peek(in);

    (void)e;
    if (r->state == TEXT_BLANK && c == ' ') {
        take(in);
        r->state = TEXT_BEGIN;
    } else if (r->state == TEXT_BEGIN && c == '[' && r->status) {
        take(in);
        r->code = true;
        r->state = CODE_NAME;
    } else {
        r->state = TEXT;
    }
    return IMAP_RESPONSE_MORE;
}

static enum imap_response_kind on_text(struct imap_response *r, struct span *in,
                                       struct imap_response_event *e)
{
    size_t n = 0;

    if (ends_line(peek(in)))
        return on_line_end(r, in, e);
    while (n < in->len && !ends_line(in->data[n]))
        n++;
    e->text = span_head(*in, n);
    *in = span_skip(*in, n);
    return give(e, IMAP_RESPONSE_TEXT);
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE */
static enum imap_response_kind on_quoted(struct imap_response *r, struct span *in,
                                         struct imap_response_event *e)
{
    uint8_t c = peek(in);
    size_t n;

    if (ends_line(c))
        return fail(r, e, c == '\r' ? IMAP_RESPONSE_FAULT_open : IMAP_RESPONSE_FAULT_framing);
    if (!r->escaped && (c == '"' || c == '\\')) {
        take(in);
        r->escaped = c == '\\';
        if (r->escaped)
            return IMAP_RESPONSE_MORE;
        r->state = VALUES;
        return give(e, IMAP_RESPONSE_STRING_END);
    }
    for (n = 1; n < in->len && !ends_line(in->data[n]) && in->data[n] != '"' && in->data[n] != '\\';)
        n++;
    r->escaped = false;
    e->text = span_head(*in, n);
    *in = span_skip(*in, n);
    return give(e, IMAP_RESPONSE_BYTES);
}

/* CR and LF that have to stand here. */
static enum imap_response_kind on_break(struct imap_response *r, struct span *in,
                                        struct imap_response_event *e)
{
    if (peek(in) != (r->state == LITERAL_CR ? '\r' : '\n'))
        return fail(r, e, IMAP_RESPONSE_FAULT_framing);
    take(in);
    if (r->state == LAST_LF) {
        r->state = HEAD;
        r->words = 0;
        return give(e, IMAP_RESPONSE_END);
    }
    r->state++;
    return IMAP_RESPONSE_MORE;
}

static enum imap_response_kind on_literal(struct imap_response *r, struct span *in,
                                          struct imap_response_event *e)
{
    size_t n = in->len < r->literal ? in->len : (size_t)r->literal;

    e->text = span_head(*in, n);
    *in = span_skip(*in, n);
    r->literal -= n;
    return give(e, IMAP_RESPONSE_BYTES);
}

static enum imap_response_kind step(struct imap_response *r, struct span *in,
                                    struct imap_response_event *e)
{
    switch ((enum state)r->state) {
    case HEAD:
        return on_head(r, in, e);
    case TEXT_BLANK:
    case TEXT_BEGIN:
        return on_text_begin(r, in, e);
    case CODE_NAME:
    case WORD:
        return on_word(r, in, e);
    case VALUES:
        return on_value(r, in, e);
    case TEXT:
        return on_text(r, in, e);
    case QUOTED:
        return on_quoted(r, in, e);
    case LITERAL:
        return on_literal(r, in, e);
    default:
        return on_break(r, in, e);
    }
}

enum imap_response_kind imap_response_next(struct imap_response *r, struct span *in,
                                           struct imap_response_event *e)
{
    *e = (struct imap_response_event){.kind = IMAP_RESPONSE_MORE};
    drop_given(r);
    if (r->state == DEAD)
        return fail(r, e, (enum imap_response_fault)r->fault);
    while (in->len || (r->state == LITERAL && !r->literal)) {
        if (r->state == LITERAL && !r->literal) {
            r->state = VALUES;
            return give(e, IMAP_RESPONSE_STRING_END);
        }
        step(r, in, e);
        if (e->kind != IMAP_RESPONSE_MORE)
            break;
    }
    return e->kind;
}
