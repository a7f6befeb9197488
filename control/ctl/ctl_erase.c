/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"
#include "control/ctl/ctl_directory.h"
#include "control/ctl/ctl_mail.h"
#include "control/service/directory_resolve.h"
#include "control/service/greylist_service.h"
#include "control/store/store_erase.h"

struct erasing {
    uint64_t account;
    uint64_t rows;     /* of the audit log, that name it */
    uint64_t greylist; /* rows of greylisting that named it, and went */
    struct store_erasure state;
};

static bool note_step(void *context, const struct store_erasure *e)
{
    struct erasing *x = context;

    if (e->account == x->account)
        x->state = *e;
    return true;
}

/* The keys that the address may have: as spelled, and with its local part folded. */
static bool key_of(struct span address, bool fold, struct writer *key)
{
    key->len = 0;
    key->full = false;
    return config_address_key(key, address, fold);
}

static bool may_erase(struct ctl_mail *mail, struct span address, struct writer *why)
{
    uint8_t text[512];
    struct writer key = writer_of(text, sizeof(text));

    for (int fold = 0; fold < 2; fold++) {
        if (!key_of(address, fold, &key)) {
            writer_text(why, "expected an address");
            return false;
        }
        if (policy_lists(mail->policy, writer_span(&key))) {
            writer_text(why, "the configuration still lists this account: remove it there, "
                             "`wirepost ctl reload`, and erase it then");
            return false;
        }
        if (ctl_directory_has(mail, writer_span(&key))) {
            writer_text(why, "the directory still has this account: `wirepost ctl account delete` "
                             "it first");
            return false;
        }
    }
    return true;
}

/*
 * Before anything else, so that a crash in the middle leaves an account that can be erased again;
 * who was known for it waits once more.
 */
static bool forget_greylist(struct ctl_mail *mail, struct span address, struct erasing *x,
                            struct writer *why)
{
    uint8_t text[512];
    struct writer key = writer_of(text, sizeof(text));
    enum store_status status = STORE_FAILED;

    if (key_of(address, true, &key))
        status = greylist_service_forget_address(
            policy_greylist(mail->policy), writer_span(&key),
            policy_detail_separator(mail->policy, writer_span(&key)), &x->greylist);
    if (status != STORE_OK)
        writer_text(why, store_status_name(status));
    return status == STORE_OK;
}

static void remains(json_t *list, const char *what, json_t *how_much, const char *reason)
{
    json_array_append_new(
        list, json_pack("{s:s, s:o, s:s}", "what", what, "how_much", how_much, "why", reason));
}

static bool count_row(void *context, const struct store_audit *row)
{
    struct erasing *x = context;

    if (row->account != x->account)
        return true;
    x->rows++;
    if (row->action == STORE_AUDIT_ERASED) {
        x->state.messages = row->count;
        x->state.octets = row->size;
    }
    return true;
}

static json_t *what_remains(const struct ctl_mail *mail, const struct erasing *x)
{
    json_t *list = json_array();

    remains(list, "audit log", json_sprintf("%llu rows", (unsigned long long)x->rows),
            "who did what to the account is kept for audit.retention");
    if (x->state.shared)
        remains(list, "bodies and envelopes of messages that others have too",
                json_sprintf("%llu messages, %llu bytes", (unsigned long long)x->state.shared,
                             (unsigned long long)x->state.shared_octets),
                "the other recipients' mailboxes refer to them; the envelope names all "
                "recipients");
    if (mail->records_path[0])
        remains(list, "records", json_string(mail->records_path),
                "lines written before are not changed; they go when the file is rotated away");
    remains(list, "log", json_string("lines written before"),
            "where the log goes to, it is kept by others; a line may name the address");
    remains(list, "backups", json_string("those that were made before"),
            "a backup is not changed; it goes when it is deleted");
    remains(list, "files of the store", json_string("until they are compacted"),
            "what was removed is not readable through the store any more, but its bytes stay on "
            "the disk until RocksDB rewrites the files");
    return list;
}

static json_t *finish(struct ctl_mail *mail, struct erasing *x, struct writer *why)
{
    enum store_status status;
    bool done = false;

    /* The keeper may be doing the same: then steps are shared, and the end may be seen by it. */
    do
        status = store_erase_step(mail->store, note_step, x, &done);
    while (status == STORE_OK);
    keeper_service_wake(mail->keeper);
    store_audit(mail->store, 0, count_row, x);
    if (status == STORE_NONE)
        return json_pack("{s:I, s:I, s:I, s:I, s:o}", "account", (json_int_t)x->account, "messages",
                         (json_int_t)x->state.messages, "octets", (json_int_t)x->state.octets,
                         "greylist", (json_int_t)x->greylist, "remains", what_remains(mail, x));
    writer_printf(why,
                  "the account is not found any more, but not all of its mail is removed yet "
                  "(%s); the engine goes on with it",
                  store_status_name(status));
    return NULL;
}

json_t *ctl_erase_account(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why)
{
    struct erasing x = {.account = 0};
    struct ctl_mail_words words;
    uint8_t text[512];
    struct writer key = writer_of(text, sizeof(text));
    enum store_status status = STORE_NONE;

    if (!ctl_mail_words(request, &words, why))
        return NULL;
    if (words.count != 1) {
        writer_text(why, "expected one address");
        return NULL;
    }
    if (!may_erase(mail, words.at[0], why) || !forget_greylist(mail, words.at[0], &x, why))
        return NULL;
    for (int fold = 0; fold < 2 && status == STORE_NONE; fold++)
        if (key_of(words.at[0], fold, &key))
            status = store_erase(mail->store, writer_span(&key), &words.reason, &x.account);
    if (status == STORE_OK)
        status = directory_resolve_forget(mail->store, x.account);
    if (status == STORE_OK)
        return finish(mail, &x, why);
    writer_text(why, status == STORE_NONE ? "no such account" : store_status_name(status));
    return NULL;
}
