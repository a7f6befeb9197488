/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/control/powerloss/powerloss_check.h"
#include "tests/control/powerloss/powerloss_drive.h"
#include "tests/control/powerloss/powerloss_rebuild.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/*
 * test_powerloss SHIM [CUTS [SEED]]: records a store at work, cuts its power at CUTS places, and
 * looks at what comes back. The same with a store that does not sync, which must lose something:
 * else the test would show nothing.
 */
enum { CUTS = 200, CUTS_UNSYNCED = 40, JUDGES = 2, ROUNDS = 150 };

struct totals {
    _Atomic uint64_t cuts, answered, lost, wrong, recorded_ms, judged_ms;
};

static struct {
    const char *self, *shim;
    unsigned cuts;
    uint64_t seed;
    struct totals *totals;
} test;

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Runs this program as the driver, with the recorder loaded. */
static bool record(const char *folder, const char *log, bool sync)
{
    char seed[32], options[1024];
    int status = 0;
    pid_t child;

    snprintf(seed, sizeof(seed), "%" PRIu64, test.seed);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        setenv(POWERLOSS_FOLDER_VARIABLE, folder, 1);
        setenv(POWERLOSS_LOG_VARIABLE, log, 1);
        setenv("LD_PRELOAD", test.shim, 1);
        /* A sanitizer's runtime wants to be the first library; the recorder gets along with it. */
        snprintf(options, sizeof(options), "%s:verify_asan_link_order=0",
                 getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : "");
        setenv("ASAN_OPTIONS", options, 1);
        execl(test.self, test.self, "--drive", folder, sync ? "sync" : "nosync", seed, NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static struct span map_log(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st = {0};
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return bytes == MAP_FAILED ? span_of(NULL, 0) : span_of(bytes, (size_t)st.st_size);
}

static void judge_cut(struct powerloss_rebuild *r, struct powerloss_check *c, uint64_t record,
                      uint64_t *dice)
{
    char *folder = store_fixture_folder("powercut");
    uint64_t before = *dice;
    struct powerloss_verdict v = {.wrong = 1};

    powerloss_rebuild_step(r, record);
    if (powerloss_rebuild_write(r, folder, dice))
        v = powerloss_check_store(c, folder);
    store_fixture_remove(folder);
    test.totals->cuts++;
    test.totals->answered += v.answered;
    test.totals->lost += v.lost;
    test.totals->wrong += v.wrong;
    if (v.wrong)
        printf("# wrong behind record %" PRIu64 ", dice %" PRIu64 "\n", record, before);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* One of JUDGES processes: every JUDGES-th cut. */
static void judge(struct span log, const uint64_t *cuts, unsigned count, unsigned which)
{
    struct powerloss_check *c = powerloss_check_new();
    struct powerloss_rebuild *r = powerloss_rebuild_new(log, powerloss_check_mark, c);
    uint64_t dice = test.seed * 7919 + which + 1;

    for (unsigned i = which; i < count; i += JUDGES)
        judge_cut(r, c, cuts[i], &dice);
    powerloss_rebuild_free(r);
    powerloss_check_free(c);
}

static void judge_all(struct span log, uint64_t records, unsigned count)
{
    uint64_t *cuts = calloc(count, sizeof(*cuts)), dice = test.seed;
    pid_t children[JUDGES];

    for (unsigned i = 0; i < count; i++)
        cuts[i] = (powerloss_roll(&dice) >> 16) % (records + 1);
    qsort(cuts, count, sizeof(*cuts), compare);
    fflush(stdout);
    for (unsigned i = 0; i < JUDGES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            judge(log, cuts, count, i);
            fflush(stdout);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < JUDGES; i++) {
        int status = 1;

        CHECK(children[i] > 0 && waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    free(cuts);
}

static void run(bool sync, unsigned cuts)
{
    char *folder = store_fixture_folder("power"), log_path[4096];
    uint64_t begun = now_ms(), recorded, records;
    struct span log;

    memset(test.totals, 0, sizeof(*test.totals));
    snprintf(log_path, sizeof(log_path), "%s.log", folder);
    if (CHECK(record(folder, log_path, sync))) {
        recorded = now_ms();
        log = map_log(log_path);
        records = powerloss_rebuild_records(log);
        if (CHECK(records > 1000))
            judge_all(log, records, cuts);
        printf("# sync %s, seed %" PRIu64 ": %" PRIu64 " records, %zu KiB, recorded in %" PRIu64
               " ms; %" PRIu64 " cuts, %" PRIu64 " deliveries answered, %" PRIu64 " lost, %" PRIu64
               " wrong, judged in %" PRIu64 " ms\n",
               sync ? "on" : "off", test.seed, records, log.len >> 10, recorded - begun,
               test.totals->cuts, test.totals->answered, test.totals->lost, test.totals->wrong,
               now_ms() - recorded);
        munmap((void *)(uintptr_t)log.data, log.len);
    }
    unlink(log_path);
    store_fixture_remove(folder);
}

static void what_was_answered_survives_a_power_loss(void)
{
    run(true, test.cuts);
    CHECK(test.totals->cuts == test.cuts);
    CHECK(test.totals->answered > test.cuts);
    CHECK(test.totals->lost == 0);
    CHECK(test.totals->wrong == 0);
}

static void without_syncs_something_is_lost(void)
{
    run(false, test.cuts < CUTS_UNSYNCED ? test.cuts : CUTS_UNSYNCED);
    CHECK(test.totals->lost > 0);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--drive") == 0)
        return powerloss_drive(argv[2], strcmp(argv[3], "sync") == 0, ROUNDS,
                               strtoull(argv[4], NULL, 10))
                   ? 0
                   : 1;
    if (argc < 2)
        return 2;
    check_begin();
    test.self = "/proc/self/exe";
    test.shim = argv[1];
    test.cuts = argc > 2 ? (unsigned)atoi(argv[2]) : CUTS;
    test.seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 20261;
    test.totals =
        mmap(NULL, sizeof(*test.totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* Syncs cost nothing there, and the cut decides what is on disk. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    CHECK_CASE(what_was_answered_survives_a_power_loss);
    CHECK_CASE(without_syncs_something_is_lost);
    return check_end();
}
