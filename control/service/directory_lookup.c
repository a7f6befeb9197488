/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/directory_lookup.h"

#include "control/config/config_settings.h"
#include "control/service/directory_resolve.h"
#include "proto/base/utf8.h"

bool directory_lookup_begin(struct directory_lookup *l)
{
    const struct job_directory *job = &l->job->directory;
    struct span names = span_of(job->names->data, job->names->len);
    size_t at;

    l->spelled = span_head(names, job->address);
    l->account = span_skip(names, job->address);
    for (at = l->spelled.len; at > 0 && l->spelled.data[at - 1] != '@';)
        at--;
    l->domain = span_skip(l->spelled, at);
    l->step = DIRECTORY_STEP_DOMAIN;
    l->key_len = l->plain_len = 0;
    return at > 1 && l->domain.len;
}

void directory_lookup_ask(struct directory_lookup *l)
{
    struct directory_question *q = &l->question;

    switch ((enum directory_step)l->step) {
    case DIRECTORY_STEP_DOMAIN:
        q->kind = DIRECTORY_ASK_DOMAIN;
        q->name = l->domain;
        break;
    case DIRECTORY_STEP_ADDRESS:
        q->kind = DIRECTORY_ASK_ADDRESS;
        q->name = span_of(l->key, l->key_len);
        break;
    case DIRECTORY_STEP_PLAIN:
        q->kind = DIRECTORY_ASK_ADDRESS;
        q->name = span_of(l->plain, l->plain_len);
        break;
    case DIRECTORY_STEP_SENDER:
        q->kind = DIRECTORY_ASK_SENDER;
        q->name = span_of(l->key, l->key_len);
        q->account = l->account;
        break;
    case DIRECTORY_STEP_OVER:
        break;
    }
    q->answer.members = l->members;
    q->answer.room = DIRECTORY_ACCOUNTS;
    q->answer.text = writer_of(l->text, sizeof(l->text));
}

/* ---- into the table ---- */

static bool put_absent(const struct directory_lookup *l, const struct directory_service_options *o,
                       enum directory_kind kind, struct span key, uint32_t now_s)
{
    struct directory_entry e = {
        .kind = (uint8_t)kind, .absent = true, .until_s = now_s + l->setting.absent_s};

    return directory_put(o->table, &e, key);
}

/* What members lead to, each once. */
struct leading {
    struct directory_lookup *lookup;
    const struct directory_service_options *options;
    struct directory_account *accounts; /* room for DIRECTORY_ACCOUNTS */
    uint32_t count;
};

/* False: there are too many. Then nobody knows where the address leads, and nothing is lost. */
static bool add(struct leading *l, const struct directory_account *account)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->accounts[i].id == account->id &&
            span_equal(l->accounts[i].forward, account->forward))
            return true;
    if (l->count == DIRECTORY_ACCOUNTS)
        return false;
    l->accounts[l->count++] = *account;
    return true;
}

/* Mail for another server waits in the queue, and is judged as its forwarder's. */
static bool add_forward(struct leading *l, const struct directory_member *m)
{
    const struct directory_policy *policy = &l->lookup->policy;
    struct directory_account forward = {.quarantine_score = policy->quarantine_score,
                                        .reject_score = policy->reject_score,
                                        .address = m->mailbox,
                                        .tenant = policy->tenant,
                                        .forward = m->forward};

    return store_account_find(l->options->store, span_text(STORE_QUEUE), &forward.id) == STORE_OK &&
           add(l, &forward);
}

/* An account of the configuration is in the table, with all that it leads to. */
static bool add_configured(struct leading *l, struct span key)
{
    struct directory_account found[DIRECTORY_ACCOUNTS];
    struct writer *text = &l->lookup->question.answer.text;
    uint32_t n = directory_copy(l->options->table, key, found, DIRECTORY_ACCOUNTS, text);
    bool ok = !text->full;

    for (uint32_t i = 0; ok && i < n; i++)
        ok = add(l, &found[i]);
    return ok;
}

/* Who has no account to be found is left out. */
static bool add_member(struct leading *l, struct directory_member *m)
{
    const struct directory_service_options *o = l->options;
    struct directory_account account;

    if (m->forward.len)
        return add_forward(l, m);
    if (m->elsewhere)
        return add_configured(l, m->key);
    switch (directory_resolve(l->lookup->chain, o->store, l->lookup->setting.quota, m)) {
    case DIRECTORY_NOBODY:
        return true;
    case DIRECTORY_FOUND:
        break;
    default:
        return false;
    }
    account = (struct directory_account){.id = m->id,
                                         .no_copy = m->no_copy,
                                         .quarantine_score = m->policy.quarantine_score,
                                         .reject_score = m->policy.reject_score,
                                         .address = m->mailbox,
                                         .tenant = m->policy.tenant};
    if (!add(l, &account))
        return false;
    if (o->seen)
        o->seen(o->context, m->id);
    return true;
}

/* False: the store failed, or there are too many. */
static bool take_accounts(struct directory_lookup *l, const struct directory_service_options *o,
                          struct directory_account *accounts, uint32_t *count_out)
{
    struct leading leading = {.lookup = l, .options = o, .accounts = accounts};

    for (uint32_t i = 0; i < l->question.answer.count; i++)
        if (!add_member(&leading, &l->members[i]))
            return false;
    *count_out = leading.count;
    return true;
}

/* Mail for the postmaster and about abuse of a domain that has nobody for it is the engine's
 * postmaster's (RFC 5321 section 4.5.1, RFC 2142). */
static bool put_role(const struct directory_lookup *l, const struct directory_service_options *o,
                     struct span key, uint32_t now_s)
{
    struct directory_entry e = {
        .kind = DIRECTORY_ADDRESS, .exempt = true, .until_s = now_s + l->setting.found_s};

    return directory_put_like(o->table, &e, key, DIRECTORY_ADDRESS, span_text("postmaster"));
}

static bool put_address(struct directory_lookup *l, const struct directory_service_options *o,
                        struct span key, uint32_t now_s)
{
    struct directory_account accounts[DIRECTORY_ACCOUNTS];
    bool role = address_role(span_head(key, key.len - l->domain.len - 1));
    struct directory_entry e = {.kind = DIRECTORY_ADDRESS,
                                .class = l->policy.class,
                                .greylist = l->policy.greylist,
                                .exempt = role,
                                .until_s = now_s + l->setting.found_s,
                                .accounts = accounts};

    if (l->result == DIRECTORY_FOUND && !take_accounts(l, o, accounts, &e.account_count))
        return false;
    if (e.account_count)
        return directory_put(o->table, &e, key);
    return (role && put_role(l, o, key, now_s)) || put_absent(l, o, DIRECTORY_ADDRESS, key, now_s);
}

static bool put_domain(struct directory_lookup *l, const struct directory_service_options *o,
                       uint32_t now_s)
{
    struct directory_account accounts[DIRECTORY_ACCOUNTS];
    struct directory_entry e = {.kind = DIRECTORY_DOMAIN,
                                .class = l->policy.class,
                                .detail_separator = l->policy.detail_separator,
                                .case_sensitive = l->policy.case_sensitive,
                                .greylist = l->policy.greylist,
                                .until_s = now_s + l->setting.found_s,
                                .accounts = accounts};

    return take_accounts(l, o, accounts, &e.account_count) &&
           directory_put(o->table, &e, l->domain);
}

static bool put_sender(const struct directory_lookup *l, const struct directory_service_options *o,
                       uint32_t now_s)
{
    uint8_t text[DIRECTORY_SENDER_KEY];
    struct writer key = writer_of(text, sizeof(text));
    struct directory_entry e = {.kind = DIRECTORY_SENDER, .until_s = now_s + l->setting.found_s};

    directory_sender_key(&key, l->job->directory.account, span_of(l->key, l->key_len));
    if (key.full)
        return false;
    return l->result == DIRECTORY_FOUND
               ? directory_put(o->table, &e, writer_span(&key))
               : put_absent(l, o, DIRECTORY_SENDER, writer_span(&key), now_s);
}

/* ---- steps ---- */

/* The address as its domain has it: folded, and without a detail if it has one. */
static bool make_keys(struct directory_lookup *l)
{
    struct writer key = writer_of(l->key, sizeof(l->key));
    struct writer plain = writer_of(l->plain, sizeof(l->plain));
    struct span local = span_head(l->spelled, l->spelled.len - l->domain.len - 1);
    bool fold = !l->policy.case_sensitive || address_role(local);
    /* The quotes are off: what stands there need not be a mailbox as it would be spelled. */
    const struct address address = {.local = local,
                                    .domain = l->domain,
                                    .kind = ADDRESS_DOMAIN,
                                    .utf8 = utf8_needed(l->spelled)};
    ptrdiff_t detail;

    if (!address_key(&key, &address, fold))
        return false;
    l->key_len = key.len;
    detail =
        l->policy.detail_separator ? span_find(writer_span(&key), l->policy.detail_separator) : -1;
    if (detail > 0 && (size_t)detail < key.len - l->domain.len - 1) {
        writer_span_put(&plain, span_head(writer_span(&key), (size_t)detail));
        writer_byte(&plain, '@');
        writer_span_put(&plain, l->domain);
        l->plain_len = plain.len;
    }
    return true;
}

/* Behind the addresses: what else the account may send as. */
static enum directory_step last_step(const struct directory_lookup *l)
{
    return l->job->kind == JOB_DIRECTORY_SENDER ? DIRECTORY_STEP_SENDER : DIRECTORY_STEP_OVER;
}

static bool step_domain(struct directory_lookup *l, const struct directory_service_options *o,
                        uint32_t now_s)
{
    bool here = l->result == DIRECTORY_FOUND;

    l->policy = l->question.answer.policy;
    l->step = (uint8_t)(here && l->policy.class == DIRECTORY_LOCAL ? DIRECTORY_STEP_ADDRESS
                                                                   : last_step(l));
    if (!make_keys(l))
        return false;
    return here ? directory_keeps(o->table, DIRECTORY_DOMAIN, l->domain) || put_domain(l, o, now_s)
                : put_absent(l, o, DIRECTORY_DOMAIN, l->domain, now_s);
}

bool directory_lookup_step(struct directory_lookup *l,
                           const struct directory_service_options *options, uint32_t now_s)
{
    bool found = l->result == DIRECTORY_FOUND;

    switch ((enum directory_step)l->step) {
    case DIRECTORY_STEP_DOMAIN:
        return step_domain(l, options, now_s);
    case DIRECTORY_STEP_ADDRESS:
        l->step = (uint8_t)(!found && l->plain_len ? DIRECTORY_STEP_PLAIN : last_step(l));
        return put_address(l, options, span_of(l->key, l->key_len), now_s);
    case DIRECTORY_STEP_PLAIN:
        l->step = (uint8_t)last_step(l);
        return put_address(l, options, span_of(l->plain, l->plain_len), now_s);
    case DIRECTORY_STEP_SENDER:
        l->step = DIRECTORY_STEP_OVER;
        return put_sender(l, options, now_s);
    case DIRECTORY_STEP_OVER:
        break;
    }
    return false;
}
