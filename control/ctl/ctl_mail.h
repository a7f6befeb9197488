/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_MAIL_H
#define CONTROL_CTL_CTL_MAIL_H

#include <pthread.h>

#include "control/ctl/ctl_request.h"
#include "control/mail/mail_index.h"
#include "control/service/keeper_service.h"
#include "control/transfer/import_store.h"

/* Imports at a time; one that is silent for a minute gives its place to a new one. */
enum { CTL_IMPORTS = 4, CTL_IMPORT_IDLE_MS = 60000 };

/* What `wirepost ctl` does to mail that is there: quarantines, the audit log, erasing accounts. */
struct ctl_mail {
    struct store *store; /* all borrowed */
    struct policy *policy;
    struct keeper_service *keeper; /* told of changes */
    struct mail_index *index;      /* NULL: there is none */
    const char *records_path;      /* for what remains of an erased account */
    pthread_mutex_t lock;          /* of the rest; made by ctl_mail_subject() */
    uint64_t next;                 /* number of the next import */
    struct ctl_import {
        struct import_store *import; /* NULL: free */
        uint64_t number, used_ms;    /* monotonic */
        bool busy;                   /* a command is under way */
    } imports[CTL_IMPORTS];
};

/* Borrows it until ctl_mail_fini(). */
struct ctl_subject ctl_mail_subject(struct ctl_mail *mail);
/* Ends the imports under way. The server has stopped, the store is open. */
void ctl_mail_fini(struct ctl_mail *mail);

/* The arguments of a request without "--by WHO" and "--why TEXT", which go into the reason. False,
 * with what was wrong in `why`: one of them is missing, twice, or not a text that the log takes. */
struct ctl_mail_words {
    uint32_t count;
    struct span at[CTL_ARGUMENTS_MAX];
    struct store_reason reason;
};
bool ctl_mail_words(const struct ctl_request *request, struct ctl_mail_words *words_out,
                    struct writer *why);
/* The same where the log is content with "ctl" and "not told". */
bool ctl_mail_words_or_none(const struct ctl_request *request, struct ctl_mail_words *words_out,
                            struct writer *why);

/* ctl_quarantine.c, ctl_erase.c: the commands, as struct ctl_subject's answer. */
json_t *ctl_quarantine_list(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
json_t *ctl_quarantine_show(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
json_t *ctl_quarantine_decide(struct ctl_mail *mail, const struct ctl_request *request,
                              struct writer *why);
/* ctl_queue.c */
json_t *ctl_queue_list(struct ctl_mail *mail, struct writer *why);
json_t *ctl_quarantine_audit(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why);
json_t *ctl_greylist_list(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why);
json_t *ctl_greylist_remove(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
/* ctl_ban.c */
json_t *ctl_ban(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why);
/* ctl_index.c */
json_t *ctl_index(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why);
/* ctl_transfer.c: what `wirepost ctl import` and `export` ask for, piece by piece. */
json_t *ctl_transfer_import(struct ctl_mail *mail, const struct ctl_request *request,
                            struct writer *why);
void ctl_transfer_fini(struct ctl_mail *mail);
/* The bytes that follow the answer, as ctl_bytes.h reads and closes them. */
void *ctl_transfer_open(void *mail, const struct ctl_request *request, uint64_t *length_out,
                        struct writer *why);
json_t *ctl_erase_account(struct ctl_mail *mail, const struct ctl_request *request,
                          struct writer *why);

#endif
