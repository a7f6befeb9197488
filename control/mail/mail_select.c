/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_listed.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_resync.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"

/* SELECT and EXAMINE (RFC 9051 sections 6.3.2, 6.3.3). A mailbox that nobody has is read a piece at
 * a time. */

enum { PIECE = 4096 }; /* messages */

struct selecting {
    struct mail_service *service;
    struct mail_resync *resync;
    struct mail_name name;
    struct mail_box *opened; /* that is to be selected */
    bool selected;
};

/* The system flags, and the keywords that messages have. */
static void put_flags(struct writer *w, const struct mail_box *box)
{
    struct span seen[STORE_KEYWORDS];
    size_t count = 0;

    writer_text(w, "\\Answered \\Flagged \\Deleted \\Seen \\Draft");
    for (uint32_t i = 1; i < mail_words_count(box->words); i++) {
        struct cursor words = cursor_of(mail_box_keywords(box, i));
        struct span word;

        while (mail_words_next(&words, &word) && count < STORE_KEYWORDS) {
            size_t at = 0;

            while (at < count && !span_equal_nocase(seen[at], word))
                at++;
            if (at < count)
                continue;
            seen[count++] = word;
            writer_byte(w, ' ');
            writer_span_put(w, word);
        }
    }
}

static uint32_t first_unseen(const struct mail_view *v)
{
    uint32_t number = 0;

    for (uint32_t slot = 0; slot < v->slots; slot++) {
        if (!mail_view_has(v, slot))
            continue;
        number++;
        if (!(v->box->messages[slot].flags & STORE_FLAG_SEEN))
            return number;
    }
    return 0;
}

/* RFC 9051 section 6.3.2; IMAP4rev1 has RECENT and the first unseen message too (RFC 3501 section
 * 6.3.1). */
static void put_selected(struct imap_session *s, struct writer *w)
{
    const struct mail_box *box = s->view.box;
    uint32_t unseen = s->rev2 ? 0 : first_unseen(&s->view);

    writer_text(w, "* FLAGS (");
    put_flags(w, box);
    writer_printf(w, ")\r\n* %u EXISTS\r\n", s->view.exists);
    if (!s->rev2)
        writer_printf(w, "* %u RECENT\r\n", mail_view_recents(&s->view));
    if (unseen)
        writer_printf(w, "* OK [UNSEEN %u] first unseen message\r\n", unseen);
    writer_text(w, "* OK [PERMANENTFLAGS (");
    if (!s->read_only) {
        put_flags(w, box);
        writer_text(w, " \\*");
    }
    writer_printf(w,
                  ")] flags that stay\r\n* OK [UIDNEXT %u] next UID\r\n"
                  "* OK [UIDVALIDITY %u] UIDs are valid\r\n"
                  "* OK [HIGHESTMODSEQ %llu] changes are known up to here\r\n* OK [MAILBOXID (",
                  box->uid_next, box->uid_validity, (unsigned long long)mail_modseq_highest(s));
    mail_mailbox_put(w, box->id);
    writer_text(w, ")] id that stays\r\n");
}

/* What is selected is not any more, also where SELECT fails then (RFC 9051 section 7.1). */
static void close_box(struct imap_session *s, struct mail_run *r)
{
    size_t mark;

    if (!s->view.box)
        return;
    mail_service_unselect(s);
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* OK [CLOSED] the mailbox before is\r\n");
    } while (!mail_text_fits(&r->text, mark));
}

static enum store_status select_box(struct imap_session *s, struct mail_run *r,
                                    struct selecting *sel, bool read_only)
{
    enum store_status status = mail_service_select(s, sel->opened, read_only);
    size_t mark;

    sel->opened = NULL;
    sel->selected = status == STORE_OK;
    if (status != STORE_OK)
        return status;
    s->read_only = read_only;
    s->view.walked = true;
    do {
        mark = mail_text_mark(&r->text);
        put_selected(s, &r->text.w);
    } while (!mail_text_fits(&r->text, mark));
    status = mail_resync_begin(s, sel->resync);
    if (status != STORE_OK)
        mail_service_unselect(s);
    return status;
}

void mail_select_end(struct mail_run *r)
{
    struct selecting *sel = r->state;

    if (!sel)
        return;
    if (sel->opened)
        mail_service_leave(sel->service, sel->opened);
    mail_resync_free(sel->resync);
    free(sel);
}

/* The arguments, up to a mailbox that is opening. False: the run is answered. */
static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct selecting *sel = calloc(1, sizeof(*sel));
    enum store_status status = STORE_FAILED;
    uint64_t mailbox;

    r->state = sel;
    if (sel) {
        sel->service = s->service;
        if (!mail_name_read(s, r, &sel->name) || !(sel->resync = mail_resync_read(s, r)))
            return false;
        close_box(s, r);
        if (!mail_name_find(s, r, &sel->name, "[NONEXISTENT]", &mailbox))
            return false;
        s->condstore = s->condstore || mail_resync_wanted(sel->resync)->condstore;
        status = mail_service_open(s->service, mailbox, &sel->opened);
    }
    if (status != STORE_OK)
        mail_run_failed(r, status);
    return status == STORE_OK;
}

static enum mail_step run(struct imap_session *s, struct mail_run *r, bool read_only)
{
    struct selecting *sel = r->state;
    enum store_status status = STORE_OK;

    if (!sel) {
        if (!begin(s, r))
            return MAIL_STEP_OVER;
        sel = r->state;
    }
    if (!sel->selected) {
        if (sel->opened->opening)
            status = mail_box_read(mail_service_store(s->service), sel->opened, PIECE);
        if (status == STORE_OK && sel->opened->opening)
            return MAIL_STEP_YIELD;
        if (status == STORE_OK)
            status = select_box(s, r, sel, read_only);
        if (status != STORE_OK)
            return mail_run_failed(r, status);
        mail_listed_put(s, r, &sel->name, NULL);
    }
    if (mail_resync_put(s, r, sel->resync))
        return MAIL_STEP_AGAIN;
    return mail_run_end(r, MAIL_OK, read_only ? "[READ-ONLY]" : "[READ-WRITE]", "selected");
}

enum mail_step mail_select(struct imap_session *s, struct mail_run *r)
{
    return run(s, r, false);
}

enum mail_step mail_examine(struct imap_session *s, struct mail_run *r)
{
    return run(s, r, true);
}
