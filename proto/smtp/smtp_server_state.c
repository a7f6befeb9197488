/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_server_state.h"

bool smtp_server_connecting(const struct smtp_server *s)
{
    return s->waiting == SMTP_ACTION_CONNECT;
}

bool smtp_server_in_transaction(const struct smtp_server *s)
{
    return s->reset || s->state >= STATE_MAIL;
}

bool smtp_server_in_data(const struct smtp_server *s)
{
    return (s->state == STATE_DATA || s->state == STATE_SWALLOW ||
            smtp_reader_in_chunk(&s->reader)) &&
           !s->waiting;
}

bool smtp_server_in_exchange(const struct smtp_server *s)
{
    return s->state == STATE_EXCHANGE;
}

bool smtp_server_in_line(const struct smtp_server *s)
{
    return s->reader.mode == SMTP_READER_SKIP || !line_idle(&s->reader.line);
}

void smtp_server_init(struct smtp_server *s, const struct smtp_server_options *options)
{
    *s = (struct smtp_server){.options = options, .state = STATE_CONNECT};
    smtp_reader_init(&s->reader, options->command_line_max, options->text_line_max);
}

bool smtp_server_secured(struct smtp_server *s, const struct smtp_server_options *options)
{
    if (s->waiting != SMTP_ACTION_TLS)
        return false;
    *s = (struct smtp_server){.options = options,
                              .state = STATE_GREET,
                              .errors = s->errors,
                              .idle = s->idle,
                              .trusted = s->trusted};
    smtp_reader_init(&s->reader, options->command_line_max, options->text_line_max);
    return true;
}

void smtp_server_trust(struct smtp_server *s)
{
    s->trusted = true;
}

void smtp_server_attach(struct smtp_server *s, uint8_t *buffer)
{
    line_attach(&s->reader.line, buffer);
}

uint8_t *smtp_server_detach(struct smtp_server *s)
{
    return line_take_back(&s->reader.line);
}
