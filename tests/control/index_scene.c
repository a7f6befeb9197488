/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/index_scene.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dataplane/handoff/chunk.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

enum { WAITS = 30000 };

void index_scene_start(struct index_scene *x)
{
    struct mail_index_options options = {.store = x->scene.store,
                                         .path = x->folder,
                                         .text_max = x->text_max,
                                         .reserve = x->reserve,
                                         .files = x->files};

    x->index = mail_index_start(&options);
    if (CHECK(x->index != NULL))
        mail_index_begin(x->index);
}

void index_scene_stop(struct index_scene *x)
{
    mail_index_halt(x->index);
    mail_index_free(x->index);
    x->index = NULL;
}

void index_scene_begin(struct index_scene *x)
{
    *x = (struct index_scene){.text_max = 1 << 20, .files = 4};
    store_scene_begin(&x->scene, "indexed");
    x->folder = store_fixture_folder("index");
    x->account = store_fixture_account(x->scene.store, "alice@example.org", 0);
    x->inbox = store_fixture_mailbox(x->scene.store, x->account, MESSAGE_INBOX, NULL);
    index_scene_start(x);
}

void index_scene_end(struct index_scene *x)
{
    if (x->index)
        index_scene_stop(x);
    store_scene_end(&x->scene);
    store_fixture_remove(x->folder);
}

static bool nap(uint32_t *waits)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return (*waits)++ < WAITS;
}

static bool look_at(void *context, const struct store_mailbox *m)
{
    *(uint64_t *)context += m->place == MESSAGE_QUARANTINE ? 0 : m->messages;
    return true;
}

/* All messages that there are, and no others: the index may not have been told yet. */
bool index_scene_caught_up(struct index_scene *x)
{
    struct mail_index_status s;
    uint64_t messages;
    uint32_t waits = 0;

    do {
        messages = 0;
        store_mailboxes(x->scene.store, 0, look_at, &messages);
        s = mail_index_status(x->index);
    } while (!(s.caught_up && s.indexed == messages) && nap(&waits));
    if (waits >= WAITS)
        printf("# %llu messages, indexed %llu, lag %llu, %llu mailboxes wait\n",
               (unsigned long long)messages, (unsigned long long)s.indexed,
               (unsigned long long)s.lag, (unsigned long long)s.mailboxes);
    return waits < WAITS;
}

/* ---- mail ---- */

/* Rows are full but for the last. */
static struct chunk *chunks_of(struct span text)
{
    struct chunk *first = NULL, **tail = &first;

    while (text.len) {
        struct span row = span_head(text, CHUNK_LARGE_DATA);

        *tail = calloc(1, sizeof(**tail) + row.len);
        (*tail)->cap = (*tail)->len = (uint32_t)row.len;
        memcpy((*tail)->data, row.data, row.len);
        tail = &(*tail)->next;
        text = span_skip(text, row.len);
    }
    return first;
}

uint32_t index_scene_put(struct index_scene *x, uint64_t mailbox, struct span text)
{
    struct message *m = calloc(1, sizeof(*m));
    struct store_append_row row = {.message = m};
    struct store_append append = {.mailbox = mailbox, .rows = &row, .count = 1};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};
    struct chunk *rest = chunks_of(text);

    *m = (struct message){.id = store_fixture_id(++x->messages),
                          .received_ms = 1,
                          .size = text.len,
                          .rest = rest,
                          .tree = mime_tree_of(text)};
    store_apply(x->scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    while (rest) {
        struct chunk *next = rest->next;

        free(rest);
        rest = next;
    }
    free(m);
    return row.uid_out;
}

void index_scene_expunge(struct index_scene *x, uint64_t mailbox, uint32_t uid)
{
    struct store_expunge expunge = {.mailbox = mailbox, .uids = &uid, .count = 1};
    struct store_change change = {.kind = STORE_EXPUNGE, .expunge = &expunge};

    store_apply(x->scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
}

uint32_t index_scene_copy(struct index_scene *x, uint64_t from, uint64_t to, uint32_t uid,
                          bool move)
{
    uint32_t made = 0;
    struct store_copy copy = {
        .from = from, .to = to, .uids = &uid, .count = 1, .move = move, .uids_out = &made};
    struct store_change change = {.kind = STORE_COPY, .copy = &copy};

    store_apply(x->scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    return made;
}

/* ---- questions ---- */

static void post(void *context)
{
    sem_post(context);
}

enum mail_index_answer index_scene_ask(struct index_scene *x, uint64_t mailbox, uint32_t uid,
                                       enum mail_grep_where where, const char *name,
                                       const char *needle)
{
    enum mail_index_answer answer = MAIL_INDEX_UNKNOWN;
    struct mail_index_query *q;
    struct mail_needle n;
    struct mail_grep what = {.where = where, .name = span_text(name), .needle = &n};
    sem_t done;

    sem_init(&done, 0, 0);
    CHECK(mail_needle_make(span_text(needle), &n));
    q = mail_index_query_new(x->account, mailbox, &what, 1, post, &done);
    if (mail_index_ask(x->index, q)) {
        sem_wait(&done);
        answer = mail_index_query_answer(q, 0, uid);
    }
    mail_index_query_free(q);
    free(n.text);
    sem_destroy(&done);
    return answer;
}

bool index_scene_read(struct index_scene *x, uint64_t mailbox, uint32_t uid,
                      enum mail_grep_where where, const char *name, const char *needle)
{
    const struct store_reading *reading;
    struct mail_needle n;
    struct mail_grep what = {.where = where, .name = span_text(name), .needle = &n};
    bool found = false;

    CHECK(mail_needle_make(span_text(needle), &n));
    if (store_reading_open(x->scene.store, mailbox, uid, &reading) == STORE_OK) {
        mail_grep(x->scene.store, reading, &what, &found);
        store_reading_close(x->scene.store, reading);
    }
    free(n.text);
    return found;
}

/* ---- what it has ---- */

struct wanted {
    const char *name;
    uint64_t value;
};

static void take(void *user, const char *name, uint64_t value)
{
    struct wanted *w = user;

    if (strcmp(name, w->name) == 0)
        w->value = value;
}

uint64_t index_scene_count(struct index_scene *x, const char *name)
{
    struct wanted w = {.name = name, .value = UINT64_MAX};
    struct counter_sink sink = {.put = take, .user = &w};

    mail_index_counters(x->index, &sink);
    return w.value;
}

char *index_scene_path(struct index_scene *x, uint64_t account)
{
    char *path = NULL;
    int n = account ? asprintf(&path, "%s/%016llx.db", x->folder, (unsigned long long)account)
                    : asprintf(&path, "%s/catalogue.db", x->folder);

    return n > 0 ? path : NULL;
}

int64_t index_scene_rows(struct index_scene *x, const char *table)
{
    char *path = index_scene_path(x, x->account), text[64];
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;
    int64_t rows = -1;

    snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        rows = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    free(path);
    return rows;
}
