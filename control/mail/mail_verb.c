/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_verb.h"

#include "proto/imap/imap_command.h"

const struct mail_verb mail_verbs[IMAP_VERBS] = {
    [IMAP_VERB_NOOP] = {.step = mail_noop, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_CHECK] = {.step = mail_noop, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_NAMESPACE] = {.step = mail_namespace, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_IDLE] = {.step = mail_idle, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_UNSELECT] = {.step = mail_unselect},
    [IMAP_VERB_ENABLE] = {.step = mail_enable, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_SELECT] = {.step = mail_select, .end = mail_select_end},
    [IMAP_VERB_EXAMINE] = {.step = mail_examine, .end = mail_select_end},
    [IMAP_VERB_STATUS] = {.step = mail_status, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_APPEND] = {.step = mail_append, .end = mail_append_end, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_FETCH] = {.step = mail_fetch, .end = mail_fetch_end, .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_STORE] = {.step = mail_store, .end = mail_store_end, .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_EXPUNGE] = {.step = mail_expunge, .end = mail_expunge_end, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_CLOSE] = {.step = mail_close, .end = mail_expunge_end},
    [IMAP_VERB_COPY] = {.step = mail_copy, .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_MOVE] = {.step = mail_move, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_CREATE] = {.step = mail_create, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_DELETE] = {.step = mail_delete, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_RENAME] = {.step = mail_rename, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_SUBSCRIBE] = {.step = mail_subscribe, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_UNSUBSCRIBE] = {.step = mail_unsubscribe, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_SEARCH] = {.step = mail_search,
                          .end = mail_search_end,
                          .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_SORT] = {.step = mail_sort, .end = mail_sort_end, .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_THREAD] = {.step = mail_thread,
                          .end = mail_thread_end,
                          .news = MAIL_NEWS_NO_EXPUNGE},
    [IMAP_VERB_LIST] = {.step = mail_list, .end = mail_list_end, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_LSUB] = {.step = mail_lsub, .end = mail_list_end, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_GETQUOTA] = {.step = mail_getquota, .news = MAIL_NEWS_ALL},
    [IMAP_VERB_GETQUOTAROOT] = {.step = mail_getquotaroot, .news = MAIL_NEWS_ALL},
};
