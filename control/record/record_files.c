/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/log/log.h"

enum { HOUR_MS = 3600 * 1000, DAY_S = 24 * 3600, NUMBERS = 10000 };

const char *record_type_name(enum record_type type)
{
    static const char *const names[RECORD_TYPES] = {
#define RECORD_TYPE(name, text) [RECORD_TYPE_##name] = #name,
#include "control/record/record_type.def"
#undef RECORD_TYPE
    };

    return names[type];
}

static uint32_t day_of(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm day;

    if (!gmtime_r(&seconds, &day))
        return 0;
    return (uint32_t)((day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday);
}

/* Milliseconds since 1970 at which the day is over. */
static uint64_t end_of_day(uint32_t day)
{
    struct tm t = {.tm_year = (int)(day / 10000) - 1900,
                   .tm_mon = (int)(day / 100 % 100) - 1,
                   .tm_mday = (int)(day % 100)};

    return (uint64_t)(timegm(&t) + DAY_S) * 1000;
}

static bool take_number(const char **at, int digits, uint32_t *number_out)
{
    *number_out = 0;
    for (; digits > 0; digits--, (*at)++) {
        if ((uint8_t)(**at - '0') >= 10)
            return false;
        *number_out = *number_out * 10 + (uint32_t)(**at - '0');
    }
    return true;
}

/* name = type "-" 8DIGIT "-" 4DIGIT ".ndjson" */
bool record_file_name_parse(const char *name, enum record_type *type_out, uint32_t *day_out,
                            uint32_t *number_out)
{
    for (int i = 0; i < RECORD_TYPES; i++) {
        size_t n = strlen(record_type_name((enum record_type)i));
        const char *at = name + n + 1;

        if (strncmp(name, record_type_name((enum record_type)i), n) != 0 || name[n] != '-')
            continue;
        *type_out = (enum record_type)i;
        return take_number(&at, 8, day_out) && *at++ == '-' && take_number(&at, 4, number_out) &&
               strcmp(at, ".ndjson") == 0;
    }
    return false;
}

/* True when the file ends in the middle of a line: a write was cut by a crash or a full disk. */
static bool ends_torn(int fd, uint64_t *size_out)
{
    struct stat st;
    char last;

    *size_out = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    *size_out = (uint64_t)st.st_size;
    return pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static void close_stream(struct record_stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->day = 0;
}

/* Readable too, for its last byte. */
static bool open_path(struct record_stream *s, const char *path)
{
    s->fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO)
                                   : open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (s->fd < 0)
        return false;
    s->torn = ends_torn(s->fd, &s->size);
    return true;
}

/* The highest number that a file of this type and day has, 0 when there is none. */
static uint32_t last_number(const struct record_files *f, enum record_type type, uint32_t day)
{
    DIR *directory = opendir(f->path);
    uint32_t last = 0, its_day, number;
    struct dirent *entry;
    enum record_type its_type;

    while (directory && (entry = readdir(directory)))
        if (record_file_name_parse(entry->d_name, &its_type, &its_day, &number) &&
            its_type == type && its_day == day && number > last)
            last = number;
    if (directory)
        closedir(directory);
    return last;
}

/* The day's last file, or the one after it when that has grown enough. */
static bool open_day(struct record_files *f, enum record_type type, uint32_t day)
{
    struct record_stream *s = &f->streams[type];
    uint32_t number = last_number(f, type, day);
    char path[PATH_MAX];

    for (; number < NUMBERS; number++) {
        int n = snprintf(path, sizeof(path), "%s/%s-%08u-%04u.ndjson", f->path,
                         record_type_name(type), day, number);

        close_stream(s);
        if (n >= (int)sizeof(path) || !open_path(s, path))
            return false;
        s->day = day;
        /* The last one of a day takes what comes. */
        if (s->size == 0 || s->size + s->len <= f->options.rotate_size || number + 1 == NUMBERS)
            return true;
    }
    return false;
}

/* The file for what is gathered. */
static bool ready(struct record_files *f, enum record_type type, uint64_t now_ms)
{
    struct record_stream *s = &f->streams[type];
    uint32_t day = day_of(now_ms);

    if (!f->directory)
        return s->fd >= 0;
    if (s->fd >= 0 && s->day == day && (s->size == 0 || s->size + s->len <= f->options.rotate_size))
        return true;
    return open_day(f, type, day);
}

/* All of it, in one write() where the system takes it whole. Returns how much was written. */
static size_t write_all(int fd, const char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, bytes + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static uint32_t count_lines(const char *bytes, size_t len)
{
    uint32_t n = 0;

    for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(bytes + len - at))); at++)
        n++;
    return n;
}

static void flush_stream(struct record_files *f, enum record_type type, uint64_t now_ms)
{
    struct record_stream *s = &f->streams[type];
    bool open = s->len && ready(f, type, now_ms);
    size_t done = 0;
    uint32_t lines;

    if (s->len == 0)
        return;
    if (open && s->torn)
        s->torn = write_all(s->fd, "\n", 1) != 1;
    if (open && !s->torn)
        done = write_all(s->fd, s->batch, s->len);
    lines = count_lines(s->batch, done);
    if (done < s->len) {
        s->torn = s->torn || (done && s->batch[done - 1] != '\n');
        atomic_fetch_add(&f->errors, 1);
        atomic_fetch_add(&f->dropped, s->lines - lines);
        LOG(ERROR, "records: %u lines lost, writing %s: %s", s->lines - lines, f->path,
            open ? strerror(errno) : "it is not open");
    }
    atomic_fetch_add(&f->written, lines);
    s->size += done;
    s->len = 0;
    s->lines = 0;
}

bool record_files_init(struct record_files *f, const char *path,
                       const struct record_files_options *options)
{
    size_t n = strlen(path);
    struct stat st;

    memset(f, 0, sizeof(*f));
    f->options = *options;
    for (int i = 0; i < RECORD_TYPES; i++)
        f->streams[i].fd = -1;
    f->path = strdup(path);
    if (!f->path)
        return false;
    f->directory = (n > 1 && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    if (f->directory) {
        while (n > 1 && f->path[n - 1] == '/')
            f->path[--n] = 0;
        if (mkdir(f->path, 0750) == 0 || errno == EEXIST)
            return access(f->path, W_OK) == 0;
        return false;
    }
    return !n || open_path(&f->streams[0], f->path);
}

void record_files_fini(struct record_files *f, uint64_t now_ms)
{
    if (f->path)
        record_files_flush(f, now_ms);
    for (int i = 0; i < RECORD_TYPES; i++) {
        close_stream(&f->streams[i]);
        free(f->streams[i].batch);
    }
    free(f->path);
}

void record_files_add(struct record_files *f, enum record_type type, struct span line,
                      uint64_t now_ms)
{
    struct record_stream *s;

    if (!f->directory)
        type = 0;
    s = &f->streams[type];
    if (!f->path[0])
        return;
    if (!s->batch)
        s->batch = malloc(RECORD_FILES_BATCH);
    if (!s->batch || line.len > RECORD_FILES_BATCH) {
        atomic_fetch_add(&f->dropped, 1);
        LOG(ERROR, "records: a line lost, %s", s->batch ? "it is too long" : "no memory");
        return;
    }
    if (s->len + line.len > RECORD_FILES_BATCH)
        flush_stream(f, type, now_ms);
    memcpy(s->batch + s->len, line.data, line.len);
    s->len += line.len;
    s->lines++;
}

void record_files_flush(struct record_files *f, uint64_t now_ms)
{
    for (int i = 0; i < RECORD_TYPES; i++)
        flush_stream(f, (enum record_type)i, now_ms);
}

bool record_files_reopen(struct record_files *f)
{
    for (int i = 0; i < RECORD_TYPES; i++)
        close_stream(&f->streams[i]);
    if (f->directory || !f->path[0] || open_path(&f->streams[0], f->path))
        return true;
    atomic_fetch_add(&f->errors, 1);
    return false;
}

void record_files_sweep(struct record_files *f, uint64_t now_ms)
{
    uint32_t hour = (uint32_t)(now_ms / HOUR_MS), day, number;
    struct dirent *entry;
    enum record_type type;
    DIR *directory;

    if (!f->directory || hour == f->swept)
        return;
    f->swept = hour;
    directory = opendir(f->path);
    while (directory && (entry = readdir(directory))) {
        if (!record_file_name_parse(entry->d_name, &type, &day, &number) ||
            f->options.retention_ms[type] == 0 ||
            end_of_day(day) + f->options.retention_ms[type] > now_ms)
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
            atomic_fetch_add(&f->removed, 1);
        else
            LOG(WARNING, "records: %s/%s cannot be removed: %s", f->path, entry->d_name,
                strerror(errno));
    }
    if (directory)
        closedir(directory);
}
