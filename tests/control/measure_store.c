/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a commit costs, without anything around it:
 *
 *     measure_store rocksdb|memory FOLDER MESSAGES BATCH SIZE
 *
 * commits so many messages of so many bytes to 16 accounts in turn, BATCH at a time, and prints the
 * time of a batch and the processor's time of a message, this thread's and that of all threads.
 * BATCH 0, in memory: one at a time as a worker does it, and prints cycles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "control/store/store_near.h"
#include "dataplane/handoff/stage.h"
#include "tests/control/store_fixture.h"

enum { ACCOUNTS = 16, BATCH_MAX = 1024 };

static uint64_t now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void report(uint64_t *ns, uint32_t batches, uint32_t messages, const uint64_t cpu[2])
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < batches; i++)
        sum += ns[i];
    qsort(ns, batches, sizeof(*ns), compare);
    printf("batch us: median %.1f p99 %.1f max %.1f; message us: %.1f, of the processor %.1f, all "
           "threads %.1f\n",
           (double)ns[batches / 2] / 1e3, (double)ns[batches * 99 / 100] / 1e3,
           (double)ns[batches - 1] / 1e3, (double)sum / messages / 1e3,
           (double)cpu[0] / messages / 1e3, (double)cpu[1] / messages / 1e3);
}

static void make_accounts(struct store *store, uint64_t accounts[ACCOUNTS])
{
    for (int i = 0; i < ACCOUNTS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "a%d@example.org", i);
        accounts[i] = store_fixture_account(store, name, 0);
    }
}

static void measure_near(struct store *store, uint32_t messages, uint64_t size)
{
    uint64_t accounts[ACCOUNTS], sum = 0;
    uint64_t *cycles = calloc(messages + 1, sizeof(*cycles));

    make_accounts(store, accounts);
    for (uint32_t i = 0; i < messages; i++) {
        struct store_fixture *f = store_fixture_new(i + 1, size, 0, 4072);
        enum store_status status;
        uint64_t begun;

        store_fixture_to(f, accounts[i % ACCOUNTS], MESSAGE_INBOX);
        begun = stage_now();
        if (!store_commit_near(store, 0, &f->message, &status) || status != STORE_OK)
            printf("refused\n");
        cycles[i] = stage_now() - begun;
        sum += cycles[i];
        store_fixture_free(f);
    }
    qsort(cycles, messages, sizeof(*cycles), compare);
    printf("cycles a message: median %llu p99 %llu mean %llu\n",
           (unsigned long long)cycles[messages / 2],
           (unsigned long long)cycles[(uint64_t)messages * 99 / 100],
           (unsigned long long)(sum / messages));
    free(cycles);
}

static void measure(struct store *store, uint32_t messages, uint32_t batch, uint64_t size)
{
    static struct store_change changes[BATCH_MAX];
    static struct store_fixture *fixtures[BATCH_MAX];
    uint64_t accounts[ACCOUNTS], number = 0, cpu[2] = {0};
    uint32_t batches = messages / batch;
    uint64_t *ns = calloc(batches + 1, sizeof(*ns));

    make_accounts(store, accounts);
    for (uint32_t b = 0; b < batches; b++) {
        uint64_t begun, thread, process;

        for (uint32_t i = 0; i < batch; i++) {
            fixtures[i] = store_fixture_new(++number, size, 0, 4072);
            store_fixture_to(fixtures[i], accounts[number % ACCOUNTS], MESSAGE_INBOX);
            changes[i] =
                (struct store_change){.kind = STORE_COMMIT, .message = &fixtures[i]->message};
        }
        begun = now(CLOCK_MONOTONIC);
        thread = now(CLOCK_THREAD_CPUTIME_ID);
        process = now(CLOCK_PROCESS_CPUTIME_ID);
        store_apply(store, changes, batch);
        ns[b] = now(CLOCK_MONOTONIC) - begun;
        cpu[0] += now(CLOCK_THREAD_CPUTIME_ID) - thread;
        cpu[1] += now(CLOCK_PROCESS_CPUTIME_ID) - process;
        for (uint32_t i = 0; i < batch; i++) {
            if (changes[i].status_out != STORE_OK)
                printf("refused: %s\n", store_status_name(changes[i].status_out));
            store_fixture_free(fixtures[i]);
        }
    }
    report(ns, batches, batches * batch, cpu);
    free(ns);
}

int main(int argc, char **argv)
{
    struct store_options options = {.sync = true, .prefault = true};
    char error[STORE_ERROR];
    struct store *store;
    uint32_t batch = argc == 6 ? (uint32_t)atoi(argv[4]) : UINT32_MAX;

    store_fixture_choose(argc, argv);
    if (batch > BATCH_MAX || (batch == 0 && !store_fixture_in_memory())) {
        fprintf(stderr, "measure_store rocksdb|memory FOLDER MESSAGES BATCH SIZE\n");
        return 2;
    }
    options.path = argv[2];
    if (store_fixture_open(&options, &store, error) != STORE_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    if (batch == 0)
        measure_near(store, (uint32_t)atoi(argv[3]), strtoull(argv[5], NULL, 10));
    else
        measure(store, (uint32_t)atoi(argv[3]), batch, strtoull(argv[5], NULL, 10));
    store_close(store);
    return 0;
}
