/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_special.h"

/* What there is of them in an account. */
struct specials {
    const struct mail_special *specials;
    uint32_t count;
    uint16_t uses;
    uint16_t named_uses[MAIL_SPECIALS]; /* of mailboxes of these names, */
    uint64_t named[MAIL_SPECIALS];      /* 0: there is none */
};

static bool see(void *context, const struct store_mailbox *m)
{
    struct specials *s = context;

    s->uses |= m->uses;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!span_equal(m->name, s->specials[i].name))
            continue;
        s->named[i] = m->id;
        s->named_uses[i] = m->uses;
    }
    return true;
}

void mail_special_make(struct store *store, uint64_t account, const struct mail_special *specials,
                       uint32_t count)
{
    struct specials s = {.specials = specials, .count = count};

    if (count == 0 || store_mailboxes(store, account, see, &s) != STORE_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t mailbox;

        if (s.uses & specials[i].use)
            continue;
        if (s.named[i]) {
            store_mailbox_use(store, s.named[i], s.named_uses[i] | specials[i].use);
            continue;
        }
        /* First of all: one that is there already is not looked at again. */
        if (store_subscribe(store, account, specials[i].name, true) == STORE_OK)
            store_mailbox_create(store, account, specials[i].name, specials[i].use, &mailbox);
    }
}
