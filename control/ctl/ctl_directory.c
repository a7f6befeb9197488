/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_directory.h"

#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/directory/directory_admin.h"
#include "control/service/directory_service.h"
#include "proto/address/address.h"

bool ctl_directory_word(struct span argument, struct span *name_out, struct span *value_out)
{
    ptrdiff_t at = span_find(argument, '=');

    if (at <= 0)
        return false;
    *name_out = span_head(argument, (size_t)at);
    *value_out = span_skip(argument, (size_t)at + 1);
    return true;
}

json_t *ctl_directory_failed(enum store_status status, const char *none, struct writer *why)
{
    if (status == STORE_BUSY)
        writer_text(why, CTL_DIRECTORY_UNMET);
    else
        writer_text(why, status == STORE_NONE ? none : store_status_name(status));
    return NULL;
}

bool ctl_directory_has(struct ctl_mail *mail, struct span key)
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE);
    struct directory_row_account row;
    bool has = memory && directory_admin_account(mail->store, key, memory, &row) == STORE_OK;

    free(memory);
    return has;
}

/* A domain of the store, or of the configuration. */
static bool has_domain(struct ctl_mail *mail, struct span domain)
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE);
    struct directory_row_domain row;
    bool has = memory && directory_admin_domain(mail->store, domain, memory, &row) == STORE_OK;

    free(memory);
    return has || policy_keeps(mail->policy, DIRECTORY_DOMAIN, domain);
}

bool ctl_directory_key(struct ctl_mail *mail, struct span address, struct writer *key,
                       struct writer *why)
{
    struct span domain;

    key->len = 0;
    key->full = false;
    if (!config_address_key(key, address, true)) {
        writer_text(why, CTL_DIRECTORY_NO_ADDRESS);
        return false;
    }
    domain = writer_span(key);
    for (size_t i = 0; i < key->len; i++)
        if (key->data[i] == '@')
            domain = span_skip(writer_span(key), i + 1);
    if (has_domain(mail, domain))
        return true;
    writer_text(why, CTL_DIRECTORY_NO_DOMAIN);
    return false;
}

bool ctl_directory_forward(struct ctl_mail *mail, struct span address, struct writer *forward,
                           struct writer *why)
{
    if (!config_forward_address(forward, address))
        writer_text(why, "forward: expected an address on another server, its local part in ASCII");
    else if (has_domain(mail, config_forward_domain(writer_span(forward))))
        writer_text(why, "forward: expected an address on another server; members of an alias may "
                         "be here");
    else
        return true;
    return false;
}

static json_t *answer(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    if (!policy_asks(mail->policy, "store")) {
        writer_text(why, CTL_DIRECTORY_NO_STORE);
        return NULL;
    }
    switch (request->command) {
    case CTL_ACCOUNT_LIST:
    case CTL_DOMAIN_LIST:
    case CTL_ALIAS_LIST:
        return ctl_directory_list(mail, request, why);
    case CTL_ACCOUNT_LOAD:
        return ctl_directory_account_load(mail, request, why);
    case CTL_DOMAIN_ADD:
    case CTL_DOMAIN_SET:
    case CTL_DOMAIN_DELETE:
        return ctl_directory_domain_change(mail, request, why);
    case CTL_ALIAS_ADD:
    case CTL_ALIAS_SET:
    case CTL_ALIAS_DELETE:
        return ctl_directory_alias_change(mail, request, why);
    default:
        return ctl_directory_account_change(mail, request, why);
    }
}

json_t *ctl_directory_answer(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why)
{
    struct ctl_terms operator= ctl_terms_operator();
    struct ctl_request on_terms = *request;

    if (!request->terms)
        on_terms.terms = &operator;
    return answer(mail, &on_terms, why);
}
