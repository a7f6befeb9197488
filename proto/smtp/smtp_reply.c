/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_reply.h"

#include "proto/base/peer_text.h"

static const struct smtp_reply rows[SMTP_REPLY_COUNT] = {
    [SMTP_REPLY_NONE] = {.counter = "", .enhanced = "", .text = ""},
#define SMTP_REPLY(name_, counter_, code_, enhanced_, text_)                                       \
    [SMTP_REPLY_##                                                                                 \
        name_] = {.counter = #counter_, .enhanced = enhanced_, .text = text_, .code = code_},
#include "proto/smtp/smtp_reply.def"
#undef SMTP_REPLY
};

const struct smtp_reply *smtp_reply_row(enum smtp_reply_id id)
{
    return &rows[(unsigned)id < SMTP_REPLY_COUNT ? id : SMTP_REPLY_NONE];
}

bool smtp_reply_refuses(enum smtp_reply_id id)
{
    return smtp_reply_row(id)->code >= 400;
}

enum smtp_reply_id smtp_reply_for_form(enum line_form form)
{
    switch (form) {
    case LINE_FORM_BARE_CR:
        return SMTP_REPLY_BARE_CR;
    case LINE_FORM_BARE_LF:
        return SMTP_REPLY_BARE_LF;
    case LINE_FORM_NUL:
        return SMTP_REPLY_NUL_BYTE;
    case LINE_FORM_GOOD:
        break;
    }
    return SMTP_REPLY_NONE;
}

/*
 * Reply-line = Reply-code [ SP textstring ] CRLF                       ; RFC 5321 section 4.2
 * textstring = status-code SP text                                     ; RFC 2034 section 4
 */
void smtp_reply_put(struct writer *w, enum smtp_reply_id id, struct span own)
{
    const struct smtp_reply *row = smtp_reply_row(id);
    struct span text = own.len ? own : span_text(row->text);
    size_t head = 4 + strlen(row->enhanced) + 1;

    writer_number(w, row->code);
    writer_byte(w, ' ');
    if (row->enhanced[0]) {
        writer_text(w, row->enhanced);
        writer_byte(w, ' ');
    }
    peer_text(w, text, SMTP_REPLY_MAX - 2 - head, PEER_TEXT_ASCII);
    writer_text(w, "\r\n");
}
