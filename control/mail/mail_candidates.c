/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_candidates.h"

#include <stdlib.h>

#include "control/mail/mail_index.h"

static bool is_text(const struct imap_search_node *n)
{
    return n->kind == IMAP_SEARCH_HEADER || n->kind == IMAP_SEARCH_BODY ||
           n->kind == IMAP_SEARCH_TEXT;
}

struct mail_grep mail_candidates_text(const struct imap_search_node *node,
                                      const struct mail_needle *needle)
{
    return (struct mail_grep){.where = node->kind == IMAP_SEARCH_HEADER ? MAIL_GREP_FIELD
                                       : node->kind == IMAP_SEARCH_BODY ? MAIL_GREP_BODY
                                                                        : MAIL_GREP_TEXT,
                              .name = node->name,
                              .needle = needle};
}

static uint32_t list_texts(struct mail_candidates *c, const struct imap_search *program,
                           const struct mail_needle *needles)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < program->count; i++) {
        struct mail_grep text;

        if (!is_text(&program->nodes[i]))
            continue;
        text = mail_candidates_text(&program->nodes[i], &needles[i]);
        if (text.where == MAIL_GREP_FIELD || text.needle->len > 0)
            c->texts[count++] = text;
    }
    return count;
}

static void resume(void *context)
{
    mail_service_resume(context);
}

void mail_candidates_ask(struct mail_candidates *c, struct imap_session *s, struct mail_run *r,
                         const struct imap_search *program, const struct mail_needle *needles)
{
    struct mail_index *index = mail_service_index(s->service);
    uint32_t count;

    if (!index || s->view.exists == 0)
        return;
    c->texts = calloc(program->count, sizeof(*c->texts));
    count = c->texts ? list_texts(c, program, needles) : 0;
    if (count > 0)
        c->query = mail_index_query_new(s->account, s->view.box->id, c->texts, count, resume, s);
    if (!c->query)
        return;
    /* Before asking: the answer may come at once. */
    r->asked = true;
    if (mail_index_ask(index, c->query))
        return;
    r->asked = false;
    mail_candidates_fini(c);
}

enum imap_search_result mail_candidates_has(const struct mail_candidates *c, uint32_t uid,
                                            const struct mail_needle *needle)
{
    uint32_t which = 0;

    if (!c->query)
        return IMAP_SEARCH_UNKNOWN;
    while (c->texts[which].needle != needle)
        which++;
    switch (mail_index_query_answer(c->query, which, uid)) {
    case MAIL_INDEX_YES:
        return IMAP_SEARCH_YES;
    case MAIL_INDEX_NO:
        return IMAP_SEARCH_NO;
    default:
        return IMAP_SEARCH_UNKNOWN;
    }
}

void mail_candidates_fini(struct mail_candidates *c)
{
    mail_index_query_free(c->query);
    free(c->texts);
    *c = (struct mail_candidates){0};
}
