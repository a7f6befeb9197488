/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_MAIL_H
#define CONTROL_CTL_CTL_MAIL_H

#include "control/ctl/ctl_request.h"
#include "control/service/keeper_service.h"

/* What `wirepost ctl` does to mail that is there: quarantines, the audit log, erasing accounts. */
struct ctl_mail {
    struct store *store; /* all borrowed */
    struct policy *policy;
    struct keeper_service *keeper; /* told of changes */
    const char *records_path;      /* for what remains of an erased account */
};

/* Borrows it. */
struct ctl_subject ctl_mail_subject(struct ctl_mail *mail);

/* The arguments of a request without "--by WHO" and "--why TEXT", which go into the reason. False,
 * with what was wrong in `why`: one of them is missing, twice, or not a text that the log takes. */
struct ctl_mail_words {
    uint32_t count;
    struct span at[CTL_ARGUMENTS_MAX];
    struct store_reason reason;
};
bool ctl_mail_words(const struct ctl_request *request, struct ctl_mail_words *words_out,
                    struct writer *why);

/* ctl_quarantine.c, ctl_erase.c: the commands, as struct ctl_subject's answer. */
json_t *ctl_quarantine_list(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
json_t *ctl_quarantine_show(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
json_t *ctl_quarantine_decide(struct ctl_mail *mail, const struct ctl_request *request,
                              struct writer *why);
json_t *ctl_quarantine_audit(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why);
json_t *ctl_greylist_list(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why);
json_t *ctl_greylist_remove(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
json_t *ctl_erase_account(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why);

#endif
