/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/rulefile/rule_cache.h"

enum { NAME_ROOM = 32 };

static const char suffix[] = ".rules";
/* One name for all, so that a process that dies while it writes leaves one file at most. */
static const char aside[] = ".new";

/* Maps a file that is ours alone. An empty span when there is none. */
static struct span map_file(int directory, const char *name)
{
    struct span bytes = span_of(NULL, 0);
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0)
        return bytes;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        !(st.st_mode & (S_IWGRP | S_IWOTH)) && st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (map != MAP_FAILED)
            bytes = span_of(map, (size_t)st.st_size);
    }
    close(fd);
    return bytes;
}

static bool write_file(void *context, struct span bytes)
{
    return fwrite(bytes.data, 1, bytes.len, context) == bytes.len;
}

/*
 * Written aside and renamed. Not synced: after a power loss the file may be short, and then does
 * not load. Returns 0 or an errno.
 */
static int save(int directory, const char *name, const struct rule_set *set)
{
    FILE *file = NULL;
    bool ok;
    int fd;

    fd = openat(directory, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        file = fdopen(fd, "w");
    if (!file) {
        int error = errno;

        if (fd >= 0)
            close(fd);
        return error;
    }
    errno = 0;
    ok = rule_set_save(set, write_file, file) == RULE_OK;
    ok = fclose(file) == 0 && ok && renameat(directory, aside, directory, name) == 0;
    if (!ok) {
        int error = errno ? errno : EIO;

        unlinkat(directory, aside, 0);
        return error;
    }
    return 0;
}

struct cached {
    char name[NAME_ROOM];
    struct timespec written;
};

static bool is_cached(const char *name)
{
    size_t length = strlen(name);

    return length == 16 + sizeof suffix - 1 && strcmp(name + 16, suffix) == 0;
}

/* Newest first. */
static int compare_age(const void *left, const void *right)
{
    const struct cached *a = left;
    const struct cached *b = right;

    if (a->written.tv_sec != b->written.tv_sec)
        return a->written.tv_sec > b->written.tv_sec ? -1 : 1;
    if (a->written.tv_nsec != b->written.tv_nsec)
        return a->written.tv_nsec > b->written.tv_nsec ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Removes the oldest of up to twice as many files as are kept, so that the directory stays small.
 */
static void trim(int directory)
{
    struct cached files[2 * RULE_CACHE_KEPT];
    struct dirent *entry;
    struct stat st;
    size_t count = 0;
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);

    if (!list) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (count < 2 * RULE_CACHE_KEPT && (entry = readdir(list)) != NULL) {
        if (!is_cached(entry->d_name) || fstatat(directory, entry->d_name, &st, 0) < 0)
            continue;
        memcpy(files[count].name, entry->d_name, strlen(entry->d_name) + 1);
        files[count++].written = st.st_mtim;
    }
    closedir(list);
    qsort(files, count, sizeof files[0], compare_age);
    for (size_t i = RULE_CACHE_KEPT; i < count; i++)
        unlinkat(directory, files[i].name, 0);
}

enum rule_status rule_cache_compile(struct rule_cache *cache, const struct rule *rules,
                                    size_t count, const struct rule_limits *limits,
                                    struct writer *errors, struct rule_set **set_out)
{
    char name[NAME_ROOM];
    enum rule_status status = RULE_STALE;
    int directory = open(cache->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct span saved = span_of(NULL, 0);

    cache->loaded = cache->saved = false;
    cache->error = directory < 0 ? errno : 0;
    snprintf(name, sizeof name, "%016" PRIx64 "%s", rule_set_key(rules, count), suffix);
    if (directory >= 0)
        saved = map_file(directory, name);
    if (saved.len) {
        status = rule_set_load(rules, count, limits, saved, errors, set_out);
        munmap((void *)saved.data, saved.len);
        cache->loaded = status == RULE_OK;
    }
    if (status == RULE_STALE)
        status = rule_set_compile(rules, count, limits, errors, set_out);
    if (status == RULE_OK && !cache->loaded && directory >= 0) {
        cache->error = save(directory, name, *set_out);
        cache->saved = cache->error == 0;
        trim(directory);
    }
    if (directory >= 0)
        close(directory);
    return status;
}
