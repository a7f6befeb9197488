/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/eal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#define PREFIX "wirepost-"

static cpu_set_t process_cpus;
static char runtime_dir[256];

static bool argument(struct eal_arguments *a, const char *text)
{
    size_t len = strlen(text);

    if (a->argc == EAL_ARGUMENTS || writer_room(&a->text) < len + 1)
        return false;
    a->argv[a->argc++] = (char *)a->text.data + a->text.len;
    writer_span_put(&a->text, span_of(text, len));
    writer_byte(&a->text, 0);
    a->argv[a->argc] = NULL;
    return true;
}

/* Whether one of the caller's own arguments is `name`, alone or as name=value. */
static bool said(const struct eal_options *o, const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < o->extra_count; i++)
        if (strncmp(o->extra[i], name, len) == 0 &&
            (o->extra[i][len] == 0 || o->extra[i][len] == '='))
            return true;
    return false;
}

static uint32_t list(const cpu_set_t *cpus, int cpu_out[CPU_SETSIZE])
{
    uint32_t n = 0;

    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, cpus))
            cpu_out[n++] = i;
    return n;
}

/*
 * The calling thread's lcore 0 may run on every CPU, and so may the threads made from it. Worker i
 * has one CPU: of those that were named, else of all, of which the first is left to control where
 * there are more CPUs than workers. Where there are fewer, workers share.
 */
static void lcores(struct writer *w, const cpu_set_t *cpus, const struct eal_options *o)
{
    int cpu[CPU_SETSIZE];
    uint32_t n = list(cpus, cpu), first;

    writer_text(w, "0@(");
    for (uint32_t i = 0; i < n; i++)
        writer_printf(w, i ? ",%d" : "%d", cpu[i]);
    writer_text(w, ")");
    first = n > o->workers;
    if (CPU_COUNT((const cpu_set_t *)o->cpus)) {
        n = list((const cpu_set_t *)o->cpus, cpu);
        first = 0;
    }
    for (uint32_t i = 0; n && i < o->workers; i++)
        writer_printf(w, ",%u@%d", i + 1, cpu[(i + first) % n]);
}

static bool lcore_arguments(struct eal_arguments *a, const struct eal_options *o)
{
    char map[2048];
    struct writer w = writer_of(map, sizeof(map) - 1);
    cpu_set_t cpus;

    if (said(o, "--lcores") || said(o, "-l") || said(o, "-c"))
        return true;
    if (sched_getaffinity(0, sizeof(cpus), &cpus))
        return false;
    lcores(&w, &cpus, o);
    map[w.len] = 0;
    return !w.full && argument(a, "--lcores") && argument(a, map);
}

static bool memory_arguments(struct eal_arguments *a, const struct eal_options *o, bool hugepages)
{
    char text[32];
    bool ok = true;

    if (said(o, "--no-huge"))
        hugepages = false;
    else if (!hugepages)
        ok = argument(a, "--no-huge");
    /* EAL refuses --in-memory together with --no-huge, which leaves no files behind anyway, and
     * with a folder for files: those go as soon as they are mapped. */
    if (hugepages && o->in_memory && !said(o, "--in-memory") && !said(o, "--huge-unlink"))
        ok = ok && argument(a, said(o, "--huge-dir") ? "--huge-unlink" : "--in-memory");
    /* Without hugepages all memory is taken at the start, so the amount must be said. */
    if (!hugepages && !said(o, "-m")) {
        snprintf(text, sizeof(text), "%u", o->memory_mb);
        ok = ok && argument(a, "-m") && argument(a, text);
    }
    return ok;
}

static bool device_arguments(struct eal_arguments *a, const struct eal_options *o)
{
    bool pci = false, ok = true;

    for (uint32_t i = 0; i < EAL_DEVICES; i++) {
        if (o->vdevs[i])
            ok = ok && argument(a, "--vdev") && argument(a, o->vdevs[i]);
        if (o->pci[i]) {
            ok = ok && argument(a, "-a") && argument(a, o->pci[i]);
            pci = true;
        }
    }
    if (!pci && !said(o, "-a") && !said(o, "--allow") && !said(o, "--no-pci"))
        ok = ok && argument(a, "--no-pci");
    return ok;
}

bool eal_arguments(struct eal_arguments *a, const struct eal_options *o, bool hugepages)
{
    char text[64];
    bool ok;

    a->argc = 0;
    a->text = writer_of(a->bytes, sizeof(a->bytes));
    ok = argument(a, o->program ? o->program : "wirepost") && lcore_arguments(a, o) &&
         memory_arguments(a, o, hugepages) && device_arguments(a, o);
    if (!said(o, "--file-prefix")) {
        snprintf(text, sizeof(text), PREFIX "%d", (int)getpid());
        ok = ok && argument(a, "--file-prefix") && argument(a, text);
    }
    if (!said(o, "--log-level"))
        ok = ok && argument(a, "--log-level") && argument(a, "lib.eal:warning");
    for (uint32_t i = 0; i < o->extra_count; i++)
        ok = ok && argument(a, o->extra[i]);
    return ok;
}

/* Removes a directory of plain files and sockets; what is deeper is none of ours. */
static void remove_directory(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(path);
}

uint32_t eal_sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    struct dirent *entry;
    uint32_t removed = 0;

    while (dir && (entry = readdir(dir))) {
        char path[512], *end;
        long pid;

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
            continue;
        pid = strtol(entry->d_name + strlen(PREFIX), &end, 10);
        if (*end || pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
        remove_directory(path);
        removed++;
    }
    if (dir)
        closedir(dir);
    return removed;
}

static uint64_t free_pages(const char *sizes, const char *size)
{
    uint64_t pages = 0;
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s/free_hugepages", sizes, size);
    f = fopen(path, "re");
    if (f && fscanf(f, "%" SCNu64, &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages;
}

uint64_t eal_hugepages_free(const char *sizes)
{
    DIR *dir = opendir(sizes);
    struct dirent *entry;
    uint64_t kb, bytes = 0;

    while (dir && (entry = readdir(dir)))
        if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kb) == 1)
            bytes += free_pages(sizes, entry->d_name) * kb * 1024;
    if (dir)
        closedir(dir);
    return bytes;
}

static bool directory_is_ours(const char *path)
{
    char pid[32];
    const char *name = strrchr(path, '/');

    snprintf(pid, sizeof(pid), PREFIX "%d", (int)getpid());
    return name && strcmp(name + 1, pid) == 0;
}

/* EAL makes its directories below /var/run/dpdk for root, below $XDG_RUNTIME_DIR or /tmp for
 * others. */
static void sweep_before_start(void)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    char path[256];

    if (getuid() == 0)
        snprintf(path, sizeof(path), "/var/run/dpdk");
    else
        snprintf(path, sizeof(path), "%s/dpdk", xdg ? xdg : "/tmp");
    eal_sweep(path);
}

bool eal_start(const struct eal_options *o, struct writer *why)
{
    static struct eal_arguments arguments;
    cpu_set_t both;
    bool hugepages;

    _Static_assert(sizeof(o->cpus) == sizeof(both), "a bit for each CPU that there may be");

    if (sched_getaffinity(0, sizeof(process_cpus), &process_cpus)) {
        writer_printf(why, "cannot read the process's CPUs: %s", strerror(errno));
        return false;
    }
    CPU_AND(&both, &process_cpus, (const cpu_set_t *)o->cpus);
    if (!CPU_EQUAL(&both, (const cpu_set_t *)o->cpus)) {
        writer_text(why, "a CPU that is named for workers is none of the process's");
        return false;
    }
    sweep_before_start();
    hugepages = eal_hugepages_free("/sys/kernel/mm/hugepages") >= (uint64_t)o->hugepages_mb << 20;
    if (!eal_arguments(&arguments, o, hugepages)) {
        writer_printf(why, "more EAL arguments than %d, or than %d bytes", EAL_ARGUMENTS, EAL_TEXT);
        return false;
    }
    if (rte_eal_init(arguments.argc, arguments.argv) < 0) {
        writer_printf(why, "DPDK's environment did not start: %s", rte_strerror(rte_errno));
        return false;
    }
    snprintf(runtime_dir, sizeof(runtime_dir), "%s", rte_eal_get_runtime_dir());
    if (rte_lcore_count() < o->workers + 1) {
        writer_printf(why, "%u workers and the main thread need %u lcores, EAL has %u", o->workers,
                      o->workers + 1, rte_lcore_count());
        eal_stop();
        return false;
    }
    return true;
}

void eal_stop(void)
{
    rte_eal_cleanup();
    if (directory_is_ours(runtime_dir))
        remove_directory(runtime_dir);
    runtime_dir[0] = 0;
}

unsigned int eal_worker_lcore(uint32_t worker)
{
    unsigned int lcore = rte_get_next_lcore((unsigned int)-1, 1, 0);

    while (worker-- && lcore < RTE_MAX_LCORE)
        lcore = rte_get_next_lcore(lcore, 1, 0);
    return lcore;
}

bool eal_control_affinity(void)
{
    return CPU_COUNT(&process_cpus) > 0 &&
           pthread_setaffinity_np(pthread_self(), sizeof(process_cpus), &process_cpus) == 0;
}
