/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/powerloss/powerloss_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/control/powerloss/powerloss_drive.h"
#include "tests/control/store_fixture.h"

enum { MESSAGES = 65536, MAILBOXES = 64, UIDS = 65536 };

struct sent {
    struct drive_mark mark;
    bool begun, good;
    uint8_t seen[DRIVE_PLACES];
};

/* Of one UID in one mailbox. */
enum deletion { DELETE_NOT, DELETE_BEGUN, DELETE_GOOD };

struct powerloss_check {
    struct sent sent[MESSAGES];
    uint8_t deleted[MAILBOXES][UIDS];
    uint32_t uid_max[MAILBOXES];    /* highest UID answered */
    uint64_t modseq_max[MAILBOXES]; /* highest modification sequence answered */
    uint64_t last;                  /* highest number sent */
    bool ready[DRIVE_ACCOUNTS];
    uint64_t inbox[DRIVE_ACCOUNTS];
    struct store *store;
    struct powerloss_verdict verdict;
};

struct powerloss_check *powerloss_check_new(void)
{
    return calloc(1, sizeof(struct powerloss_check));
}

void powerloss_check_free(struct powerloss_check *c)
{
    free(c);
}

static void mark_good(struct powerloss_check *c, struct sent *s, const struct drive_mark *m)
{
    s->good = true;
    s->mark = *m;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->place[i].uid > c->uid_max[m->place[i].mailbox % MAILBOXES])
            c->uid_max[m->place[i].mailbox % MAILBOXES] = (uint32_t)m->place[i].uid;
}

void powerloss_check_mark(void *context, struct span bytes)
{
    struct powerloss_check *c = context;
    struct drive_mark m;
    struct sent *s;

    memcpy(&m, bytes.data, sizeof(m));
    s = &c->sent[m.number % MESSAGES];
    switch ((enum drive_kind)m.kind) {
    case DRIVE_ACCOUNT_READY:
        c->ready[m.number] = true;
        c->inbox[m.number] = m.place[0].mailbox;
        break;
    case DRIVE_COMMIT_BEGUN:
        s->begun = true;
        s->mark = m;
        c->last = m.number > c->last ? m.number : c->last;
        break;
    case DRIVE_COMMIT_GOOD:
        mark_good(c, s, &m);
        break;
    case DRIVE_DELETE_BEGUN:
        c->deleted[m.place[0].mailbox % MAILBOXES][m.place[0].uid % UIDS] = DELETE_BEGUN;
        break;
    case DRIVE_DELETE_GOOD:
        c->deleted[m.place[0].mailbox % MAILBOXES][m.place[0].uid % UIDS] = DELETE_GOOD;
        break;
    case DRIVE_FLAGS_GOOD:
        if (m.number > c->modseq_max[m.place[0].mailbox % MAILBOXES])
            c->modseq_max[m.place[0].mailbox % MAILBOXES] = m.number;
        break;
    }
}

__attribute__((format(printf, 2, 3))) static void wrong(struct powerloss_check *c,
                                                        const char *format, ...)
{
    va_list args;

    if (c->verdict.wrong++ >= 5)
        return;
    va_start(args, format);
    printf("# wrong: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static uint64_t number_of(const struct id128 *id)
{
    uint64_t n = 0;

    for (int i = 8; i < 16; i++)
        n = n << 8 | id->bytes[i];
    return n;
}

static bool see_entry(void *context, const struct store_entry *e)
{
    struct powerloss_check *c = context;
    uint64_t number = number_of(&e->message);
    struct sent *s = &c->sent[number % MESSAGES];
    const struct drive_place *place = &s->mark.place[e->delivery % DRIVE_PLACES];

    if (!s->begun || e->delivery >= s->mark.count || place->mailbox != e->mailbox) {
        wrong(c, "message %" PRIu64 " in mailbox %" PRIu64 " was never sent there", number,
              e->mailbox);
        return true;
    }
    if (s->good && place->uid != e->uid)
        wrong(c, "message %" PRIu64 " has UID %u, answered was %" PRIu64, number, e->uid,
              place->uid);
    if (c->deleted[e->mailbox % MAILBOXES][e->uid % UIDS] == DELETE_GOOD)
        c->verdict.lost++;
    if (s->seen[e->delivery]++)
        wrong(c, "message %" PRIu64 " is there twice", number);
    if (!store_fixture_same(c->store, e->mailbox, e->uid, number, e->delivery, s->mark.size))
        wrong(c, "message %" PRIu64 " has other bytes", number);
    return true;
}

/* In a folder are copies of what was sent elsewhere. */
static bool see_copy(void *context, const struct store_entry *e)
{
    struct powerloss_check *c = context;
    uint64_t number = number_of(&e->message);
    const struct sent *s = &c->sent[number % MESSAGES];

    if (!s->begun ||
        !store_fixture_same(c->store, e->mailbox, e->uid, number, e->delivery, s->mark.size))
        wrong(c, "a copy of message %" PRIu64 " has other bytes", number);
    return true;
}

static bool see_mailbox(void *context, const struct store_mailbox *mailbox)
{
    struct powerloss_check *c = context;

    if (mailbox->modseq < c->modseq_max[mailbox->id % MAILBOXES])
        wrong(c, "modification sequences of mailbox %" PRIu64 " go back", mailbox->id);
    if (store_entries(c->store, mailbox->id, mailbox->place == STORE_FOLDER ? see_copy : see_entry,
                      c) != STORE_OK)
        wrong(c, "mailbox %" PRIu64 " cannot be read", mailbox->id);
    return true;
}

static void check_sent(struct powerloss_check *c, uint64_t number)
{
    struct sent *s = &c->sent[number % MESSAGES];
    uint32_t seen = 0;

    for (uint32_t i = 0; i < s->mark.count; i++) {
        const struct drive_place *p = &s->mark.place[i];
        bool taken = s->good && c->deleted[p->mailbox % MAILBOXES][p->uid % UIDS] != DELETE_NOT;

        seen += s->seen[i];
        if (!s->good || taken)
            continue;
        c->verdict.answered++;
        c->verdict.lost += s->seen[i] == 0;
    }
    if (!s->good && seen != 0 && seen != s->mark.count)
        wrong(c, "message %" PRIu64 " reached %u of %u recipients", number, seen, s->mark.count);
    memset(s->seen, 0, sizeof(s->seen));
}

static void check_health(struct powerloss_check *c)
{
    struct store_health h;

    if (store_check(c->store, &h) != STORE_OK)
        wrong(c, "the store cannot be checked");
    if (h.bad || h.bodiless || h.orphans || h.counts)
        wrong(c,
              "bad rows %" PRIu64 ", without body %" PRIu64 ", orphans %" PRIu64
              ", counts %" PRIu64,
              h.bad, h.bodiless, h.orphans, h.counts);
}

/* The store must take mail again, under UIDs that nobody saw. */
static void check_use(struct powerloss_check *c)
{
    for (unsigned i = 0; i < DRIVE_ACCOUNTS; i++) {
        struct store_fixture *f = store_fixture_new(UINT64_C(1) << 40 | i, 500, 0, 200);
        uint64_t account = 0;
        char name[32];

        if (store_account_find(c->store, span_text(drive_account_name(i, name)), &account) ==
            STORE_OK) {
            store_fixture_to(f, account, MESSAGE_INBOX);
            if (store_fixture_commit(c->store, f) != STORE_OK)
                wrong(c, "the store takes no mail");
            else if (f->message.delivery[0].uid_out <= c->uid_max[c->inbox[i] % MAILBOXES])
                wrong(c, "UID %u is used again", f->message.delivery[0].uid_out);
        } else if (c->ready[i]) {
            c->verdict.lost++;
        }
        store_fixture_free(f);
    }
}

struct powerloss_verdict powerloss_check_store(struct powerloss_check *c, const char *folder)
{
    struct store_options options = {
        .path = folder, .sync = false, .memtable_bytes = DRIVE_MEMTABLE};
    char error[STORE_ERROR];

    c->verdict = (struct powerloss_verdict){0};
    if (store_rocks_open(&options, &c->store, error) != STORE_OK) {
        wrong(c, "%s", error);
        return c->verdict;
    }
    check_health(c);
    if (store_mailboxes(c->store, 0, see_mailbox, c) != STORE_OK)
        wrong(c, "mailboxes cannot be listed");
    for (uint64_t n = 1; n <= c->last; n++)
        check_sent(c, n);
    /* UIDs of what was lost are no question of their own. */
    if (c->verdict.lost == 0)
        check_use(c);
    store_close(c->store);
    return c->verdict;
}
