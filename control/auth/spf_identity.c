/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/auth/spf_identity.h"

bool spf_identity_set(struct spf_query *query, struct span mail_from, uint8_t room[ADDRESS_KEY_MAX])
{
    bool helo = mail_from.len == 0;
    size_t at = mail_from.len;

    while (at > 0 && mail_from.data[at - 1] != '@')
        at--;
    query->domain = address_a_labels(helo ? query->helo : span_skip(mail_from, at), room);
    query->local = span_head(mail_from, at ? at - 1 : 0);
    return helo;
}
