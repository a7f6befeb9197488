/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_mail.h"

#include "control/ctl/ctl_bytes.h"
#include "control/ctl/ctl_directory.h"
#include "control/ctl/ctl_terms.h"
#include "control/ctl/ctl_token.h"

static bool take(struct span *into, const char *option, struct span value, struct writer *why)
{
    if (into->len) {
        writer_printf(why, "%s stands twice", option);
        return false;
    }
    *into = value;
    return true;
}

static bool read_words(const struct ctl_request *request, struct ctl_mail_words *w,
                       struct writer *why)
{
    *w = (struct ctl_mail_words){.count = 0};
    for (uint32_t i = 0; i < request->count; i++) {
        struct span word = request->arguments[i];
        bool who = span_equal(word, span_text("--by"));

        if (!who && !span_equal(word, span_text("--why"))) {
            w->at[w->count++] = word;
            continue;
        }
        if (++i == request->count)
            break;
        if (!take(who ? &w->reason.who : &w->reason.why, who ? "--by" : "--why",
                  request->arguments[i], why))
            return false;
    }
    return true;
}

static bool check_reason(const struct ctl_mail_words *w, struct writer *why)
{
    if (store_reason_valid(&w->reason))
        return true;
    writer_printf(why,
                  "expected --by WHO (1 to %d bytes) and --why TEXT (1 to %d bytes), without "
                  "control characters",
                  STORE_WHO, STORE_WHY);
    return false;
}

bool ctl_mail_words(const struct ctl_request *request, struct ctl_mail_words *w, struct writer *why)
{
    return read_words(request, w, why) && check_reason(w, why);
}

bool ctl_mail_words_or_none(const struct ctl_request *request, struct ctl_mail_words *w,
                            struct writer *why)
{
    if (!read_words(request, w, why))
        return false;
    if (request->terms)
        w->reason = request->terms->reason;
    if (!w->reason.who.len)
        w->reason.who = span_text("ctl");
    if (!w->reason.why.len)
        w->reason.why = span_text("not told");
    return check_reason(w, why);
}

static json_t *answer(void *context, const struct ctl_request *request, struct writer *why)
{
    switch (request->command) {
    case CTL_QUARANTINE_LIST:
        return ctl_quarantine_list(context, request, why);
    case CTL_QUARANTINE_SHOW:
        return ctl_quarantine_show(context, request, why);
    case CTL_QUARANTINE_RELEASE:
    case CTL_QUARANTINE_DELETE:
        return ctl_quarantine_decide(context, request, why);
    case CTL_QUEUE_LIST:
        return ctl_queue_list(context, why);
    case CTL_AUDIT:
        return ctl_quarantine_audit(context, request, why);
    case CTL_GREYLIST_LIST:
        return ctl_greylist_list(context, request, why);
    case CTL_GREYLIST_REMOVE:
        return ctl_greylist_remove(context, request, why);
    case CTL_BAN_LIST:
    case CTL_BAN_ADD:
    case CTL_BAN_DELETE:
    case CTL_BAN_CLEAR:
        return ctl_ban(context, request, why);
    case CTL_INDEX_STATUS:
    case CTL_INDEX_REBUILD:
        return ctl_index(context, request, why);
    case CTL_ACCOUNT_ERASE:
        return ctl_erase_account(context, request, why);
    case CTL_ACCOUNT_ADD:
    case CTL_ACCOUNT_SET:
    case CTL_ACCOUNT_PASSWORD:
    case CTL_ACCOUNT_DELETE:
    case CTL_ACCOUNT_LIST:
    case CTL_ACCOUNT_LOAD:
    case CTL_DOMAIN_ADD:
    case CTL_DOMAIN_SET:
    case CTL_DOMAIN_DELETE:
    case CTL_DOMAIN_LIST:
    case CTL_ALIAS_ADD:
    case CTL_ALIAS_SET:
    case CTL_ALIAS_DELETE:
    case CTL_ALIAS_LIST:
        return ctl_directory_answer(context, request, why);
    case CTL_TOKEN_ADD:
    case CTL_TOKEN_LIST:
    case CTL_TOKEN_DELETE:
        return ctl_token(context, request, why);
    case CTL_IMPORT_OPEN:
    case CTL_IMPORT_DATA:
    case CTL_IMPORT_END:
    case CTL_IMPORT_CANCEL:
    case CTL_IMPORT_CLOSE:
        return ctl_transfer_import(context, request, why);
    default:
        return NULL;
    }
}

struct ctl_subject ctl_mail_subject(struct ctl_mail *mail)
{
    pthread_mutex_init(&mail->lock, NULL);
    return (struct ctl_subject){.context = mail,
                                .answer = answer,
                                .open = ctl_transfer_open,
                                .read = ctl_bytes_read,
                                .close = ctl_bytes_close};
}

void ctl_mail_fini(struct ctl_mail *mail)
{
    ctl_transfer_fini(mail);
    pthread_mutex_destroy(&mail->lock);
}
