/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_VERB_H
#define CONTROL_MAIL_MAIL_VERB_H

#include "control/mail/mail_session.h"

/* The commands, a function each: struct mail_verb's `step`. Which verb has which: mail_verb.c. */
typedef enum mail_step mail_verb_step(struct imap_session *s, struct mail_run *r);

mail_verb_step mail_noop, mail_namespace, mail_idle, mail_unselect; /* mail_plain.c */
mail_verb_step mail_enable;                                         /* mail_enable.c */
mail_verb_step mail_select, mail_examine;                           /* mail_select.c */
mail_verb_step mail_status;                                         /* mail_status.c */
mail_verb_step mail_fetch;                                          /* mail_fetch.c */
mail_verb_step mail_store;                                          /* mail_mark.c */
mail_verb_step mail_expunge, mail_close;                            /* mail_expunge.c */
mail_verb_step mail_copy, mail_move;                                /* mail_copy.c */
mail_verb_step mail_create, mail_delete, mail_rename, mail_subscribe,
    mail_unsubscribe;                            /* mail_tree.c */
mail_verb_step mail_list, mail_lsub;             /* mail_list.c */
mail_verb_step mail_getquota, mail_getquotaroot; /* mail_quota.c */

/* `state` of those that have some inside. */
void mail_fetch_end(struct mail_run *r);
void mail_store_end(struct mail_run *r);
void mail_expunge_end(struct mail_run *r);
void mail_search_end(struct mail_run *r);
void mail_list_end(struct mail_run *r);
void mail_sort_end(struct mail_run *r);
void mail_thread_end(struct mail_run *r);
void mail_select_end(struct mail_run *r);
void mail_append_end(struct mail_run *r);

mail_verb_step mail_search; /* mail_search.c */
mail_verb_step mail_sort;   /* mail_sort.c */
mail_verb_step mail_thread; /* mail_thread.c */
mail_verb_step mail_append; /* mail_append.c */
/* A message of the APPEND that waits for it has come, or is not good. True: it is in the mailbox,
 * or kept for the end of the command; its rows are not the worker's any more. */
bool mail_append_message(struct imap_session *s, struct mail_run *r, const struct job_imap *job);

#endif
