/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/port/eal.h"
#include "dataplane/port/port.h"
#include "tests/harness/check.h"

/* The environment's arguments, and what is left behind; nothing is started. */
static bool has(const struct eal_arguments *a, const char *name, const char *value)
{
    for (int i = 0; i < a->argc; i++)
        if (strcmp(a->argv[i], name) == 0)
            return !value || (a->argv[i + 1] && strcmp(a->argv[i + 1], value) == 0);
    return false;
}

static void without_hugepages_memory_is_said_and_nothing_clashes(void)
{
    struct eal_options o = {
        .program = "x", .workers = 2, .memory_mb = 99, .in_memory = true, .vdevs = {"net_null0"}};
    struct eal_arguments a;

    CHECK(eal_arguments(&a, &o, false));
    CHECK(has(&a, "--no-huge", NULL) && has(&a, "-m", "99") && !has(&a, "--in-memory", NULL));
    CHECK(has(&a, "--no-pci", NULL) && has(&a, "--vdev", "net_null0") && a.argv[a.argc] == NULL);
    CHECK(eal_arguments(&a, &o, true));
    CHECK(!has(&a, "--no-huge", NULL) && !has(&a, "-m", NULL) && has(&a, "--in-memory", NULL));
}

static void what_the_caller_says_silences_the_default(void)
{
    static const char *const extra[] = {"--no-huge", "-m", "7", "--file-prefix=mine",
                                        "--lcores=0,1"};
    struct eal_options o = {.program = "x",
                            .workers = 1,
                            .in_memory = true,
                            .extra = extra,
                            .extra_count = 5,
                            .pci = {"0000:03:00.0"}};
    struct eal_arguments a;

    CHECK(eal_arguments(&a, &o, true));
    CHECK(!has(&a, "--in-memory", NULL) && has(&a, "-m", "7") && !has(&a, "--file-prefix", NULL));
    CHECK(!has(&a, "--lcores", NULL) && has(&a, "-a", "0000:03:00.0") &&
          !has(&a, "--no-pci", NULL));
}

static void files_in_a_folder_of_the_callers_do_not_outlive_the_start(void)
{
    static const char *const extra[] = {"--huge-dir", "/pages", "--huge-unlink=never"};
    struct eal_options o = {.program = "x", .in_memory = true, .extra = extra, .extra_count = 2};
    struct eal_arguments a;

    CHECK(eal_arguments(&a, &o, true));
    CHECK(has(&a, "--huge-unlink", NULL) && !has(&a, "--in-memory", NULL));
    o.extra_count = 3;
    CHECK(eal_arguments(&a, &o, true));
    CHECK(!has(&a, "--huge-unlink", NULL) && !has(&a, "--in-memory", NULL));
}

static void each_worker_has_an_lcore_however_few_cpus_there_are(void)
{
    struct eal_options o = {.program = "x", .workers = 60};
    struct eal_arguments a;
    const char *map = NULL;
    uint32_t commas = 0;

    CHECK(eal_arguments(&a, &o, false));
    for (int i = 0; i < a.argc; i++)
        if (strcmp(a.argv[i], "--lcores") == 0)
            map = strchr(a.argv[i + 1], ')');
    for (; map && *map; map++)
        commas += *map == ',';
    CHECK(commas == 60);
}

static void workers_are_where_it_was_said(void)
{
    struct eal_options o = {.program = "x", .workers = 3, .cpus = {1 << 4 | 1 << 7}};
    struct eal_arguments a;
    const char *map = NULL;

    CHECK(eal_arguments(&a, &o, false));
    for (int i = 0; i < a.argc; i++)
        if (strcmp(a.argv[i], "--lcores") == 0)
            map = strchr(a.argv[i + 1], ')');
    CHECK(map && strcmp(map, "),1@4,2@7,3@4") == 0);
}

static void too_many_arguments_are_refused(void)
{
    const char *extra[EAL_ARGUMENTS];
    struct eal_options o = {.program = "x", .extra = extra, .extra_count = EAL_ARGUMENTS};
    struct eal_arguments a;

    for (int i = 0; i < EAL_ARGUMENTS; i++)
        extra[i] = "-v";
    CHECK(!eal_arguments(&a, &o, false));
}

static void make(const char *parent, const char *name)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", parent, name);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/%s/config", parent, name);
    f = fopen(path, "w");
    if (f)
        fclose(f);
}

static bool there(const char *parent, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", parent, name);
    return access(path, F_OK) == 0;
}

static void directories_of_the_dead_are_swept(void)
{
    char parent[] = "/tmp/net-eal-XXXXXX", ours[32];

    CHECK(mkdtemp(parent));
    snprintf(ours, sizeof(ours), "wirepost-%d", (int)getpid());
    make(parent, ours);
    make(parent, "wirepost-2147483646");
    make(parent, "wirepost-12x");
    make(parent, "rte");
    CHECK(eal_sweep(parent) == 1);
    CHECK(there(parent, ours) && !there(parent, "wirepost-2147483646") &&
          there(parent, "wirepost-12x"));
    CHECK(there(parent, "rte"));
    for (const char **n = (const char *[]){ours, "wirepost-12x", "rte", NULL}; *n; n++) {
        char path[200];

        snprintf(path, sizeof(path), "%s/%s/config", parent, *n);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s", parent, *n);
        rmdir(path);
    }
    CHECK(rmdir(parent) == 0);
}

static void put_pages(const char *parent, const char *size, const char *pages)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", parent, size);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/%s/free_hugepages", parent, size);
    f = fopen(path, "w");
    if (f) {
        fputs(pages, f);
        fclose(f);
    }
}

/* A few pages that somebody else left over are not enough to start on. */
static void free_hugepages_are_added_up_by_size(void)
{
    static const char *const sizes[] = {"hugepages-2048kB", "hugepages-1048576kB",
                                        "hugepages-64kB"};
    char parent[] = "/tmp/net-huge-XXXXXX", path[200];

    CHECK(mkdtemp(parent));
    CHECK(eal_hugepages_free(parent) == 0);
    put_pages(parent, sizes[0], "128\n");
    CHECK(eal_hugepages_free(parent) == UINT64_C(256) << 20);
    put_pages(parent, sizes[1], "2\n");
    put_pages(parent, sizes[2], "none\n");
    CHECK(eal_hugepages_free(parent) == UINT64_C(2304) << 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        snprintf(path, sizeof(path), "%s/%s/free_hugepages", parent, sizes[i]);
        unlink(path);
        *strrchr(path, '/') = 0;
        rmdir(path);
    }
    CHECK(rmdir(parent) == 0);
    CHECK(eal_hugepages_free(parent) == 0);
}

static void devices_by_driver(void)
{
    static const struct {
        const char *pmd, *interface, *expected;
    } rows[] = {
        {"af_packet", "eth0", "net_af_packet0,iface=eth0,qpairs=1,framecnt=2048"},
        {"af_xdp", "eth0", "net_af_xdp0,iface=eth0,start_queue=0,queue_count=1"},
        {"tap", "mail0", "net_tap0,iface=mail0"},
    };
    char text[100];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct writer w = writer_of(text, sizeof(text)), name = writer_of(text + 70, 30);

        CHECK(port_vdev(&w, rows[i].pmd, 0, rows[i].interface));
        CHECK_TEXT(writer_span(&w), rows[i].expected);
        CHECK(port_device_name(&name, rows[i].expected));
        CHECK(span_equal(writer_span(&name), span_head(span_text(rows[i].expected), name.len)));
    }
    struct writer w = writer_of(text, sizeof(text));

    CHECK(!port_vdev(&w, "ixgbe", 0, "eth0") && !port_vdev(&w, "tap", 0, "a,b=c") &&
          !port_vdev(&w, "tap", 0, ""));
    CHECK(!port_vdev(&w, "tap", 0, "a-name-that-is-too-long"));
}

int main(void)
{
    check_begin();
    CHECK_CASE(without_hugepages_memory_is_said_and_nothing_clashes);
    CHECK_CASE(what_the_caller_says_silences_the_default);
    CHECK_CASE(files_in_a_folder_of_the_callers_do_not_outlive_the_start);
    CHECK_CASE(each_worker_has_an_lcore_however_few_cpus_there_are);
    CHECK_CASE(workers_are_where_it_was_said);
    CHECK_CASE(too_many_arguments_are_refused);
    CHECK_CASE(directories_of_the_dead_are_swept);
    CHECK_CASE(free_hugepages_are_added_up_by_size);
    CHECK_CASE(devices_by_driver);
    return check_end();
}
