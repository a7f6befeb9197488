/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16384, ENTRY_BYTES = 100 }; /* a line takes no fewer */

struct tap_key_log {
    const char *path;
    int fd; /* -1: not open */
    uint64_t offset;
    struct tls_key_log lines;
    uint16_t last; /* bytes of a line without an end that were taken */
    struct tls_secrets *secrets;
    _Atomic bool missed;
    _Atomic uint64_t found, misformed, failed;
};

static bool open_file(struct tap_key_log *k)
{
    k->fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    k->offset = 0;
    k->lines = (struct tls_key_log){.len = 0};
    return k->fd >= 0;
}

static uint32_t entries_for(const struct tap_key_log *k)
{
    struct stat s;
    uint64_t entries = 0;

    if (k->fd >= 0 && fstat(k->fd, &s) == 0 && s.st_size > 0)
        entries = (uint64_t)s.st_size / ENTRY_BYTES * 2;
    if (entries > TAP_KEY_LOG_ENTRIES_MAX)
        return TAP_KEY_LOG_ENTRIES_MAX;
    return entries < TAP_KEY_LOG_ENTRIES ? TAP_KEY_LOG_ENTRIES : (uint32_t)entries;
}

struct tap_key_log *tap_key_log_new(const char *path, bool may_come, struct writer *why)
{
    struct tap_key_log *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->path = path;
    if (!open_file(k) && !(may_come && errno == ENOENT)) {
        writer_printf(why, "%s cannot be read: %s", path, strerror(errno));
        free(k);
        return NULL;
    }
    k->secrets = tls_secrets_new(entries_for(k));
    if (k->secrets)
        return k;
    writer_text(why, "out of memory");
    tap_key_log_free(k);
    return NULL;
}

void tap_key_log_free(struct tap_key_log *k)
{
    if (!k)
        return;
    if (k->fd >= 0)
        close(k->fd);
    tls_secrets_free(k->secrets);
    explicit_bzero(k, sizeof(*k));
    free(k);
}

static bool take(struct tap_key_log *k, struct span bytes)
{
    struct tls_key_log_entry entry;
    enum tls_key_log_status status;
    bool new = false;

    while ((status = tls_key_log_next(&k->lines, &bytes, &entry)) != TLS_KEY_LOG_MORE) {
        if (status == TLS_KEY_LOG_BAD) {
            k->misformed++;
            continue;
        }
        tls_secrets_put(k->secrets, &entry);
        k->found++;
        new = true;
    }
    explicit_bzero(&entry, sizeof(entry));
    return new;
}

/* Who writes it may have begun it anew, under its name or within it. */
static bool changed(const struct tap_key_log *k)
{
    struct stat here, there;

    return fstat(k->fd, &here) != 0 || (uint64_t)here.st_size < k->offset ||
           (stat(k->path, &there) == 0 &&
            (there.st_ino != here.st_ino || there.st_dev != here.st_dev));
}

/* A last line may lack its end. Where it is only begun, what is taken of it is replaced with it. */
static bool take_last(struct tap_key_log *k)
{
    struct tls_key_log lines = k->lines;
    struct span end = span_text("\n");
    struct tls_key_log_entry entry;

    if (lines.len == k->last || tls_key_log_next(&lines, &end, &entry) != TLS_KEY_LOG_ENTRY)
        return false;
    k->last = k->lines.len;
    tls_secrets_put(k->secrets, &entry);
    explicit_bzero(&entry, sizeof(entry));
    return true;
}

static bool read_on(struct tap_key_log *k)
{
    uint8_t piece[PIECE];
    bool new = false;
    ssize_t n;

    for (size_t all = 0; all < TAP_KEY_LOG_READ; all += (size_t)n) {
        n = pread(k->fd, piece, sizeof(piece), (off_t)k->offset);
        if (n < 0 && errno != EAGAIN)
            k->failed++;
        if (n <= 0)
            return take_last(k) || new;
        k->offset += (uint64_t)n;
        k->last = 0;
        new |= take(k, span_of(piece, (size_t)n));
    }
    explicit_bzero(piece, sizeof(piece));
    return new;
}

bool tap_key_log_read(struct tap_key_log *k)
{
    bool new = k->fd >= 0 && read_on(k);

    if (k->fd >= 0 && !changed(k))
        return new;
    if (k->fd >= 0)
        close(k->fd);
    if (!open_file(k)) {
        k->failed++;
        return new;
    }
    return read_on(k) || new;
}

const struct tls_secrets *tap_key_log_secrets(const struct tap_key_log *k)
{
    return k->secrets;
}

void tap_key_log_miss(struct tap_key_log *k)
{
    atomic_store_explicit(&k->missed, true, memory_order_relaxed);
}

bool tap_key_log_missed(struct tap_key_log *k)
{
    return atomic_exchange_explicit(&k->missed, false, memory_order_relaxed);
}

void tap_key_log_statistics(const struct tap_key_log *k,
                            void (*put)(void *context, const struct tap_statistic *statistic),
                            void *context)
{
    put(context, &(struct tap_statistic){"keylog", "secrets", k->found});
    put(context, &(struct tap_statistic){"keylog", "misformed", k->misformed});
    put(context, &(struct tap_statistic){"keylog", "failed", k->failed});
}
