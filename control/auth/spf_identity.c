/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/auth/spf_identity.h"

/* One that has no A-labels stays as it is, and is no domain for SPF. */
static struct span a_labels(struct span domain, uint8_t room[ADDRESS_KEY_MAX])
{
    struct writer w = writer_of(room, ADDRESS_KEY_MAX);
    struct address a;
    size_t i;

    for (i = 0; i < domain.len && domain.data[i] < 0x80; i++)
        ;
    if (i == domain.len || address_domain(domain, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK)
        return domain;
    a.kind = ADDRESS_DOMAIN;
    a.local = span_text("x");
    return address_key(&w, &a, false) ? span_skip(writer_span(&w), 2) : domain;
}

bool spf_identity_set(struct spf_query *query, struct span mail_from, uint8_t room[ADDRESS_KEY_MAX])
{
    bool helo = mail_from.len == 0;
    size_t at = mail_from.len;

    while (at > 0 && mail_from.data[at - 1] != '@')
        at--;
    query->domain = a_labels(helo ? query->helo : span_skip(mail_from, at), room);
    query->local = span_head(mail_from, at ? at - 1 : 0);
    return helo;
}
