/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_match.h"
#include "control/mail/mail_saved.h"
#include "control/mail/mail_tell.h"
#include "control/mail/mail_verb.h"

/*
 * SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 5032). Who has enabled UTF8=ACCEPT has
 * said what charset its strings are of, and says no other (RFC 6855 section 3).
 */
struct search {
    struct mail_match match;
    struct mail_tell tell;
    bool done; /* all are judged */
};

void mail_search_end(struct mail_run *r)
{
    struct search *f = r->state;

    if (f)
        mail_match_fini(&f->match);
    free(f);
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct search *f = calloc(1, sizeof(*f));

    r->state = f;
    if (!f) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!mail_match_init(&f->match, s, r))
        return false;
    if (!imap_search_parse(&r->args, &f->match.program) ||
        (s->accept && f->match.program.charset.data)) {
        mail_run_bad(r);
        return false;
    }
    /* IMAP4rev2 knows ESEARCH alone (RFC 9051 section 6.4.4). */
    if (s->rev2 && !f->match.program.extended) {
        f->match.program.extended = true;
        f->match.program.wanted = IMAP_RETURN_ALL;
    }
    r->goal = s->view.exists;
    return mail_match_ready(&f->match, r);
}

enum mail_step mail_search(struct imap_session *s, struct mail_run *r)
{
    struct search *f = r->state;
    struct mail_match *m;

    if (!f && !begin(s, r))
        return MAIL_STEP_OVER;
    f = r->state;
    m = &f->match;
    if (!f->done) {
        if (!mail_match_step(m, r))
            return MAIL_STEP_YIELD;
        f->done = true;
        if (!mail_saved_keep(s, m->program.wanted, m->found, m->count, m->found,
                             m->found + (m->count ? m->count - 1 : 0)))
            return mail_match_refuse(m, r, "[NOTSAVED]", "too much to be saved");
    }
    return mail_tell_step(&f->tell, r, m, "SEARCH", m->found);
}
