/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/directory_admin.h"
#include "control/record/record_json.h"
#include "proto/address/address.h"

enum { LIST_MAX = 10000 };

struct listing {
    json_t *array;
    enum directory_row_kind kind;
    struct span domain; /* empty: all */
    struct span behind; /* key of a row that was shown before; empty: none */
};

static json_t *names_of(const struct directory_row_list *list)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < list->count; i++)
        json_array_append_new(array, record_json_text(list->name[i]));
    return array;
}

/* "$6$" of "$6$salt$hash" */
static json_t *method_of(struct span hash)
{
    ptrdiff_t end = hash.len > 1 ? span_find(span_skip(hash, 1), '$') : -1;

    return end < 0 ? json_null() : record_json_text(span_head(hash, (size_t)end + 2));
}

static json_t *account_json(struct span key, struct span value)
{
    struct directory_row_account a;
    json_t *quota;

    if (!directory_row_read_account(value, &a))
        return NULL;
    quota = a.quota == DIRECTORY_QUOTA_DEFAULT ? json_null() : json_integer((json_int_t)a.quota);
    return json_pack("{s:o, s:b, s:o, s:o, s:b, s:o, s:o, s:b}", "address", record_json_text(key),
                     "login", !a.disabled && a.hash.len, "quota", quota, "hash", method_of(a.hash),
                     "scram_sha_256", a.scram[SCRAM_SHA256].len > 0, "send_as",
                     names_of(&a.send_as), "forward", names_of(&a.forward), "keep_copy",
                     a.keep_copy);
}

static json_t *score_json(int32_t score)
{
    return score == INT32_MAX ? json_null() : json_real(score / 1000.0);
}

static json_t *domain_json(struct span key, struct span value)
{
    struct directory_row_domain d;
    char separator[2] = {0};

    if (!directory_row_read_domain(value, &d))
        return NULL;
    separator[0] = (char)d.policy.detail_separator;
    return json_pack("{s:o, s:s, s:o, s:o, s:s, s:b, s:o, s:o}", "domain", record_json_text(key),
                     "class", d.policy.class == DIRECTORY_LOCAL ? "local" : "refused", "tenant",
                     record_json_text(d.policy.tenant), "catch_all",
                     d.catch_all.len ? record_json_text(d.catch_all) : json_null(),
                     "detail_separator", separator, "greylist", d.policy.greylist,
                     "quarantine_score", score_json(d.policy.quarantine_score), "reject_score",
                     score_json(d.policy.reject_score));
}

static json_t *alias_json(struct span key, struct span value)
{
    struct directory_row_alias a;

    return directory_row_read_alias(value, &a)
               ? json_pack("{s:o, s:o, s:o}", "alias", record_json_text(key), "members",
                           names_of(&a.members), "forward", names_of(&a.forward))
               : NULL;
}

static bool is_of(const struct listing *l, struct span key)
{
    struct span d = l->domain;

    if (!d.len || l->kind == DIRECTORY_ROW_DOMAIN)
        return !d.len || span_equal(key, d);
    return key.len > d.len && key.data[key.len - d.len - 1] == '@' &&
           span_equal(span_skip(key, key.len - d.len), d);
}

static bool note(void *context, const struct store_directory_row *row)
{
    struct listing *l = context;
    struct span key = span_skip(row->key, 1);
    json_t *o = NULL;

    if (row->key.data[0] != l->kind)
        return false;
    if (!is_of(l, key) || span_equal(row->key, l->behind))
        return true;
    if (l->kind == DIRECTORY_ROW_ACCOUNT)
        o = account_json(key, row->value);
    else if (l->kind == DIRECTORY_ROW_DOMAIN)
        o = domain_json(key, row->value);
    else
        o = alias_json(key, row->value);
    if (o)
        json_array_append_new(l->array, o);
    return json_array_size(l->array) < LIST_MAX;
}

static bool put_start(struct writer *start, const struct ctl_request *request)
{
    struct span behind = request->arguments[1];

    return request->count < 2 ||
           (request->command == CTL_DOMAIN_LIST ? config_domain_key(start, behind)
                                                : config_address_key(start, behind, true));
}

json_t *ctl_directory_list(struct ctl_mail *mail, const struct ctl_request *request,
                           struct writer *why)
{
    struct listing l = {.kind = request->command == CTL_ACCOUNT_LIST  ? DIRECTORY_ROW_ACCOUNT
                                : request->command == CTL_DOMAIN_LIST ? DIRECTORY_ROW_DOMAIN
                                                                      : DIRECTORY_ROW_ALIAS};
    uint8_t start_bytes[DIRECTORY_ROW_KEY], bytes[ADDRESS_KEY_MAX];
    struct writer start = writer_of(start_bytes, sizeof(start_bytes));
    struct writer domain = writer_of(bytes, sizeof(bytes));
    enum store_status status;

    writer_byte(&start, (uint8_t)l.kind);
    if (!put_start(&start, request) ||
        (request->count && !span_equal(request->arguments[0], span_text("all")) &&
         !config_domain_key(&domain, request->arguments[0]))) {
        writer_text(why, "expected a domain or all, and then what the list begins behind");
        return NULL;
    }
    l.domain = writer_span(&domain);
    l.behind = writer_span(&start);
    l.array = json_array();
    status = store_directory_walk(mail->store, writer_span(&start), note, &l);
    if (status == STORE_OK)
        return l.array;
    json_decref(l.array);
    return ctl_directory_failed(status, "", why);
}
