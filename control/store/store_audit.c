/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_audit.h"

#include "proto/base/cursor.h"

enum { VERSION = 1 };

const char *store_audit_action_name(uint8_t action)
{
    static const char *const names[STORE_AUDIT_ACTIONS] = {
        [STORE_AUDIT_RELEASE] = "release",
        [STORE_AUDIT_DELETE] = "delete",
        [STORE_AUDIT_EXPIRE] = "expire",
        [STORE_AUDIT_EVICT] = "evict",
        [STORE_AUDIT_ERASE] = "erase",
        [STORE_AUDIT_ERASED] = "erased",
        [STORE_AUDIT_BAN] = "ban",
        [STORE_AUDIT_UNBAN] = "unban",
        [STORE_AUDIT_UNBAN_ALL] = "unban-all",
        [STORE_AUDIT_FORGET] = "greylist-remove",
        [STORE_AUDIT_ACCOUNT_ADD] = "account add",
        [STORE_AUDIT_ACCOUNT_SET] = "account set",
        [STORE_AUDIT_ACCOUNT_PASSWORD] = "account password",
        [STORE_AUDIT_ACCOUNT_DELETE] = "account delete",
        [STORE_AUDIT_ACCOUNT_IMPORT] = "account import",
        [STORE_AUDIT_DOMAIN_ADD] = "domain add",
        [STORE_AUDIT_DOMAIN_SET] = "domain set",
        [STORE_AUDIT_DOMAIN_DELETE] = "domain delete",
        [STORE_AUDIT_ALIAS_ADD] = "alias add",
        [STORE_AUDIT_ALIAS_SET] = "alias set",
        [STORE_AUDIT_ALIAS_DELETE] = "alias delete",
        [STORE_AUDIT_TOKEN_ADD] = "token add",
        [STORE_AUDIT_TOKEN_DELETE] = "token delete",
    };

    return action < STORE_AUDIT_ACTIONS && names[action] ? names[action] : "unknown";
}

static bool valid_text(struct span text, size_t most)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= most;
}

bool store_reason_valid(const struct store_reason *reason)
{
    return valid_text(reason->who, STORE_WHO) && valid_text(reason->why, STORE_WHY);
}

void store_audit_put(struct writer *w, const struct store_audit *row)
{
    writer_byte(w, VERSION);
    writer_byte(w, row->action);
    writer_uint(w, row->when_ms, 8);
    writer_uint(w, row->account, 8);
    writer_span_put(w, span_of(row->message.bytes, sizeof(row->message.bytes)));
    writer_uint(w, row->uid, 4);
    writer_uint(w, row->uid_new, 4);
    writer_uint(w, row->size, 8);
    writer_uint(w, row->count, 8);
    writer_blob(w, span_head(row->address, STORE_NAME));
    writer_blob(w, span_head(row->rule, STORE_RULE));
    writer_blob(w, span_head(row->for_.who, STORE_WHO));
    writer_blob(w, span_head(row->for_.why, STORE_WHY));
}

bool store_audit_read(struct span value, struct store_audit *row_out)
{
    struct cursor c = cursor_of(value);
    bool known = cursor_u8(&c) == VERSION;
    struct span message;

    row_out->action = cursor_u8(&c);
    row_out->when_ms = cursor_u64(&c);
    row_out->account = cursor_u64(&c);
    message = cursor_take(&c, sizeof(row_out->message.bytes));
    if (message.len)
        memcpy(row_out->message.bytes, message.data, sizeof(row_out->message.bytes));
    row_out->uid = cursor_u32(&c);
    row_out->uid_new = cursor_u32(&c);
    row_out->size = cursor_u64(&c);
    row_out->count = cursor_u64(&c);
    row_out->address = cursor_blob(&c);
    row_out->rule = cursor_blob(&c);
    row_out->for_.who = cursor_blob(&c);
    row_out->for_.why = cursor_blob(&c);
    return known && !c.bad && cursor_left(&c) == 0 && row_out->address.len <= STORE_NAME &&
           row_out->rule.len <= STORE_RULE && row_out->for_.who.len <= STORE_WHO &&
           row_out->for_.why.len <= STORE_WHY;
}
