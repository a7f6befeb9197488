/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_listed.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_resync.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"

/* SELECT and EXAMINE (RFC 9051 sections 6.3.2, 6.3.3). */

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

static enum store_status open_box(struct imap_session *s, struct mail_run *r, uint64_t mailbox,
                                  bool read_only)
{
    enum store_status status = mail_service_select(s->service, mailbox, s, read_only);
    size_t mark;

    if (status != STORE_OK)
        return status;
    s->read_only = read_only;
    s->view.walked = true;
    do {
        mark = mail_text_mark(&r->text);
        put_selected(s, &r->text.w);
    } while (!mail_text_fits(&r->text, mark));
    status = mail_resync_begin(s, r->state);
    if (status != STORE_OK)
        mail_service_unselect(s);
    return status;
}

void mail_select_end(struct mail_run *r)
{
    mail_resync_free(r->state);
}

static enum mail_step run(struct imap_session *s, struct mail_run *r, bool read_only)
{
    struct mail_name name;
    const struct imap_select *wanted;
    enum store_status status;
    uint64_t mailbox;

    if (!r->state) {
        if (!mail_name_read(s, r, &name) || !(r->state = mail_resync_read(s, r)))
            return MAIL_STEP_OVER;
        wanted = mail_resync_wanted(r->state);
        close_box(s, r);
        if (!mail_name_find(s, r, &name, "[NONEXISTENT]", &mailbox))
            return MAIL_STEP_OVER;
        s->condstore = s->condstore || wanted->condstore;
        status = open_box(s, r, mailbox, read_only);
        if (status != STORE_OK)
            return mail_run_failed(r, status);
        mail_listed_put(s, r, &name, NULL);
    }
    if (mail_resync_put(s, r, r->state))
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
