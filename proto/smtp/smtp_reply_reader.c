/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_reply_reader.h"

void smtp_reply_reader_init(struct smtp_reply_reader *r)
{
    *r = (struct smtp_reply_reader){0};
    loose_line_init(&r->line, SMTP_REPLY_LINE_MAX);
}

void smtp_reply_reader_gap(struct smtp_reply_reader *r)
{
    loose_line_gap(&r->line);
    r->code = 0;
    r->lines = 0;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Reply-code = %x32-35 %x30-35 %x30-39                               ; RFC 5321 section 4.2
 * Any second digit is read; one beyond 5 is told as sloppy. */
static uint16_t read_code(struct span s)
{
    if (s.len < 3 || s.data[0] < '2' || s.data[0] > '5' || !is_digit(s.data[1]) ||
        !is_digit(s.data[2]))
        return 0;
    return (uint16_t)((s.data[0] - '0') * 100 + (s.data[1] - '0') * 10 + (s.data[2] - '0'));
}

static bool read_number(struct span *s, uint16_t *number_out)
{
    size_t n = 0;

    *number_out = 0;
    for (; n < 3 && n < s->len && is_digit(s->data[n]); n++)
        *number_out = (uint16_t)(*number_out * 10 + (s->data[n] - '0'));
    *s = span_skip(*s, n);
    return n > 0;
}

static bool take_byte(struct span *s, uint8_t byte)
{
    if (!s->len || s->data[0] != byte)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static void read_enhanced(struct span s, uint16_t enhanced_out[3])
{
    uint16_t e[3];

    if (read_number(&s, &e[0]) && take_byte(&s, '.') && read_number(&s, &e[1]) &&
        take_byte(&s, '.') && read_number(&s, &e[2]) && (e[0] == 2 || e[0] == 4 || e[0] == 5) &&
        (!s.len || s.data[0] == ' ' || s.data[0] == '\t'))
        memcpy(enhanced_out, e, sizeof(e));
}

/* What stands behind the code. True: the reply ends here. */
static bool take_separator(struct smtp_reply_line *l)
{
    bool last = true;

    if (!l->text.len)
        return true;
    if (l->text.data[0] == '-' || l->text.data[0] == ' ' || l->text.data[0] == '\t') {
        last = l->text.data[0] != '-';
        l->text = span_skip(l->text, 1);
    } else {
        l->sloppy = true;
    }
    return last;
}

static void read_line(struct smtp_reply_reader *r, struct span text, struct smtp_reply_line *l)
{
    bool odd = r->line.bare_lf || r->line.inner || r->line.cut;

    *l = (struct smtp_reply_line){
        .code = read_code(text), .number = r->lines, .sloppy = odd, .text = text};
    if (l->code) {
        l->text = span_skip(text, 3);
        l->last = take_separator(l);
        l->sloppy |= (r->code && r->code != l->code) || l->code / 10 % 10 > 5;
        read_enhanced(l->text, l->enhanced);
    } else {
        /* A line without a code goes on what is under way; else it is nothing of SMTP. */
        l->code = r->code;
        l->sloppy = true;
        l->stray = !r->code;
        l->last = l->stray;
    }
    r->code = l->last ? 0 : l->code;
    r->lines = l->last ? 0 : r->lines + (r->lines < UINT32_MAX);
}

enum smtp_reply_status smtp_reply_reader_next(struct smtp_reply_reader *r, struct span *in,
                                              struct smtp_reply_line *line_out)
{
    struct span text;

    switch (loose_line_feed(&r->line, in, &text)) {
    case LOOSE_LINE:
        read_line(r, text, line_out);
        return SMTP_REPLY_READ_LINE;
    case LOOSE_BUFFER:
        return SMTP_REPLY_READ_BUFFER;
    case LOOSE_MORE:
        break;
    }
    return SMTP_REPLY_READ_MORE;
}
