/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/control/mailbox_scene.h"
#include "tests/harness/check.h"

/*
 * A child does to two mailboxes what IMAP does and says each time what it was answered, until it is
 * killed. What was answered is there afterwards: of what it was about to do, all or nothing.
 */
enum { ROUNDS = 8, MESSAGES = 20000, BODY = 700 };

/* What was answered, in the order of answers. */
enum said { SAID_APPEND = 1, SAID_MARK, SAID_COPY, SAID_MOVE, SAID_EXPUNGE };

struct answer {
    uint32_t said, uid, uid_new, flags;
    uint64_t number;
    uint64_t modseq; /* of the folder */
};

static struct mailbox_scene scene;
static uint64_t next_number = 1;

/* ---- the child ---- */

struct child {
    int fd;
    uint32_t uid, first; /* in the folder: the next one, and the first that is there */
    uint64_t dice, number;
};

static void say(const struct child *c, struct answer a)
{
    if (write(c->fd, &a, sizeof(a)) != sizeof(a))
        _exit(1);
}

static void do_append(struct child *c)
{
    struct store_fixture *f = store_fixture_new(c->number, BODY, 0, 4096);
    struct store_append_row row = {.message = &f->message, .flags = STORE_FLAG_DRAFT};
    struct store_append append = {.mailbox = scene.folder, .rows = &row, .count = 1};

    if (mailbox_scene_apply(&scene, STORE_APPEND, &append) != STORE_OK)
        _exit(2);
    say(c, (struct answer){.said = SAID_APPEND,
                           .uid = row.uid_out,
                           .number = c->number,
                           .flags = STORE_FLAG_DRAFT,
                           .modseq = append.modseq_out});
    c->uid = row.uid_out + 1;
    c->number++;
    store_fixture_free(f);
}

static void do_mark(struct child *c, uint32_t uid)
{
    uint8_t bytes[32];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_mark_row row = {.uid = uid,
                                 .flags = (uint32_t)(c->dice >> 20) % 32,
                                 .keywords = mailbox_scene_blob(&w, "word")};
    struct store_mark mark = {.mailbox = scene.folder, .rows = &row, .count = 1};

    if (mailbox_scene_apply(&scene, STORE_MARK, &mark) != STORE_OK)
        _exit(3);
    if (!row.gone_out)
        say(c, (struct answer){
                   .said = SAID_MARK, .uid = uid, .flags = row.flags, .modseq = mark.modseq_out});
}

static void do_copy(struct child *c, uint32_t uid, bool move)
{
    uint32_t copied;
    struct store_copy copy = {.from = scene.folder,
                              .to = scene.inbox,
                              .uids = &uid,
                              .count = 1,
                              .uids_out = &copied,
                              .move = move};

    if (mailbox_scene_apply(&scene, STORE_COPY, &copy) != STORE_OK)
        _exit(4);
    if (copied)
        say(c, (struct answer){.said = move ? SAID_MOVE : SAID_COPY,
                               .uid = uid,
                               .uid_new = copied,
                               .modseq = copy.from_modseq_out});
}

static void do_expunge(struct child *c, uint32_t uid)
{
    struct store_expunge expunge = {.mailbox = scene.folder, .uids = &uid, .count = 1};

    if (mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) != STORE_OK)
        _exit(5);
    if (expunge.gone_out)
        say(c, (struct answer){.said = SAID_EXPUNGE, .uid = uid, .modseq = expunge.modseq_out});
}

/* A folder more, and one less. */
static void do_tree(struct child *c)
{
    uint64_t id;
    char name[32], other[32];

    snprintf(name, sizeof(name), "f%llx", (unsigned long long)c->dice);
    snprintf(other, sizeof(other), "o%llx", (unsigned long long)c->dice);
    if (store_mailbox_create(scene.scene.store, scene.alice, span_text(name), 0, &id) != STORE_OK ||
        store_mailbox_rename(scene.scene.store, id, span_text(other)) != STORE_OK ||
        store_mailbox_delete(scene.scene.store, id) != STORE_OK)
        _exit(6);
}

static void work(struct child *c)
{
    for (;;) {
        uint32_t uid;

        c->dice = c->dice * 6364136223846793005u + 1442695040888963407u;
        uid = c->uid > 1 ? 1 + (uint32_t)(c->dice >> 40) % (c->uid - 1) : 1;
        switch (c->dice >> 33 & 7) {
        case 0:
        case 1:
            do_append(c);
            break;
        case 2:
        case 3:
            do_mark(c, uid);
            break;
        case 4:
            do_copy(c, uid, false);
            break;
        case 5:
            do_copy(c, uid, true);
            break;
        case 6:
            do_expunge(c, uid);
            break;
        default:
            if (c->dice >> 36 & 1)
                do_tree(c);
        }
    }
}

/* ---- what was answered ---- */

struct known {
    uint64_t number; /* 0: not there */
    uint32_t flags;
};

static struct known folder[MESSAGES], inbox[MESSAGES];
static uint32_t answers, wrong;
static uint64_t modseq_told; /* the highest of the folder */

static void take(const struct answer *a)
{
    struct known *k = &folder[a->uid % MESSAGES];

    answers++;
    if (a->modseq > modseq_told)
        modseq_told = a->modseq;
    switch ((enum said)a->said) {
    case SAID_APPEND:
        *k = (struct known){.number = a->number, .flags = a->flags};
        if (a->number >= next_number)
            next_number = a->number + 1;
        break;
    case SAID_MARK:
        k->flags = a->flags;
        break;
    case SAID_COPY:
    case SAID_MOVE:
        inbox[a->uid_new % MESSAGES] = *k;
        if (a->said == SAID_MOVE)
            k->number = 0;
        break;
    case SAID_EXPUNGE:
        k->number = 0;
        break;
    }
}

static uint64_t number_of(const struct id128 *id)
{
    uint64_t n = 0;

    for (int i = 8; i < 16; i++)
        n = n << 8 | id->bytes[i];
    return n;
}

/* What is there, as it is found; taken out of `left`. */
struct looking {
    struct known *known;
    struct known left[MESSAGES];
    uint32_t more; /* than was answered: at most one, which was on its way */
};

static bool look(void *context, const struct store_entry *e)
{
    struct looking *l = context;
    struct known *k = &l->left[e->uid % MESSAGES];
    uint64_t number = number_of(&e->message);

    if (k->number == 0) {
        l->more++;
        if (number >= next_number)
            next_number = number + 1;
    } else if (k->number != number) {
        wrong++;
    } else if (k->flags != e->flags) {
        l->more++; /* flags that were on their way */
    }
    l->known[e->uid % MESSAGES] = (struct known){.number = number, .flags = e->flags};
    k->number = 0;
    return true;
}

/* How many are missing. */
static uint32_t compare(uint64_t mailbox, struct known *known, uint32_t *more)
{
    static struct looking l;
    uint32_t missing = 0;

    memcpy(l.left, known, sizeof(l.left));
    l.known = known;
    l.more = 0;
    CHECK(store_entries(scene.scene.store, mailbox, look, &l) == STORE_OK);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        missing += l.left[i].number != 0;
        if (l.left[i].number)
            known[i].number = 0;
    }
    *more += l.more;
    return missing;
}

/* ---- what a client that was here before is told ---- */

/* What it knew, brought up to date by what is told of modification sequences above its own. */
struct client {
    struct known known[MESSAGES];
    uint64_t modseq;
};

static bool learn(void *context, const struct store_entry *e)
{
    struct client *c = context;

    if (e->modseq > c->modseq)
        c->known[e->uid % MESSAGES] =
            (struct known){.number = number_of(&e->message), .flags = e->flags};
    return true;
}

static bool lose(void *context, const struct store_entry *e)
{
    ((struct client *)context)->known[e->uid % MESSAGES].number = 0;
    return true;
}

/* Entries that it does not know as they are. */
struct differing {
    const struct client *client;
    uint32_t count, entries;
};

static bool differ(void *context, const struct store_entry *e)
{
    struct differing *d = context;
    const struct known *k = &d->client->known[e->uid % MESSAGES];

    d->entries++;
    d->count += k->number != number_of(&e->message) || k->flags != e->flags;
    return true;
}

/* True when the client knows the folder as it is now. */
static bool comes_back(struct client *c)
{
    struct store *store = scene.scene.store;
    struct differing d = {.client = c};
    uint32_t known = 0;

    CHECK(store_entries(store, scene.folder, learn, c) == STORE_OK);
    CHECK(store_tombstones(store, scene.folder, c->modseq + 1, lose, c) == STORE_OK);
    CHECK(store_entries(store, scene.folder, differ, &d) == STORE_OK);
    for (uint32_t i = 0; i < MESSAGES; i++)
        known += c->known[i].number != 0;
    return d.count == 0 && d.entries == known;
}

static void run(unsigned round, uint32_t uid)
{
    struct answer a;
    int fds[2];
    pid_t child;

    CHECK(pipe(fds) == 0);
    child = fork();
    if (child == 0) {
        struct child c = {
            .fd = fds[1], .uid = uid, .dice = round * 7919 + 1, .number = next_number};

        close(fds[0]);
        store_scene_open(&scene.scene);
        work(&c);
    }
    close(fds[1]);
    /* As soon as it is at work. */
    for (uint32_t n = 0; read(fds[0], &a, sizeof(a)) == sizeof(a); n++) {
        take(&a);
        if (n == 20 + 60 * round)
            kill(child, SIGKILL);
    }
    close(fds[0]);
    waitpid(child, NULL, 0);
}

static void what_was_answered_survives_a_kill(void)
{
    mailbox_scene_begin(&scene, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t uid = mailbox_scene_show(&scene, scene.folder).uid_next, missing, more = 0;
        static struct client client;

        client.modseq = mailbox_scene_show(&scene, scene.folder).modseq;
        memcpy(client.known, folder, sizeof(folder));
        store_close(scene.scene.store);
        run(round, uid);
        store_scene_open(&scene.scene);
        missing = compare(scene.folder, folder, &more);
        missing += compare(scene.inbox, inbox, &more);
        /* One change was on its way: a move takes one away there and brings it here. */
        CHECK(missing <= 1 && more <= 1 && wrong == 0);
        CHECK(mailbox_scene_show(&scene, scene.folder).modseq >= client.modseq);
        CHECK(mailbox_scene_show(&scene, scene.folder).modseq >= modseq_told);
        CHECK(comes_back(&client));
        CHECK(mailbox_scene_show(&scene, scene.folder).uid_next >= uid);
        CHECK(store_scene_healthy(scene.scene.store));
    }
    printf("# %u changes answered, in %u lives\n", answers, (unsigned)ROUNDS);
    store_scene_end(&scene.scene);
}

int main(int argc, char **argv)
{
    check_begin();
    CHECK_CASE(what_was_answered_survives_a_kill);
    return check_end();
}
