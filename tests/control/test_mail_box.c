/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_box.h"

#include <stdlib.h>

#include "tests/control/mailbox_scene.h"
#include "tests/harness/check.h"

/* What a client keeps: UIDs in the order of sequence numbers. */
enum { NAIVE = 4096, VIEWS = 4 };

struct naive {
    struct mail_view view;
    bool open;
    uint32_t uids[NAIVE], count;
};

struct play {
    struct mailbox_scene scene;
    struct mail_box *box;
    struct naive clients[VIEWS];
    uint64_t next;
    uint32_t seed;
};

static uint32_t any(struct play *p, uint32_t below)
{
    p->seed = p->seed * 1664525u + 1013904223u;
    return (p->seed >> 8) % below;
}

/* As the view says, by slots alone. */
static uint32_t count_in(const struct mail_view *v)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < v->slots; slot++)
        count += mail_view_has(v, slot);
    return count;
}

static bool same(struct naive *c)
{
    const struct mail_view *v = &c->view;
    bool ok = v->exists == c->count && count_in(v) == c->count;

    for (uint32_t i = 0; ok && i < c->count; i++) {
        uint32_t slot = mail_view_slot(v, i + 1);

        ok = mail_view_has(v, slot) && v->box->messages[slot].uid == c->uids[i] &&
             mail_view_number(v, slot) == i + 1 && mail_box_slot(v->box, c->uids[i]) == slot;
    }
    return ok && mail_view_largest(v) == (c->count ? c->uids[c->count - 1] : 0);
}

static void see_all(struct naive *c)
{
    const struct mail_box *box = c->view.box;

    c->count = 0;
    for (uint32_t slot = 0; slot < box->count; slot++)
        if (!box->messages[slot].gone)
            c->uids[c->count++] = box->messages[slot].uid;
}

/* Is told of everything, as mail_news.c does it: from the front, each loss by its number. */
static void tell(struct naive *c)
{
    struct mail_view *v = &c->view;
    uint32_t number = 1;

    for (uint32_t slot = 0; slot < v->slots; slot++) {
        if (!mail_view_has(v, slot))
            continue;
        if (v->box->messages[slot].gone) {
            memmove(&c->uids[number - 1], &c->uids[number],
                    (c->count - number) * sizeof(c->uids[0]));
            c->count--;
        } else {
            number++;
        }
    }
    v->losses = v->box->losses;
    for (; v->slots < v->box->count; v->slots++)
        if (!v->box->messages[v->slots].gone)
            c->uids[c->count++] = v->box->messages[v->slots].uid;
    v->exists = c->count;
    mail_view_claim(v);
}

static void nothing(void *context, uint64_t mailbox)
{
    (void)context;
    (void)mailbox;
}

/* A mailbox is opened where changes are watched for. */
static void begin(struct mailbox_scene *s)
{
    mailbox_scene_begin(s, 0);
    store_watch(s->scene.store, nothing, NULL);
}

static void lose_some(struct play *p)
{
    uint32_t uids[NAIVE], count = 0, one_in = 2 + any(p, 6);
    struct store_expunge e = {.mailbox = p->scene.inbox, .uids = uids};

    for (uint32_t slot = 0; slot < p->box->count; slot++)
        if (any(p, one_in) == 0)
            uids[count++] = p->box->messages[slot].uid;
    e.count = count;
    if (count)
        CHECK(mailbox_scene_apply(&p->scene, STORE_EXPUNGE, &e) == STORE_OK);
}

/* Of our own, told to the box as STORE does: must not hide what others did before. */
static void mark_one(struct play *p)
{
    uint32_t slot = p->box->count ? any(p, p->box->count) : 0;
    struct store_mark_row row = {.flags = STORE_FLAG_SEEN};
    struct store_mark mark = {.mailbox = p->scene.inbox, .rows = &row, .count = 1};

    if (!p->box->count)
        return;
    row.uid = p->box->messages[slot].uid;
    CHECK(mailbox_scene_apply(&p->scene, STORE_MARK, &mark) == STORE_OK);
    if (!row.gone_out)
        mail_box_mark(p->box, slot, row.flags, 0, mark.modseq_out);
}

static void turn_client(struct play *p, struct naive *c)
{
    if (!c->open) {
        mail_view_open(&c->view, p->box, any(p, 3) == 0);
        c->open = true;
        see_all(c);
    } else if (any(p, 4) == 0) {
        mail_view_close(&c->view);
        c->open = false;
    } else {
        tell(c);
    }
}

static bool consistent(struct play *p)
{
    struct mailbox_lines there = mailbox_scene_list(&p->scene, p->scene.inbox, 1);
    bool ok = p->box->present <= p->box->count;

    for (uint32_t i = 0; i < VIEWS; i++)
        ok = ok && (!p->clients[i].open || same(&p->clients[i]));
    return ok && (p->box->news || there.count == p->box->present);
}

static void session(uint32_t seed)
{
    struct play *p = calloc(1, sizeof(*p));

    p->seed = seed;
    p->next = 1;
    begin(&p->scene);
    CHECK(mail_box_open(p->scene.scene.store, p->scene.inbox, &p->box) == STORE_OK &&
          mail_box_read(p->scene.scene.store, p->box, 0) == STORE_OK);
    for (uint32_t round = 0; round < 150; round++) {
        switch (any(p, 6)) {
        case 0:
            mailbox_scene_deliver(&p->scene, p->next, 1 + any(p, 9), 10);
            p->next += 9;
            p->box->news = true;
            break;
        case 1:
            lose_some(p);
            p->box->news = true;
            break;
        case 2:
            mark_one(p);
            break;
        case 3:
            CHECK(mail_box_refresh(p->scene.scene.store, p->box) == STORE_OK);
            break;
        case 4:
            mail_box_settle(p->box);
            break;
        default:
            turn_client(p, &p->clients[any(p, VIEWS)]);
        }
        if (!CHECK(consistent(p)))
            break;
    }
    for (uint32_t i = 0; i < VIEWS; i++)
        if (p->clients[i].open)
            mail_view_close(&p->clients[i].view);
    mail_box_settle(p->box);
    CHECK(p->box->count == p->box->present);
    mail_box_close(p->scene.scene.store, p->box);
    store_scene_end(&p->scene.scene);
    free(p);
}

static void views_are_what_a_naive_client_keeps(void)
{
    for (uint32_t seed = 1; seed <= 6; seed++)
        session(seed);
}

/* A message that POP3 has deleted is lost, though a flag was changed before anybody looked. */
static void a_change_of_flags_hides_no_loss(void)
{
    struct mailbox_scene s;
    struct mail_box *box;
    uint32_t uid = 1;
    struct store_expunge e = {.mailbox = 0, .uids = &uid, .count = 1};
    struct store_mark_row row = {.uid = 2, .flags = STORE_FLAG_FLAGGED};
    struct store_mark mark = {.rows = &row, .count = 1};

    begin(&s);
    mailbox_scene_deliver(&s, 1, 3, 10);
    e.mailbox = mark.mailbox = s.inbox;
    CHECK(mail_box_open(s.scene.store, s.inbox, &box) == STORE_OK &&
          mail_box_read(s.scene.store, box, 0) == STORE_OK && box->present == 3);
    CHECK(mailbox_scene_apply(&s, STORE_EXPUNGE, &e) == STORE_OK);
    CHECK(mailbox_scene_apply(&s, STORE_MARK, &mark) == STORE_OK);
    mail_box_mark(box, 1, row.flags, 0, mark.modseq_out);
    CHECK(mail_box_refresh(s.scene.store, box) == STORE_OK);
    CHECK(box->present == 2 && box->messages[0].gone == 1);
    mail_box_close(s.scene.store, box);
    store_scene_end(&s.scene);
}

static void what_nobody_was_told_of_is_recent_in_one_view(void)
{
    struct mailbox_scene s;
    struct mail_box *box;
    struct mail_view first, second, looks;

    begin(&s);
    mailbox_scene_deliver(&s, 1, 3, 10);
    CHECK(mail_box_open(s.scene.store, s.inbox, &box) == STORE_OK &&
          mail_box_read(s.scene.store, box, 0) == STORE_OK);
    mail_view_open(&looks, box, true);
    CHECK(mail_view_recents(&looks) == 3);
    mail_view_open(&first, box, false);
    mail_view_open(&second, box, false);
    CHECK(mail_view_recents(&first) == 3 && mail_view_recents(&second) == 0);
    CHECK(mail_view_recents(&looks) == 0 && box->recent_from == 4);
    mail_view_close(&first);
    mail_view_open(&first, box, false);
    CHECK(mail_view_recents(&first) == 0);
    mail_view_close(&first);
    mail_view_close(&second);
    mail_view_close(&looks);
    mail_box_close(s.scene.store, box);
    store_scene_end(&s.scene);
}

/* Slots stay where they are while a command goes over them. */
static void nothing_is_settled_under_a_command(void)
{
    struct mailbox_scene s;
    struct mail_box *box;
    struct mail_view v;
    uint32_t uids[] = {1, 3};
    struct store_expunge e = {.uids = uids, .count = 2};

    begin(&s);
    mailbox_scene_deliver(&s, 1, 4, 10);
    e.mailbox = s.inbox;
    CHECK(mail_box_open(s.scene.store, s.inbox, &box) == STORE_OK &&
          mail_box_read(s.scene.store, box, 0) == STORE_OK);
    mail_view_open(&v, box, false);
    CHECK(mailbox_scene_apply(&s, STORE_EXPUNGE, &e) == STORE_OK);
    CHECK(mail_box_refresh(s.scene.store, box) == STORE_OK);
    CHECK(box->count == 4 && box->present == 2 && box->first_gone == 0);
    mail_box_settle(box);
    CHECK(box->count == 4 && mail_view_has(&v, 0));
    v.losses = box->losses;
    v.exists = 2;
    v.walked = true;
    mail_box_settle(box);
    CHECK(box->count == 4);
    v.walked = false;
    mail_box_settle(box);
    CHECK(box->count == 2 && v.slots == 2 && box->first_gone == UINT32_MAX);
    CHECK(mail_view_slot(&v, 2) == 1 && box->messages[1].uid == 4);
    mail_view_close(&v);
    mail_box_close(s.scene.store, box);
    store_scene_end(&s.scene);
}

static void a_mailbox_that_was_deleted_is_known_to_be(void)
{
    struct mailbox_scene s;
    struct mail_box *box = NULL;

    begin(&s);
    CHECK(mail_box_open(s.scene.store, s.folder + 1000, &box) == STORE_NONE && !box);
    CHECK(mail_box_open(s.scene.store, s.folder, &box) == STORE_OK &&
          mail_box_read(s.scene.store, box, 0) == STORE_OK && box->present == 0);
    CHECK(store_mailbox_delete(s.scene.store, s.folder) == STORE_OK);
    CHECK(mail_box_refresh(s.scene.store, box) == STORE_NONE && box->deleted);
    mail_box_close(s.scene.store, box);
    store_scene_end(&s.scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(views_are_what_a_naive_client_keeps);
    CHECK_CASE(a_change_of_flags_hides_no_loss);
    CHECK_CASE(what_nobody_was_told_of_is_recent_in_one_view);
    CHECK_CASE(nothing_is_settled_under_a_command);
    CHECK_CASE(a_mailbox_that_was_deleted_is_known_to_be);
    return check_end();
}
