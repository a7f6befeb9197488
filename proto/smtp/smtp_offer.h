/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_OFFER_H
#define PROTO_SMTP_SMTP_OFFER_H

#include "proto/smtp/smtp_server.h"

/* Writes the reply to EHLO, with what is offered: XCLIENT to those who may say it. At most
 * SMTP_SERVER_ROOM bytes. */
void smtp_offer_put(struct writer *w, const struct smtp_server_options *options, bool xclient,
                    bool auth);

#endif
