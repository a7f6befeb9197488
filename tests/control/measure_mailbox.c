/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a large mailbox costs:
 *
 *     measure_mailbox rocksdb|memory FOLDER MESSAGES
 *
 * appends messages of 500 bytes, a thousand at a time and synced, until the mailbox has so many
 * (one that an earlier run left in FOLDER is filled up); opens the store again, and prints what it
 * takes to list the mailbox, to show it, to mark, copy and expunge a thousand messages in one
 * change, and to read one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/store/store_mailbox.h"
#include "tests/control/store_fixture.h"

enum { AT_ONCE = 1000, SIZE = 500 };

static struct store *store;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t resident_kib(void)
{
    unsigned long long all, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) >> 10;
}

static enum store_status apply(enum store_change_kind kind, void *operand)
{
    struct store_change change = {.kind = (uint8_t)kind, .mark = operand};

    store_apply(store, &change, 1);
    return change.status_out;
}

static bool append_some(uint64_t mailbox, uint64_t first, uint32_t count)
{
    static struct store_append_row rows[AT_ONCE];
    static struct store_fixture *fixtures[AT_ONCE];
    struct store_append append = {.mailbox = mailbox, .rows = rows, .count = count};
    enum store_status status;

    for (uint32_t i = 0; i < count; i++) {
        fixtures[i] = store_fixture_new(first + i, SIZE, 0, 4096);
        rows[i] = (struct store_append_row){.message = &fixtures[i]->message};
    }
    status = apply(STORE_APPEND, &append);
    for (uint32_t i = 0; i < count; i++)
        store_fixture_free(fixtures[i]);
    return status == STORE_OK;
}

/* Of the mailbox: how many ever came, and how many of them went. */
struct filled {
    uint64_t there, gone;
};

static bool keep_count(void *context, const struct store_mailbox *m)
{
    struct filled *f = context;

    f->there = m->uid_next - 1;
    f->gone = f->there - m->messages;
    return true;
}

/* What a live mailbox keeps of a message, more or less. */
struct kept {
    uint32_t uid, flags;
    uint64_t modseq, size, internal_ms;
};

struct listing {
    struct kept *kept;
    uint64_t count, cap;
};

static bool keep(void *context, const struct store_entry *e)
{
    struct listing *l = context;

    if (l->count == l->cap)
        return false;
    l->kept[l->count++] = (struct kept){.uid = e->uid,
                                        .flags = e->flags,
                                        .modseq = e->modseq,
                                        .size = e->size,
                                        .internal_ms = e->internal_ms};
    return true;
}

static void measure_list(uint64_t mailbox, uint64_t messages)
{
    struct listing l = {.kept = calloc(messages + 1, sizeof(*l.kept)), .cap = messages + 1};
    uint64_t before = resident_kib();
    double begun = now_ms();
    enum store_status status = store_entries(store, mailbox, keep, &l);

    printf("list: %llu entries in %.1f ms (%s), %lld KiB more resident, %llu of them kept\n",
           (unsigned long long)l.count, now_ms() - begun, store_status_name(status),
           (long long)(resident_kib() - before),
           (unsigned long long)(messages * sizeof(*l.kept) >> 10));
    free(l.kept);
}

static void measure_changes(uint64_t mailbox, uint64_t to, uint64_t messages)
{
    static struct store_mark_row rows[AT_ONCE];
    static uint32_t uids[AT_ONCE], out[AT_ONCE];
    uint32_t step = (uint32_t)(messages / AT_ONCE), first;
    struct store_mark mark = {.mailbox = mailbox, .rows = rows, .count = AT_ONCE};
    struct store_copy copy = {
        .from = mailbox, .to = to, .uids = uids, .count = AT_ONCE, .uids_out = out};
    struct store_expunge expunge = {.mailbox = mailbox, .uids = uids, .count = AT_ONCE};
    struct filled filled = {0};
    double begun = now_ms();

    store_mailbox_show(store, mailbox, keep_count, &filled);
    printf("show: %.3f ms\n", now_ms() - begun);
    first = 1 + (uint32_t)(filled.gone / AT_ONCE);
    for (uint32_t i = 0; i < AT_ONCE; i++)
        rows[i] =
            (struct store_mark_row){.uid = uids[i] = first + i * step, .flags = STORE_FLAG_SEEN};
    for (int i = 0; i < 3; i++) {
        begun = now_ms();
        apply(STORE_MARK, &mark);
        printf("mark %d: %.3f ms\n", AT_ONCE, now_ms() - begun);
    }
    mark.count = 1;
    begun = now_ms();
    for (int i = 0; i < AT_ONCE; i++)
        apply(STORE_MARK, &mark);
    printf("mark 1: %.4f ms\n", (now_ms() - begun) / AT_ONCE);
    begun = now_ms();
    apply(STORE_COPY, &copy);
    printf("copy %d: %.3f ms\n", AT_ONCE, now_ms() - begun);
    begun = now_ms();
    apply(STORE_EXPUNGE, &expunge);
    printf("expunge %u: %.3f ms\n", expunge.gone_out, now_ms() - begun);
}

static void measure_reading(uint64_t mailbox, uint64_t messages)
{
    double begun = now_ms();
    uint32_t read = 0;

    for (uint32_t i = 0; i < AT_ONCE; i++) {
        const struct store_reading *reading;
        struct span bytes;
        void *pin;

        if (store_reading_open(store, mailbox, 500 + i * (uint32_t)(messages / AT_ONCE),
                               &reading) != STORE_OK)
            continue;
        read += store_reading_read(store, reading, 0, &bytes, &pin) == STORE_OK;
        store_unpin(store, &pin, 1);
        store_reading_close(store, reading);
    }
    printf("read: %.4f ms each of %u, across the mailbox\n", (now_ms() - begun) / AT_ONCE, read);
}

int main(int argc, char **argv)
{
    struct store_options options = {.sync = true, .memory_bytes = UINT64_C(4) << 30};
    char error[STORE_ERROR];
    uint64_t account, mailbox = 0, to = 0, messages;
    struct filled filled = {0};
    double begun;

    if (argc != 4)
        return 2;
    store_fixture_choose(2, argv);
    options.path = argv[2];
    messages = strtoull(argv[3], NULL, 10) / AT_ONCE * AT_ONCE;
    if (store_fixture_open(&options, &store, error) != STORE_OK)
        return 1;
    account = store_fixture_account(store, "a@example.org", 0);
    if (store_mailbox_find(store, account, span_text("large"), &mailbox) != STORE_OK)
        store_mailbox_create(store, account, span_text("large"), 0, &mailbox);
    if (store_mailbox_find(store, account, span_text("other"), &to) != STORE_OK)
        store_mailbox_create(store, account, span_text("other"), 0, &to);
    store_mailbox_show(store, mailbox, keep_count, &filled);
    begun = now_ms();
    for (uint64_t i = filled.there; i < messages; i += AT_ONCE)
        if (!append_some(mailbox, i + 1, AT_ONCE))
            return 1;
    if (messages > filled.there)
        printf("append: %.4f ms each\n", (now_ms() - begun) / (double)(messages - filled.there));
    fflush(stdout);
    if (!store_fixture_in_memory()) {
        store_close(store);
        begun = now_ms();
        if (store_fixture_open(&options, &store, error) != STORE_OK)
            return 1;
        printf("open the store: %.1f ms\n", now_ms() - begun);
    }
    measure_list(mailbox, messages);
    measure_list(mailbox, messages);
    measure_changes(mailbox, to, messages);
    measure_reading(mailbox, messages);
    store_close(store);
    return 0;
}
