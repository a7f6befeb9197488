/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/directory_admin.h"
#include "control/service/directory_service.h"
#include "proto/address/address.h"

struct alias_change {
    enum ctl_command command;
    bool clash;
    struct directory_row_alias row;
    uint8_t members[CTL_ARGUMENTS_MAX][ADDRESS_KEY_MAX];
};

static bool edit(void *context, bool there, struct directory_admin_row *row)
{
    struct alias_change *c = context;

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

static bool read_members(struct ctl_mail *mail, struct alias_change *c, struct span alias,
                         const struct ctl_request *request, struct writer *why)
{
    for (uint32_t i = 1; i < request->count; i++) {
        struct writer key = writer_of(c->members[i], sizeof(c->members[i]));

        if (!config_address_key(&key, request->arguments[i], true) ||
            !is_there(mail, writer_span(&key)) || span_equal(writer_span(&key), alias)) {
            writer_text(why, "expected accounts or other aliases that are there; this is none: ");
            writer_span_put(why, span_head(request->arguments[i], request->arguments[i].len < 320
                                                                      ? request->arguments[i].len
                                                                      : 320));
            return false;
        }
        c->row.members.name[c->row.members.count++] = writer_span(&key);
    }
    return true;
}

static json_t *done(struct ctl_mail *mail, struct span key, enum store_status status,
                    struct writer *why)
{
    if (status != STORE_OK)
        return ctl_directory_failed(status, "no such alias", why);
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    return json_pack("{s:o}", "alias", json_stringn((const char *)key.data, key.len));
}

static json_t *put_alias(struct ctl_mail *mail, const struct ctl_request *request, struct span key,
                         struct writer *why)
{
    struct alias_change *c = calloc(1, sizeof(*c));
    enum store_status status = STORE_FAILED;
    bool ok;

    if (!c)
        return done(mail, key, status, why);
    c->command = request->command;
    ok = read_members(mail, c, key, request, why);
    if (ok)
        status = directory_admin_change(mail->store, DIRECTORY_ROW_ALIAS, key, edit, c);
    if (ok && status == STORE_BUSY) {
        writer_text(why, c->command == CTL_ALIAS_ADD ? "there is such an alias already"
                                                     : "no such alias");
        ok = false;
    }
    free(c);
    return ok ? done(mail, key, status, why) : NULL;
}

json_t *ctl_directory_alias_change(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));

    if (!ctl_directory_key(mail, request->arguments[0], &key, why))
        return NULL;
    if (request->command == CTL_ALIAS_DELETE)
        return done(mail, writer_span(&key),
                    directory_admin_remove(mail->store, DIRECTORY_ROW_ALIAS, writer_span(&key)),
                    why);
    if (policy_keeps(mail->policy, DIRECTORY_ADDRESS, writer_span(&key)) ||
        ctl_directory_has(mail, writer_span(&key))) {
        writer_text(why, "there is an account of this address, or the configuration has it");
        return NULL;
    }
    return put_alias(mail, request, writer_span(&key), why);
}
