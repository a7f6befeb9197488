/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/directory_admin.h"
#include "control/service/directory_service.h"
#include "proto/address/address.h"

struct alias_change {
    enum ctl_command command;
    struct ctl_terms *terms;
    bool clash;
    struct directory_row_alias row;
    uint8_t members[CTL_ARGUMENTS_MAX][ADDRESS_KEY_MAX]; /* forwards too */
};

static bool edit(void *context, bool there, struct directory_admin_row *row)
{
    struct alias_change *c = context;

    if (!ctl_terms_agreed(c->terms, there, row))
        return false;
    c->clash = there == (c->command == CTL_ALIAS_ADD);
    row->alias = c->row;
    return !c->clash;
}

/* An account or alias of the store, or an account of the configuration. */
static bool is_there(struct ctl_mail *mail, struct span key)
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE);
    struct directory_row_alias row;
    bool there = ctl_directory_has(mail, key) || policy_lists(mail->policy, key) ||
                 (memory && directory_admin_alias(mail->store, key, memory, &row) == STORE_OK);

    free(memory);
    return there;
}

static bool read_member(struct ctl_mail *mail, struct alias_change *c, struct span alias,
                        struct span argument, struct writer *key)
{
    if (!config_address_key(key, argument, true) || !ctl_terms_may(c->terms, writer_span(key)) ||
        !is_there(mail, writer_span(key)) || span_equal(writer_span(key), alias))
        return false;
    c->row.members.name[c->row.members.count++] = writer_span(key);
    return true;
}

static bool read_members(struct ctl_mail *mail, struct alias_change *c, struct span alias,
                         const struct ctl_request *request, struct writer *why)
{
    static const char forward[] = "forward=";

    for (uint32_t i = 1; i < request->count; i++) {
        struct writer text = writer_of(c->members[i], sizeof(c->members[i]));
        struct span argument = request->arguments[i];

        if (i > DIRECTORY_ROW_NAMES) {
            writer_printf(why, "expected %d members and forwards at most", DIRECTORY_ROW_NAMES);
            return false;
        }
        if (span_equal(span_head(argument, sizeof(forward) - 1), span_text(forward))) {
            if (!ctl_directory_forward(mail, span_skip(argument, sizeof(forward) - 1), &text, why))
                return false;
            c->row.forward.name[c->row.forward.count++] = writer_span(&text);
        } else if (!read_member(mail, c, alias, argument, &text)) {
            writer_text(why, "expected accounts or other aliases that are there, or "
                             "forward=ADDRESS; this is none: ");
            writer_span_put(why, span_head(argument, argument.len < 320 ? argument.len : 320));
            return false;
        }
    }
    return true;
}

static json_t *done(struct ctl_mail *mail, struct span key, enum store_status status,
                    struct writer *why)
{
    if (status != STORE_OK)
        return ctl_directory_failed(status, CTL_DIRECTORY_NONE_ALIAS, why);
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    return json_pack("{s:o}", "alias", json_stringn((const char *)key.data, key.len));
}

static json_t *put_alias(struct ctl_mail *mail, const struct ctl_request *request, struct span key,
                         struct writer *why)
{
    struct alias_change *c = calloc(1, sizeof(*c));
    enum store_status status = STORE_FAILED;
    struct store_audit memory;
    bool ok;

    if (!c)
        return done(mail, key, status, why);
    c->command = request->command;
    c->terms = request->terms;
    ok = read_members(mail, c, key, request, why);
    if (ok)
        status = directory_admin_change(mail->store, DIRECTORY_ROW_ALIAS, key, edit, c,
                                        ctl_terms_audit(c->terms,
                                                        c->command == CTL_ALIAS_ADD
                                                            ? STORE_AUDIT_ALIAS_ADD
                                                            : STORE_AUDIT_ALIAS_SET,
                                                        key, &memory));
    if (ok && status == STORE_BUSY && c->clash) {
        writer_text(why, c->command == CTL_ALIAS_ADD ? CTL_DIRECTORY_HAS_ALIAS
                                                     : CTL_DIRECTORY_NONE_ALIAS);
        ok = false;
    }
    free(c);
    return ok ? done(mail, key, status, why) : NULL;
}

static bool agree(void *context, bool there, struct directory_admin_row *row)
{
    return ctl_terms_agreed(context, there, row);
}

json_t *ctl_directory_alias_change(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct store_audit memory;

    if (!ctl_directory_key(mail, request->arguments[0], &key, why))
        return NULL;
    if (request->command == CTL_ALIAS_DELETE)
        return done(mail, writer_span(&key),
                    directory_admin_remove(mail->store, DIRECTORY_ROW_ALIAS, writer_span(&key),
                                           agree, request->terms,
                                           ctl_terms_audit(request->terms, STORE_AUDIT_ALIAS_DELETE,
                                                           writer_span(&key), &memory)),
                    why);
    if (policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(&key)) ||
        ctl_directory_has(mail, writer_span(&key))) {
        writer_text(why, CTL_DIRECTORY_TAKEN);
        return NULL;
    }
    return put_alias(mail, request, writer_span(&key), why);
}
