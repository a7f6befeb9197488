/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/ctl/ctl_entry.h"
#include "control/ctl/ctl_mail.h"
#include "control/ctl/ctl_store.h"
#include "control/record/record_audit.h"
#include "control/record/record_json.h"
#include "control/store/store_quarantine.h"
#include "proto/base/peer_text.h"

/* ---- list ---- */

struct listing {
    struct store *store;
    json_t *array;
    uint32_t mailbox_count, mailbox_cap;
    uint64_t *mailboxes;
};

static bool note_mailbox(void *context, const struct store_mailbox *m)
{
    struct listing *l = context;
    uint64_t *grown;

    if (m->place != MESSAGE_QUARANTINE || m->messages == 0)
        return true;
    if (l->mailbox_count == l->mailbox_cap) {
        l->mailbox_cap = l->mailbox_cap ? 2 * l->mailbox_cap : 16;
        grown = realloc(l->mailboxes, l->mailbox_cap * sizeof(*grown));
        if (!grown)
            return false;
        l->mailboxes = grown;
    }
    l->mailboxes[l->mailbox_count++] = m->id;
    return true;
}

static bool note_entry(void *context, const struct store_entry *e)
{
    struct listing *l = context;
    json_t *o = json_object();

    json_object_set_new(o, "id", record_json_id(&e->message));
    json_object_set_new(o, "rcpt_to", json_null());
    json_object_set_new(o, "mail_from", json_null());
    json_object_set_new(o, "rule", record_json_text(e->verdict));
    json_object_set_new(o, "size", json_integer((json_int_t)e->size));
    json_object_set_new(o, "saved_ms", json_integer((json_int_t)e->saved_ms));
    json_object_set_new(o, "account", json_integer((json_int_t)e->account));
    json_object_set_new(o, "uid", json_integer(e->uid));
    ctl_entry_envelope(l->store, e, o);
    json_array_append_new(l->array, o);
    return true;
}

json_t *ctl_quarantine_list(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why)
{
    struct listing l = {.store = mail->store};
    uint64_t account = 0;

    if (request->count && !ctl_store_account(mail->store, request->arguments[0], &account, why))
        return NULL;
    l.array = json_array();
    store_mailboxes(mail->store, account, note_mailbox, &l);
    for (uint32_t i = 0; i < l.mailbox_count; i++)
        store_entries(mail->store, l.mailboxes[i], note_entry, &l);
    free(l.mailboxes);
    return l.array;
}

/* ---- which messages ---- */

enum { PLACES = 128 };

struct found {
    uint64_t account; /* 0: any */
    uint32_t count;
    struct {
        uint64_t account;
        uint32_t uid;
    } at[PLACES];
};

static bool note_place(void *context, const struct store_entry *e)
{
    struct found *f = context;

    if (e->place == MESSAGE_QUARANTINE && (!f->account || f->account == e->account)) {
        f->at[f->count].account = e->account;
        f->at[f->count++].uid = e->uid;
    }
    return f->count < PLACES;
}

/* [ACCOUNT] ID...: an address has an "@", an id has none. *ids_out is where the ids begin. */
static bool read_account(struct ctl_mail *mail, const struct span *words, uint32_t count,
                         uint32_t *ids_out, uint64_t *account_out, struct writer *why)
{
    *account_out = 0;
    *ids_out = count && span_find(words[0], '@') >= 0;
    return !*ids_out || ctl_store_account(mail->store, words[0], account_out, why);
}

static bool read_id(struct span word, struct id128 *id_out, struct writer *why)
{
    if (id128_parse(word, id_out))
        return true;
    writer_text(why, "expected the id of a message, 26 letters and digits; found ");
    peer_text(why, word, 60, PEER_TEXT_UTF8);
    return false;
}

json_t *ctl_quarantine_show(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why)
{
    struct found found = {.account = 0};
    struct span address = span_of(NULL, 0);
    struct id128 id;
    uint32_t first;

    if (!read_account(mail, request->arguments, request->count, &first, &found.account, why))
        return NULL;
    if (first)
        address = request->arguments[0];
    if (request->count != first + 1) {
        writer_text(why, "expected quarantine show [ACCOUNT] ID");
        return NULL;
    }
    if (!read_id(request->arguments[first], &id, why))
        return NULL;
    store_places(mail->store, &id, note_place, &found);
    if (found.count)
        return ctl_store_show(mail->store, &id, address, why);
    writer_text(why, "it is in no quarantine");
    return NULL;
}

/* ---- release and delete ---- */

struct deciding {
    struct ctl_mail *mail;
    const struct store_reason *reason;
    bool release;
    uint64_t account;
    json_t *rows;
    uint32_t done;
    struct writer *why; /* names what was not done */
};

static const char *outcome(const struct deciding *d, enum store_status status)
{
    if (status == STORE_OK)
        return d->release ? "released" : "deleted";
    if (status == STORE_FULL)
        return "refused: the inbox is full";
    return status == STORE_NONE ? "refused: it is in no quarantine" : store_status_name(status);
}

static void note_outcome(struct deciding *d, const struct id128 *id,
                         const struct store_quarantine *q, enum store_status status)
{
    const char *text = outcome(d, status);
    json_t *o = json_pack("{s:o, s:I, s:I, s:I, s:s}", "id", record_json_id(id), "account",
                          (json_int_t)q->account, "uid", (json_int_t)q->uid, "uid_new",
                          (json_int_t)q->uid_out, "outcome", text);

    json_array_append_new(d->rows, o);
    if (status == STORE_OK) {
        d->done++;
        return;
    }
    if (d->why->len)
        writer_text(d->why, "; ");
    id128_put(d->why, id);
    writer_printf(d->why, ": %s", text);
}

static void decide(struct deciding *d, const struct id128 *id)
{
    struct found found = {.account = d->account};
    struct store_quarantine q = {.account = d->account, .reason = *d->reason};
    struct store_change change = {.kind = d->release ? STORE_RELEASE : STORE_DROP,
                                  .quarantine = &q};

    q.action = d->release ? STORE_AUDIT_RELEASE : STORE_AUDIT_DELETE;
    store_places(d->mail->store, id, note_place, &found);
    if (found.count == 0)
        note_outcome(d, id, &q, STORE_NONE);
    for (uint32_t i = 0; i < found.count; i++) {
        q.account = found.at[i].account;
        q.uid = found.at[i].uid;
        q.uid_out = 0;
        store_apply(d->mail->store, &change, 1);
        note_outcome(d, id, &q, change.status_out);
    }
}

json_t *ctl_quarantine_decide(struct ctl_mail *mail, const struct ctl_request *request,
                              struct writer *why)
{
    struct ctl_mail_words words;
    struct deciding d = {.mail = mail,
                         .reason = &words.reason,
                         .release = request->command == CTL_QUARANTINE_RELEASE,
                         .why = why};
    struct id128 ids[CTL_ARGUMENTS_MAX];
    uint32_t first;

    if (!ctl_mail_words(request, &words, why) ||
        !read_account(mail, words.at, words.count, &first, &d.account, why))
        return NULL;
    for (uint32_t i = first; i < words.count; i++)
        if (!read_id(words.at[i], &ids[i], why))
            return NULL;
    if (first == words.count) {
        writer_text(why, "expected the id of a message");
        return NULL;
    }
    d.rows = json_array();
    for (uint32_t i = first; i < words.count; i++)
        decide(&d, &ids[i]);
    keeper_service_wake(mail->keeper);
    if (d.done > 0)
        return d.rows;
    json_decref(d.rows);
    return NULL;
}

/* ---- the log ---- */

static bool note_row(void *context, const struct store_audit *row)
{
    json_array_append_new(context, record_audit_row(row));
    return true;
}

json_t *ctl_quarantine_audit(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why)
{
    uint64_t since = 0;
    json_t *rows;

    if (request->count && !ctl_request_number(request->arguments[0], UINT64_MAX, &since)) {
        writer_text(why, "expected the number of a row");
        return NULL;
    }
    rows = json_array();
    if (store_audit(mail->store, since, note_row, rows) == STORE_OK)
        return rows;
    json_decref(rows);
    writer_text(why, "the audit log cannot be read");
    return NULL;
}
