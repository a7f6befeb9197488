/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_OFFER_H
#define PROTO_SMTP_SMTP_OFFER_H

#include "proto/smtp/smtp_server.h"

/* Writes a reply, at most SMTP_SERVER_ROOM bytes: that to EHLO with what is offered, XCLIENT to
 * those who may say it, AUTH where passwords are taken; others as in their row, with `own_text`
 * unless it is empty. */
void smtp_offer_reply(struct writer *w, const struct smtp_server_options *options, bool xclient,
                      bool auth, enum smtp_reply_id id, struct span own_text);

#endif
