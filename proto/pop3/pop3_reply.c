/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_reply.h"

static const struct pop3_reply rows[POP3_REPLY_COUNT] = {
    [POP3_REPLY_NONE] = {.counter = "", .status = "", .response_code = "", .text = ""},
#define POP3_REPLY(name_, counter_, status_, response_code_, text_)                                \
    [POP3_REPLY_##name_] = {                                                                       \
        .counter = #counter_, .status = status_, .response_code = response_code_, .text = text_},
#include "proto/pop3/pop3_reply.def"
#undef POP3_REPLY
};

const struct pop3_reply *pop3_reply_row(enum pop3_reply_id id)
{
    return &rows[(unsigned)id < POP3_REPLY_COUNT ? id : POP3_REPLY_NONE];
}

bool pop3_reply_refuses(enum pop3_reply_id id)
{
    return pop3_reply_row(id)->status[0] == '-';
}

enum pop3_reply_id pop3_reply_for_form(enum line_form form)
{
    switch (form) {
    case LINE_FORM_BARE_CR:
        return POP3_REPLY_BARE_CR;
    case LINE_FORM_BARE_LF:
        return POP3_REPLY_BARE_LF;
    case LINE_FORM_NUL:
        return POP3_REPLY_NUL_BYTE;
    case LINE_FORM_GOOD:
        break;
    }
    return POP3_REPLY_NONE;
}

/*
 * single-line = status [SP text] CRLF
 * status      = "+OK" / "-ERR"
 * text        = *schar / resp-code *CHAR                               ; RFC 2449 section 3
 */
void pop3_reply_put(struct writer *w, enum pop3_reply_id id)
{
    const struct pop3_reply *row = pop3_reply_row(id);

    writer_text(w, row->status);
    writer_byte(w, ' ');
    if (row->response_code[0]) {
        writer_text(w, row->response_code);
        writer_byte(w, ' ');
    }
    writer_text(w, row->text);
    writer_text(w, "\r\n");
}
