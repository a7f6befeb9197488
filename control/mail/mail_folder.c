/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_folder.h"

#include "control/mail/mail_special.h"
#include "proto/imap/imap_name.h"

enum { NOT_FOR_STRANGERS = STORE_USE_SENT | STORE_USE_DRAFTS | STORE_USE_TRASH };

struct finding {
    struct span name; /* canonical; empty: by use alone */
    uint16_t use;     /* 0: by name alone */
    uint32_t looked_at;
    uint64_t found; /* 0: not */
    uint16_t uses;  /* of the one that was found */
};

static bool see(void *context, const struct store_mailbox *m)
{
    struct finding *f = context;
    bool is_it = f->use ? m->uses & f->use : span_equal_nocase(m->name, f->name);

    if (m->place == STORE_FOLDER && is_it) {
        f->found = m->id;
        f->uses = m->uses;
    }
    return !f->found && ++f->looked_at < MAIL_FOLDER_LOOKED_AT;
}

static bool take(void *context, const struct store_mailbox *m)
{
    struct finding *f = context;

    if (m->place == STORE_FOLDER && (!f->use || m->uses & f->use)) {
        f->found = m->id;
        f->uses = m->uses;
    }
    return true;
}

/* As it is spelled; of the mailbox for a use: where it has the name that such ones are made under.
 */
static void find_exactly(struct store *store, uint64_t account, struct finding *f)
{
    uint64_t id;

    if (f->name.len && store_mailbox_find(store, account, f->name, &id) == STORE_OK)
        (void)store_mailbox_show(store, id, take, f);
}

static void find(struct store *store, uint64_t account, struct finding *f)
{
    f->looked_at = 0;
    find_exactly(store, account, f);
    if (!f->found)
        (void)store_mailboxes(store, account, see, f);
}

static void make(struct store *store, uint64_t account, struct finding *f)
{
    struct mail_special special = {f->name, f->use};

    if (f->use) {
        mail_special_make(store, account, &special, 1);
        find(store, account, f);
    } else if (f->looked_at < MAIL_FOLDER_MADE) {
        (void)store_mailbox_create(store, account, f->name, 0, &f->found);
    }
    if (f->found)
        (void)store_subscribe(store, account, f->name, true);
}

static bool read_name(const struct message_delivery *d, struct writer *w)
{
    return imap_name_read(d->folder, true, w, NULL) == IMAP_NAME_OK &&
           !imap_name_is_inbox(writer_span(w)) &&
           !span_equal_nocase(writer_span(w), span_text("Quarantine"));
}

static void find_one(struct store *store, struct message_delivery *d)
{
    uint8_t text[IMAP_NAME_MAX];
    struct writer name = writer_of(text, sizeof(text));
    struct finding f = {.use = d->junk ? STORE_USE_JUNK : 0};

    if (d->folder.len && !read_name(d, &name))
        return;
    f.name = writer_span(&name);
    find(store, d->account, &f);
    if (!f.found && d->make)
        make(store, d->account, &f);
    if (d->junk || !(f.uses & NOT_FOR_STRANGERS))
        d->mailbox_out = f.found;
}

void mail_folder_find(struct store *store, struct message *message)
{
    for (uint32_t i = 0; i < message->deliveries; i++) {
        struct message_delivery *d = &message->delivery[i];

        d->mailbox_out = 0;
        if (d->place == MESSAGE_INBOX && (d->folder.len || d->junk))
            find_one(store, d);
    }
}
