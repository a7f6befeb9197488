/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_reply.h"

static const struct imap_reply rows[IMAP_REPLY_COUNT] = {
    [IMAP_REPLY_NONE] = {.counter = "", .status = "", .response_code = "", .text = ""},
#define IMAP_REPLY(name_, counter_, form_, status_, response_code_, text_)                         \
    [IMAP_REPLY_##name_] = {.counter = #counter_,                                                  \
                            .form = IMAP_FORM_##form_,                                             \
                            .status = status_,                                                     \
                            .response_code = response_code_,                                       \
                            .text = text_},
#include "proto/imap/imap_reply.def"
#undef IMAP_REPLY
};

const struct imap_reply *imap_reply_row(enum imap_reply_id id)
{
    return &rows[(unsigned)id < IMAP_REPLY_COUNT ? id : IMAP_REPLY_NONE];
}

bool imap_reply_refuses(enum imap_reply_id id)
{
    const struct imap_reply *row = imap_reply_row(id);

    if (row->form == IMAP_FORM_BYE)
        return id != IMAP_REPLY_LEAVING;
    return row->status[0] == 'N' || row->status[0] == 'B';
}

/*
 * response-tagged = tag SP resp-cond-state CRLF; resp-cond-state = ("OK" / "NO" / "BAD") SP
 * resp-text; resp-text = ["[" resp-text-code "]" SP] text              ; RFC 9051 section 9
 */
void imap_reply_put_head(struct writer *w, enum imap_reply_id id, struct span tag)
{
    const struct imap_reply *row = imap_reply_row(id);

    if (row->form == IMAP_FORM_CONTINUE) {
        writer_text(w, "+ ");
        return;
    }
    if (row->form == IMAP_FORM_TAGGED && tag.len)
        writer_span_put(w, tag);
    else
        writer_byte(w, '*');
    writer_byte(w, ' ');
    writer_text(w, row->form == IMAP_FORM_BYE ? "BYE" : row->status);
    writer_byte(w, ' ');
    if (row->response_code[0] &&
        !span_equal(span_text(row->response_code), span_text("[CAPABILITY]"))) {
        writer_text(w, row->response_code);
        writer_byte(w, ' ');
    }
}
