/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_name.h"
#include "control/mail/mail_resync.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"

/* SELECT and EXAMINE (RFC 9051 sections 6.3.2, 6.3.3), STATUS (section 6.3.11). */

/* ---- SELECT ---- */

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

static void put_selected(struct imap_session *s, struct writer *w)
{
    const struct mail_box *box = s->view.box;
    uint32_t unseen = first_unseen(&s->view);

    writer_text(w, "* FLAGS (");
    put_flags(w, box);
    writer_printf(w, ")\r\n* %u EXISTS\r\n* %u RECENT\r\n", s->view.exists,
                  mail_view_recents(&s->view));
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

/* ---- STATUS ---- */

struct status {
    struct store_mailbox mailbox;
    uint64_t unseen, recent, append_max;
    uint32_t recent_from;
};

static bool take_mailbox(void *context, const struct store_mailbox *m)
{
    ((struct status *)context)->mailbox = *m;
    return true;
}

static bool count_entry(void *context, const struct store_entry *e)
{
    struct status *st = context;

    st->unseen += !(e->flags & STORE_FLAG_SEEN);
    st->recent += e->uid >= st->recent_from;
    return true;
}

/* STATUS(NAME, value): status-att (RFC 9051 section 7.3.4, RFC 7889, RFC 8474). */
#define STATUS_ITEMS(ITEM)                                                                         \
    ITEM(MESSAGES, st->mailbox.messages)                                                           \
    ITEM(RECENT, st->recent)                                                                       \
    ITEM(UIDNEXT, st->mailbox.uid_next)                                                            \
    ITEM(UIDVALIDITY, st->mailbox.uid_validity)                                                    \
    ITEM(UNSEEN, st->unseen)                                                                       \
    ITEM(APPENDLIMIT, st->append_max)                                                              \
    ITEM(MAILBOXID, st->mailbox.id)                                                                \
    ITEM(HIGHESTMODSEQ, st->mailbox.modseq) /* RFC 7162 section 3.1.7 */

enum status_item {
#define ITEM(NAME, value) STATUS_##NAME,
    STATUS_ITEMS(ITEM)
#undef ITEM
        STATUS_ITEM_COUNT
};

static uint64_t status_value(const struct status *st, enum status_item item)
{
    switch (item) {
#define ITEM(NAME, value)                                                                          \
    case STATUS_##NAME:                                                                            \
        return value;
        STATUS_ITEMS(ITEM)
#undef ITEM
    case STATUS_ITEM_COUNT:
        break;
    }
    return 0;
}

static void put_value(struct writer *w, const struct status *st, enum status_item item)
{
    if (item != STATUS_MAILBOXID) {
        writer_number(w, status_value(st, item));
        return;
    }
    writer_byte(w, '(');
    mail_mailbox_put(w, st->mailbox.id);
    writer_byte(w, ')');
}

static const char *const status_names[] = {
#define ITEM(NAME, value) #NAME,
    STATUS_ITEMS(ITEM)
#undef ITEM
};

/* status-att list: bits by enum status_item. */
static uint32_t read_items(struct mail_run *r)
{
    uint32_t wanted = 0;
    bool first = true;

    imap_cursor_space(&r->args);
    if (!imap_cursor_open(&r->args))
        return 0;
    while (imap_cursor_item(&r->args, &first)) {
        size_t item = 0;

        while (item < STATUS_ITEM_COUNT && !imap_cursor_take_word(&r->args, status_names[item]))
            item++;
        if (item == STATUS_ITEM_COUNT) {
            imap_cursor_fail(&r->args);
            break;
        }
        wanted |= 1u << item;
    }
    return imap_cursor_done(&r->args) ? wanted : 0;
}

enum mail_step mail_status(struct imap_session *s, struct mail_run *r)
{
    struct store *store = mail_service_store(s->service);
    struct mail_name name;
    struct status st = {.append_max = s->append_max};
    enum store_status status;
    uint32_t wanted;
    uint64_t mailbox;
    size_t mark;

    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    wanted = read_items(r);
    if (!wanted)
        return mail_run_bad(r);
    if (!mail_name_find(s, r, &name, "[NONEXISTENT]", &mailbox))
        return MAIL_STEP_OVER;
    status = store_mailbox_show(store, mailbox, take_mailbox, &st);
    st.recent_from = mail_service_recent(s->service, mailbox);
    if (status == STORE_OK && wanted & (1u << STATUS_UNSEEN | 1u << STATUS_RECENT))
        status = store_entries_from(store, mailbox, 1, count_entry, &st);
    if (status != STORE_OK)
        return mail_run_failed(r, status);
    if (wanted & 1u << STATUS_HIGHESTMODSEQ)
        mail_modseq_enable(s, &r->text);
    do {
        const char *between = "";

        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* STATUS ");
        imap_name_put(&r->text.w, name.text, s->utf8);
        writer_text(&r->text.w, " (");
        for (unsigned item = 0; item < STATUS_ITEM_COUNT; item++) {
            if (!(wanted & (1u << item)))
                continue;
            writer_text(&r->text.w, between);
            writer_text(&r->text.w, status_names[item]);
            writer_byte(&r->text.w, ' ');
            put_value(&r->text.w, &st, (enum status_item)item);
            between = " ";
        }
        writer_text(&r->text.w, ")\r\n");
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}
