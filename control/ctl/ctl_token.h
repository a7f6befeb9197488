/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_TOKEN_H
#define CONTROL_CTL_CTL_TOKEN_H

#include "control/ctl/ctl_mail.h"

/* `wirepost ctl token`: makes, lists and revokes tokens of the API. The answer to `add` is the one
 * place where a token is told. */
json_t *ctl_token(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why);

#endif
