/* SPDX-License-Identifier: BSD-3-Clause */
#include <openssl/evp.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/ctl/ctl_bytes.h"
#include "control/ctl/ctl_mail.h"
#include "control/ctl/ctl_store.h"
#include "control/transfer/export_list.h"

/* ---- imports ---- */

/* Under the lock. A place that is free, or that nobody has used for long. */
static struct ctl_import *free_place(struct ctl_mail *mail, uint64_t now)
{
    for (int i = 0; i < CTL_IMPORTS; i++)
        if (!mail->imports[i].import)
            return &mail->imports[i];
    for (int i = 0; i < CTL_IMPORTS; i++) {
        struct ctl_import *x = &mail->imports[i];

        if (x->busy || now - x->used_ms < CTL_IMPORT_IDLE_MS)
            continue;
        import_store_free(x->import);
        x->import = NULL;
        return x;
    }
    return NULL;
}

static json_t *open_import(struct ctl_mail *mail, const struct ctl_request *request,
                           struct writer *why)
{
    struct policy_values values = policy_values(mail->policy);
    struct import_store_options options = {.store = mail->store,
                                           .address = request->arguments[0],
                                           .size_max = values.message_size,
                                           .node = values.node};
    struct ctl_import *x;
    uint64_t number = 0;

    if (!ctl_store_account(mail->store, request->arguments[0], &options.account, why))
        return NULL;
    pthread_mutex_lock(&mail->lock);
    x = free_place(mail, clock_monotonic_ms());
    if (x && (x->import = import_store_new(&options))) {
        x->number = number = ++mail->next;
        x->used_ms = clock_monotonic_ms();
        x->busy = false;
    }
    pthread_mutex_unlock(&mail->lock);
    if (number)
        return json_pack("{s:I}", "number", (json_int_t)number);
    writer_text(why, "too many imports are under way");
    return NULL;
}

/* The import with that number, for this command alone until give_back(). */
static struct ctl_import *take(struct ctl_mail *mail, struct span text, struct writer *why)
{
    struct ctl_import *x = NULL;
    uint64_t number;

    if (!ctl_request_number(text, UINT64_MAX, &number))
        number = 0;
    pthread_mutex_lock(&mail->lock);
    for (int i = 0; i < CTL_IMPORTS && !x; i++)
        if (mail->imports[i].import && mail->imports[i].number == number && !mail->imports[i].busy)
            x = &mail->imports[i];
    if (x)
        x->busy = true;
    pthread_mutex_unlock(&mail->lock);
    if (!x)
        writer_text(why, "no such import");
    return x;
}

static void give_back(struct ctl_mail *mail, struct ctl_import *x, bool closed)
{
    pthread_mutex_lock(&mail->lock);
    if (closed) {
        import_store_free(x->import);
        x->import = NULL;
    }
    x->used_ms = clock_monotonic_ms();
    x->busy = false;
    pthread_mutex_unlock(&mail->lock);
}

static json_t *outcome(enum import_result result, const struct writer *reason)
{
    static const char *const names[] = {[IMPORT_DONE] = "done",
                                        [IMPORT_THERE] = "there",
                                        [IMPORT_REFUSED] = "refused",
                                        [IMPORT_FAILED] = "failed"};

    return json_pack("{s:s, s:s%}", "outcome", names[result], "why", (const char *)reason->data,
                     reason->len);
}

static json_t *import_data(struct ctl_import *x, struct span text, struct writer *why)
{
    char reason[256];
    struct writer said = writer_of(reason, sizeof(reason));
    struct import_sink sink = import_store_sink(x->import);
    size_t pad = 0;
    uint8_t *bytes;
    json_t *answer;
    int n;

    while (pad < 2 && text.len > pad && text.data[text.len - 1 - pad] == '=')
        pad++;
    bytes = malloc(text.len + 1);
    n = bytes ? EVP_DecodeBlock(bytes, text.data, (int)text.len) : -1;
    if (n < 0 || (size_t)n < pad) {
        free(bytes);
        writer_text(why, "expected base64");
        return NULL;
    }
    answer = outcome(sink.bytes(sink.context, span_of(bytes, (size_t)n - pad), &said), &said);
    free(bytes);
    return answer;
}

static json_t *import_end(struct ctl_import *x, const struct ctl_request *request,
                          struct writer *why)
{
    char reason[256];
    struct writer said = writer_of(reason, sizeof(reason));
    struct import_sink sink = import_store_sink(x->import);
    struct import_meta meta = {.sender = span_head(request->arguments[4], STORE_NAME)};
    uint64_t flags, forwarded;

    if (!ctl_request_number(request->arguments[1], INT64_MAX, &meta.date_ms) ||
        !ctl_request_number(request->arguments[2], UINT32_MAX, &flags) ||
        !ctl_request_number(request->arguments[3], 10, &forwarded)) {
        writer_text(why, "expected NUMBER DATE-MS FLAGS FORWARDED SENDER");
        return NULL;
    }
    meta.flags = (uint32_t)flags & (STORE_FLAG_SEEN | STORE_FLAG_ANSWERED | STORE_FLAG_FLAGGED |
                                    STORE_FLAG_DELETED | STORE_FLAG_DRAFT);
    meta.forwarded = forwarded != 0;
    return outcome(sink.end(sink.context, &meta, &said), &said);
}

json_t *ctl_transfer_import(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why)
{
    struct import_sink sink;
    struct ctl_import *x;
    json_t *answer = NULL;

    if (request->command == CTL_IMPORT_OPEN)
        return open_import(mail, request, why);
    x = take(mail, request->arguments[0], why);
    if (!x)
        return NULL;
    if (request->command == CTL_IMPORT_DATA)
        answer = import_data(x, request->arguments[1], why);
    else if (request->command == CTL_IMPORT_END)
        answer = import_end(x, request, why);
    else
        answer = json_object();
    if (request->command == CTL_IMPORT_CANCEL) {
        sink = import_store_sink(x->import);
        sink.cancel(sink.context);
    }
    give_back(mail, x, request->command == CTL_IMPORT_CLOSE);
    return answer;
}

void ctl_transfer_fini(struct ctl_mail *mail)
{
    for (int i = 0; i < CTL_IMPORTS; i++) {
        if (mail->imports[i].import)
            import_store_free(mail->imports[i].import);
        mail->imports[i].import = NULL;
    }
}

/* ---- exports ---- */

static bool note_size(void *context, const struct store_entry *e)
{
    *(uint64_t *)context = e->size;
    return false;
}

static bool note_inbox(void *context, const struct store_mailbox *m)
{
    if (m->place == MESSAGE_INBOX)
        *(uint64_t *)context = m->id;
    return true;
}

static struct ctl_bytes *open_message(struct store *store, uint64_t account, struct span number,
                                      struct writer *why)
{
    uint64_t uid, size = 0, inbox = 0;
    struct ctl_bytes *bytes = NULL;
    enum store_status status;

    if (!ctl_request_number(number, UINT32_MAX, &uid)) {
        writer_text(why, "expected a UID");
        return NULL;
    }
    store_mailboxes(store, account, note_inbox, &inbox);
    status = store_entry_find(store, inbox, (uint32_t)uid, note_size, &size);
    if (status == STORE_OK)
        status = ctl_bytes_message(store, inbox, (uint32_t)uid, size, &bytes);
    if (status != STORE_OK)
        writer_text(why, status == STORE_NONE ? "no such message" : "the message cannot be read");
    return bytes;
}

static struct ctl_bytes *open_list(struct store *store, uint64_t account, struct writer *why)
{
    struct export_list list;

    if (export_list_make(store, account, &list))
        return ctl_bytes_take(list.text, list.len);
    writer_text(why, "the mailbox cannot be read");
    return NULL;
}

void *ctl_transfer_open(void *context, const struct ctl_request *request, uint64_t *length_out,
                        struct writer *why)
{
    struct ctl_mail *mail = context;
    struct ctl_bytes *bytes;
    uint64_t account;

    if (!ctl_store_account(mail->store, request->arguments[0], &account, why))
        return NULL;
    bytes = request->command == CTL_EXPORT_LIST
                ? open_list(mail->store, account, why)
                : open_message(mail->store, account, request->arguments[1], why);
    if (bytes)
        *length_out = ctl_bytes_length(bytes);
    return bytes;
}
