/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/directory/directory_admin.h"
#include "control/service/directory_service.h"
#include "proto/address/address.h"

enum { SCORE_MAX = 1000000000, TENANT_MAX = 64 };

struct domain_change {
    enum ctl_command command;
    bool clash;
    struct directory_row_domain row; /* as it becomes */
    uint8_t catch_all[ADDRESS_KEY_MAX];
    const struct ctl_request *request;
    struct ctl_mail *mail;
    struct writer *why;
};

/* score = [ "-" ] number [ "." 1*3DIGIT ], in thousandths; or "off" */
static bool read_score(struct span text, int32_t *score_out)
{
    bool minus = text.len && text.data[0] == '-';
    struct span rest = minus ? span_skip(text, 1) : text, whole;
    ptrdiff_t dot = span_find(rest, '.');
    uint64_t n, part = 0;

    *score_out = INT32_MAX;
    if (span_equal(text, span_text("off")))
        return true;
    whole = dot < 0 ? rest : span_head(rest, (size_t)dot);
    rest = dot < 0 ? span_of(NULL, 0) : span_skip(rest, (size_t)dot + 1);
    if (!ctl_request_number(whole, SCORE_MAX / 1000, &n) || rest.len > 3 ||
        (dot >= 0 && !ctl_request_number(rest, 999, &part)))
        return false;
    for (size_t i = rest.len; dot >= 0 && i < 3; i++)
        part *= 10;
    *score_out = (int32_t)(n * 1000 + part);
    if (minus)
        *score_out = -*score_out;
    return true;
}

static bool read_flag(struct span value, bool *out)
{
    *out = span_equal(value, span_text("on"));
    return *out || span_equal(value, span_text("off"));
}

/* Somebody of the store or of the configuration. */
static bool read_catch_all(struct domain_change *c, struct span value)
{
    struct writer key = writer_of(c->catch_all, sizeof(c->catch_all));

    c->row.catch_all = span_of(NULL, 0);
    if (!value.len)
        return true;
    if (!config_address_key(&key, value, true))
        return false;
    c->row.catch_all = writer_span(&key);
    return true;
}

static bool read_word(struct domain_change *c, struct span name, struct span value)
{
    struct directory_policy *p = &c->row.policy;

    if (span_equal(name, span_text("class"))) {
        p->class = span_equal(value, span_text("refused")) ? DIRECTORY_REFUSED : DIRECTORY_LOCAL;
        return p->class == DIRECTORY_REFUSED || span_equal(value, span_text("local"));
    }
    if (span_equal(name, span_text("tenant"))) {
        p->tenant = value;
        return value.len && value.len <= TENANT_MAX;
    }
    if (span_equal(name, span_text("detail_separator"))) {
        p->detail_separator = value.len ? value.data[0] : 0;
        return value.len == 0 || (value.len == 1 && value.data[0] > ' ' && value.data[0] < 127 &&
                                  value.data[0] != '@');
    }
    if (span_equal(name, span_text("greylist")))
        return read_flag(value, &p->greylist);
    if (span_equal(name, span_text("quarantine_score")))
        return read_score(value, &p->quarantine_score);
    if (span_equal(name, span_text("reject_score")))
        return read_score(value, &p->reject_score);
    return span_equal(name, span_text("catch_all")) && read_catch_all(c, value);
}

static bool edit(void *context, bool there, struct directory_admin_row *row)
{
    struct domain_change *c = context;

    if (!ctl_terms_agreed(c->request->terms, there, row))
        return false;
    c->clash = there == (c->command == CTL_DOMAIN_ADD);
    if (c->clash)
        return false;
    if (there)
        c->row = row->domain;
    for (uint32_t i = 1; i < c->request->count; i++) {
        struct span name, value;

        if (ctl_directory_word(c->request->arguments[i], &name, &value) &&
            read_word(c, name, value))
            continue;
        writer_text(c->why,
                    "expected NAME=VALUE as `wirepost ctl --help` has them; this is none: ");
        writer_span_put(c->why,
                        span_head(c->request->arguments[i], c->request->arguments[i].len < 60
                                                                ? c->request->arguments[i].len
                                                                : 60));
        return false;
    }
    row->domain = c->row;
    return true;
}

struct looking {
    struct span domain;
    bool found;
};

static bool look(void *context, const struct store_directory_row *row)
{
    struct looking *l = context;
    struct span d = l->domain;

    if ((row->key.data[0] == DIRECTORY_ROW_ACCOUNT || row->key.data[0] == DIRECTORY_ROW_ALIAS) &&
        row->key.len > d.len + 1 && row->key.data[row->key.len - d.len - 1] == '@')
        l->found = span_equal(span_skip(row->key, row->key.len - d.len), d);
    return !l->found;
}

static bool agree(void *context, bool there, struct directory_admin_row *row)
{
    return ctl_terms_agreed(context, there, row);
}

static json_t *remove_domain(struct ctl_mail *mail, struct span key, struct ctl_terms *terms,
                             struct writer *why)
{
    struct store_audit memory;
    struct looking l = {.domain = key};
    enum store_status status = store_directory_walk(mail->store, span_of(NULL, 0), look, &l);

    if (l.found) {
        writer_text(why, CTL_DIRECTORY_IN_USE);
        return NULL;
    }
    if (status == STORE_OK)
        status =
            directory_admin_remove(mail->store, DIRECTORY_ROW_DOMAIN, key, agree, terms,
                                   ctl_terms_audit(terms, STORE_AUDIT_DOMAIN_DELETE, key, &memory));
    if (status != STORE_OK)
        return ctl_directory_failed(status, CTL_DIRECTORY_NONE_DOMAIN, why);
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    return json_pack("{s:o}", "domain", json_stringn((const char *)key.data, key.len));
}

static json_t *put_domain(struct ctl_mail *mail, struct domain_change *c, struct span key)
{
    struct ctl_terms *terms = c->request->terms;
    struct store_audit memory;
    enum store_status status = directory_admin_change(
        mail->store, DIRECTORY_ROW_DOMAIN, key, edit, c,
        ctl_terms_audit(
            terms, c->command == CTL_DOMAIN_ADD ? STORE_AUDIT_DOMAIN_ADD : STORE_AUDIT_DOMAIN_SET,
            key, &memory));

    if (status == STORE_BUSY && !(terms && terms->unmet)) {
        if (c->clash)
            writer_text(c->why, c->command == CTL_DOMAIN_ADD ? CTL_DIRECTORY_HAS_DOMAIN
                                                             : CTL_DIRECTORY_NONE_DOMAIN);
        return NULL;
    }
    if (status != STORE_OK)
        return ctl_directory_failed(status, CTL_DIRECTORY_NONE_DOMAIN, c->why);
    directory_service_changed(policy_directory(mail->policy), span_of(NULL, 0));
    return json_pack("{s:o}", "domain", json_stringn((const char *)key.data, key.len));
}

json_t *ctl_directory_domain_change(struct ctl_mail *mail, const struct ctl_request *request,
                                    struct writer *why)
{
    struct domain_change c = {.command = request->command,
                              .request = request,
                              .mail = mail,
                              .why = why,
                              .row = {.policy = {.class = DIRECTORY_LOCAL,
                                                 .quarantine_score = 5000,
                                                 .reject_score = INT32_MAX,
                                                 .tenant = span_text("default")}}};
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));

    if (!config_domain_key(&key, request->arguments[0])) {
        writer_text(why, "expected a domain");
        return NULL;
    }
    if (request->command == CTL_DOMAIN_DELETE)
        return remove_domain(mail, writer_span(&key), request->terms, why);
    if (policy_keeps(mail->policy, DIRECTORY_DOMAIN, writer_span(&key))) {
        writer_text(why, CTL_DIRECTORY_KEPT_DOMAIN);
        return NULL;
    }
    /* Mail for a postmaster must always find somebody. */
    if (!policy_keeps(mail->policy, DIRECTORY_ADDRESS, span_text("postmaster"))) {
        writer_text(why, CTL_DIRECTORY_NO_POSTMASTER);
        return NULL;
    }
    return put_domain(mail, &c, writer_span(&key));
}
