/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_json.h"

#include "control/record/record_json.h"
#include "dataplane/handoff/directory.h"

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

static json_t *account(struct span key, const struct directory_row_account *a)
{
    json_t *quota =
        a->quota == DIRECTORY_QUOTA_DEFAULT ? json_null() : json_integer((json_int_t)a->quota);

    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:b, s:{s:o, s:b}}", "address",
                     record_json_text(key), "login", !a->disabled, "quota", quota, "send_as",
                     names_of(&a->send_as), "forward", names_of(&a->forward), "keep_copy",
                     a->keep_copy, "credentials", "method", method_of(a->hash), "scram_sha_256",
                     a->scram[SCRAM_SHA256].len > 0);
}

static json_t *score(int32_t thousandths)
{
    return thousandths == INT32_MAX ? json_null() : json_real(thousandths / 1000.0);
}

static json_t *domain(struct span key, const struct directory_row_domain *d)
{
    char separator[2] = {(char)d->policy.detail_separator};

    return json_pack("{s:o, s:s, s:o, s:o, s:s, s:b, s:o, s:o}", "domain", record_json_text(key),
                     "class", d->policy.class == DIRECTORY_LOCAL ? "local" : "refused", "tenant",
                     record_json_text(d->policy.tenant), "catch_all",
                     d->catch_all.len ? record_json_text(d->catch_all) : json_null(),
                     "detail_separator", separator, "greylist", d->policy.greylist,
                     "quarantine_score", score(d->policy.quarantine_score), "reject_score",
                     score(d->policy.reject_score));
}

json_t *api_json_row(struct span key, const struct directory_admin_row *row)
{
    switch (row->kind) {
    case DIRECTORY_ROW_ACCOUNT:
        return account(key, &row->account);
    case DIRECTORY_ROW_DOMAIN:
        return domain(key, &row->domain);
    case DIRECTORY_ROW_ALIAS:
        return json_pack("{s:o, s:o, s:o}", "alias", record_json_text(key), "members",
                         names_of(&row->alias.members), "forward", names_of(&row->alias.forward));
    }
    return NULL;
}

bool api_json_read(struct span value, struct directory_admin_row *row)
{
    switch (row->kind) {
    case DIRECTORY_ROW_ACCOUNT:
        return directory_row_read_account(value, &row->account);
    case DIRECTORY_ROW_DOMAIN:
        return directory_row_read_domain(value, &row->domain);
    case DIRECTORY_ROW_ALIAS:
        return directory_row_read_alias(value, &row->alias);
    }
    return false;
}
