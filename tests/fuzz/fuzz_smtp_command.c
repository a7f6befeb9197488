/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line is good or has a refusal that is a 5xx row; what is handed out lies in the line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_command c;
    enum smtp_reply_id bad = smtp_command_parse(span_of(data, size), &c);

    if (bad != SMTP_REPLY_NONE && smtp_reply_row(bad)->code / 100 != 5)
        abort();
    if (bad == SMTP_REPLY_NONE && c.verb == SMTP_VERB_UNKNOWN)
        abort();
    if (c.argument.len && (c.argument.data < data || c.argument.data + c.argument.len > data + size))
        abort();
    for (size_t i = 0; (c.verb == SMTP_VERB_EHLO || c.verb == SMTP_VERB_HELO) && i < c.argument.len; i++)
        if (c.argument.data[i] <= ' ' || c.argument.data[i] > '~')
            abort();
    return 0;
}
