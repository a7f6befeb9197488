/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/export_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/transfer/maildir_name.h"
#include "control/transfer/mbox_writer.h"

enum { NAME = 4096 };

struct writing {
    struct export_run *run;
    const char *path;
    FILE *file; /* of the mbox, or of the message under way */
    struct mbox_writer writer;
};

static bool to_file(void *context, struct span bytes)
{
    struct writing *w = context;

    return fwrite(bytes.data, 1, bytes.len, w->file) == bytes.len;
}

static bool take_bytes(void *context, struct span bytes)
{
    struct writing *w = context;

    mbox_writer_feed(&w->writer, bytes);
    return !w->writer.failed;
}

static bool complain(struct writing *w, const char *what)
{
    w->run->tell(w->run->tell_context, w->path, what);
    return false;
}

static void tell_change(struct writing *w, const struct export_row *row)
{
    char where[64];

    snprintf(where, sizeof(where), "message with UID %u", row->uid);
    if (w->writer.changed)
        w->run->tell(w->run->tell_context, where,
                     "its line ends do not fit the format: an import will not give the same bytes");
}

/* ---- mbox ---- */

static uint32_t mbox_flags(const struct export_row *row)
{
    return (row->flags & STORE_FLAG_SEEN ? MBOX_SEEN : 0u) |
           (row->flags & STORE_FLAG_ANSWERED ? MBOX_ANSWERED : 0u) |
           (row->flags & STORE_FLAG_FLAGGED ? MBOX_FLAGGED : 0u) |
           (row->flags & STORE_FLAG_DELETED ? MBOX_DELETED : 0u) |
           (row->flags & STORE_FLAG_DRAFT ? MBOX_DRAFT : 0u) |
           (row->forwarded ? MBOX_FORWARDED : 0u);
}

static bool mbox_message(struct writing *w, const struct export_row *row)
{
    struct mbox_from from = {.date_ms = row->date_ms};
    long begun = ftell(w->file);
    enum store_status status;

    from.sender_len = row->sender.len <= MBOX_SENDER ? (uint32_t)row->sender.len : 0;
    memcpy(from.sender, row->sender.data, from.sender_len);
    mbox_writer_begin(&w->writer, &from, mbox_flags(row));
    status = w->run->fetch(w->run->context, row->uid, take_bytes, w);
    if (status == STORE_NONE) {
        w->run->gone++;
        return fflush(w->file) == 0 && ftruncate(fileno(w->file), begun) == 0 &&
               fseek(w->file, begun, SEEK_SET) == 0;
    }
    if (status != STORE_OK)
        return complain(w, "a message cannot be read");
    if (!mbox_writer_end(&w->writer))
        return complain(w, strerror(errno));
    tell_change(w, row);
    w->run->exported++;
    return true;
}

static bool mbox(struct writing *w)
{
    struct span list = w->run->list;
    struct export_row row;
    int fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = true;

    w->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!w->file)
        return complain(w, strerror(errno));
    while (ok && export_list_next(&list, &row))
        ok = mbox_message(w, &row);
    if (ok && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0))
        ok = complain(w, strerror(errno));
    fclose(w->file);
    return ok;
}

/* ---- Maildir ---- */

static uint32_t maildir_flags(const struct export_row *row)
{
    return (row->flags & STORE_FLAG_SEEN ? MAILDIR_SEEN : 0u) |
           (row->flags & STORE_FLAG_ANSWERED ? MAILDIR_REPLIED : 0u) |
           (row->flags & STORE_FLAG_FLAGGED ? MAILDIR_FLAGGED : 0u) |
           (row->flags & STORE_FLAG_DELETED ? MAILDIR_TRASHED : 0u) |
           (row->flags & STORE_FLAG_DRAFT ? MAILDIR_DRAFT : 0u) |
           (row->forwarded ? MAILDIR_PASSED : 0u);
}

/* As delivery does it: written in tmp, given its time, then moved to where it is seen. */
static bool place(struct writing *w, const struct export_row *row, const char *tmp,
                  const char *unique)
{
    char to[NAME], flags[16] = "";
    struct writer letters = writer_of(flags, sizeof(flags) - 1);
    struct timespec times[2];

    times[0].tv_sec = times[1].tv_sec = (time_t)(row->date_ms / 1000);
    times[0].tv_nsec = times[1].tv_nsec = (long)(row->date_ms % 1000) * 1000000;
    maildir_name_put_flags(&letters, maildir_flags(row));
    snprintf(to, sizeof(to), "%s/cur/%s%s", w->path, unique, flags);
    if (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0 ||
        futimens(fileno(w->file), times) != 0 || rename(tmp, to) != 0)
        return complain(w, strerror(errno));
    tell_change(w, row);
    w->run->exported++;
    return true;
}

static bool maildir_message(struct writing *w, const struct export_row *row)
{
    char unique[128], tmp[NAME];
    enum store_status status;
    bool ok;
    int fd;

    snprintf(unique, sizeof(unique), "%llu.V%lluU%u.wirepost",
             (unsigned long long)row->date_ms / 1000, (unsigned long long)w->run->unique, row->uid);
    snprintf(tmp, sizeof(tmp), "%s/tmp/%s", w->path, unique);
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    w->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!w->file)
        return complain(w, strerror(errno));
    mbox_writer_begin_plain(&w->writer);
    status = w->run->fetch(w->run->context, row->uid, take_bytes, w);
    w->run->gone += status == STORE_NONE;
    ok = status == STORE_NONE;
    if (status == STORE_OK && mbox_writer_end(&w->writer))
        ok = place(w, row, tmp, unique);
    else if (!ok)
        complain(w, w->writer.failed ? strerror(errno) : "a message cannot be read");
    if (status != STORE_OK || !ok)
        unlink(tmp);
    fclose(w->file);
    return ok;
}

static bool make_folders(struct writing *w)
{
    static const char *const folders[] = {"tmp", "new", "cur"};
    char name[NAME];

    if (mkdir(w->path, 0700) != 0)
        return complain(w, strerror(errno));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s/%s", w->path, folders[i]);
        if (mkdir(name, 0700) != 0)
            return complain(w, strerror(errno));
    }
    return true;
}

static bool maildir(struct writing *w)
{
    struct span list = w->run->list;
    struct export_row row;
    bool ok = make_folders(w);
    int fd;

    while (ok && export_list_next(&list, &row))
        ok = maildir_message(w, &row);
    fd = ok ? open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (ok && (fd < 0 || syncfs(fd) != 0))
        ok = complain(w, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool export_run(struct export_run *run, const char *path)
{
    struct writing w = {.run = run, .path = path, .writer = {.bytes = to_file}};

    w.writer.context = &w;
    switch (run->format) {
    case TRANSFER_AUTO:
    case TRANSFER_MAILDIR:
        return maildir(&w);
    case TRANSFER_MBOXRD:
        return mbox(&w);
    default:
        return complain(&w, "exports are written as maildir or mboxrd");
    }
}
