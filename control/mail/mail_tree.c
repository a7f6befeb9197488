/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_listed.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_use.h"

/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8). */

static bool see_use(void *context, const struct store_mailbox *m)
{
    *(uint16_t *)context |= m->uses;
    return true;
}

/* RFC 8474 section 4.1 */
static enum mail_step created(struct mail_run *r, uint64_t mailbox)
{
    struct writer w = writer_of((uint8_t *)r->code_text, sizeof(r->code_text) - 1);

    writer_text(&w, "[MAILBOXID (");
    mail_mailbox_put(&w, mailbox);
    writer_text(&w, ")]");
    r->code_text[w.len] = 0;
    return mail_run_end(r, MAIL_OK, r->code_text, "done");
}

/* create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]
 * RFC 6154 section 3: one mailbox for each use, so that clients need not choose. */
enum mail_step mail_create(struct imap_session *s, struct mail_run *r)
{
    struct store *store = mail_service_store(s->service);
    struct imap_use_wanted wanted;
    enum store_status status = STORE_OK;
    struct mail_name name;
    uint64_t mailbox;
    uint16_t taken = 0;

    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!imap_use_read_create(&r->args, &wanted))
        return mail_run_bad(r);
    if (wanted.refused)
        return mail_run_end(r, MAIL_NO, "[USEATTR]", "no mailbox is for that here");
    if (wanted.uses)
        status = store_mailboxes(store, s->account, see_use, &taken);
    if (status == STORE_OK && (taken & wanted.uses))
        return mail_run_end(r, MAIL_NO, "[USEATTR]", "another mailbox is for that");
    if (status == STORE_OK)
        status = store_mailbox_create(store, s->account, name.text, wanted.uses, &mailbox);
    if (status != STORE_OK)
        return mail_run_failed(r, status);
    mail_listed_spelling(s, r, &name, NULL);
    return created(r, mailbox);
}

/* The two that always are. */
static bool is_fixed(const struct mail_name *name)
{
    return span_equal(name->text, span_text(STORE_INBOX)) || mail_name_quarantine(name);
}

struct below {
    struct span name;
    bool found;
};

static bool see_below(void *context, const struct store_mailbox *m)
{
    struct below *b = context;

    b->found = m->name.len > b->name.len && m->name.data[b->name.len] == STORE_SEPARATOR &&
               span_equal(span_head(m->name, b->name.len), b->name);
    return !b->found;
}

/* A level that is no mailbox goes with the last one below it (RFC 9051 section 6.3.5). */
static const char *why_not_there(struct imap_session *s, const struct mail_name *name)
{
    struct below below = {.name = name->text};

    (void)store_mailboxes(mail_service_store(s->service), s->account, see_below, &below);
    return below.found ? "[HASCHILDREN]" : "[NONEXISTENT]";
}

enum mail_step mail_delete(struct imap_session *s, struct mail_run *r)
{
    enum store_status status;
    struct mail_name name;
    uint64_t mailbox;

    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    if (is_fixed(&name))
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "that mailbox stays");
    if (!mail_name_find(s, r, &name, "[NONEXISTENT]", &mailbox)) {
        if (r->code)
            r->code = why_not_there(s, &name);
        return MAIL_STEP_OVER;
    }
    /* Our own: it is left, and the command has its answer; others that have it hear BYE. */
    if (s->view.box && s->view.box->id == mailbox)
        mail_service_unselect(s);
    status = store_mailbox_delete(mail_service_store(s->service), mailbox);
    if (status == STORE_OK)
        mail_listed_spelling(s, r, &name, NULL);
    return mail_run_failed(r, status);
}

enum mail_step mail_rename(struct imap_session *s, struct mail_run *r)
{
    struct mail_name from, to;
    enum store_status status;
    uint64_t mailbox;

    if (!mail_name_read(s, r, &from))
        return MAIL_STEP_OVER;
    imap_cursor_space(&r->args);
    if (!mail_name_read(s, r, &to))
        return MAIL_STEP_OVER;
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    if (!mail_name_find(s, r, &from, "[NONEXISTENT]", &mailbox))
        return MAIL_STEP_OVER;
    status = store_mailbox_rename(mail_service_store(s->service), mailbox, to.text);
    if (status == STORE_FAILED)
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "it cannot have that name");
    if (status == STORE_OK)
        mail_listed_spelling(s, r, &to, &from);
    return mail_run_failed(r, status);
}

static enum mail_step subscribe(struct imap_session *s, struct mail_run *r, bool subscribed)
{
    struct mail_name name;

    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    return mail_run_failed(
        r, store_subscribe(mail_service_store(s->service), s->account, name.text, subscribed));
}

enum mail_step mail_subscribe(struct imap_session *s, struct mail_run *r)
{
    return subscribe(s, r, true);
}

enum mail_step mail_unsubscribe(struct imap_session *s, struct mail_run *r)
{
    return subscribe(s, r, false);
}
