/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/transfer/import_run.h"
#include "control/transfer/maildir_name.h"

enum {
    PIECE = 65536,
    WHERE = 4096,
    DAY_MS = 86400 * 1000,
    FIRST_MAILDIR = 788918400, /* 1995: a name that begins with less is no time of delivery */
};

struct file {
    uint64_t date_ms;
    uint32_t flags; /* enum maildir_flag */
    bool cur;
    char *name;
};

struct files {
    struct file *at;
    size_t count, cap;
};

static int compare(const void *a_, const void *b_)
{
    const struct file *a = a_, *b = b_;

    if (a->date_ms != b->date_ms)
        return a->date_ms < b->date_ms ? -1 : 1;
    return strcmp(a->name, b->name);
}

/*
 * The internal date: the file's modification time, which whoever delivers or moves mail keeps.
 * Where that is more than a day behind the time that the name begins with, somebody copied the
 * files without their times, and the name is believed.
 */
static uint64_t date_of(const struct stat *st, const struct maildir_name *name)
{
    uint64_t modified = st->st_mtim.tv_sec > 0 ? (uint64_t)st->st_mtim.tv_sec * 1000 +
                                                     (uint64_t)st->st_mtim.tv_nsec / 1000000
                                               : 0;

    if (name->delivered >= FIRST_MAILDIR && modified > name->delivered * 1000 + DAY_MS)
        return name->delivered * 1000;
    return modified;
}

static bool add(struct files *f, const struct file *file)
{
    if (f->count == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 256;
        struct file *grown = realloc(f->at, cap * sizeof(*grown));

        if (!grown)
            return false;
        f->at = grown;
        f->cap = cap;
    }
    f->at[f->count] = *file;
    f->at[f->count].name = strdup(file->name);
    return f->at[f->count++].name != NULL;
}

static void files_free(struct files *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->at[i].name);
    free(f->at);
}

/* Files alone, without those that are hidden. False: no memory, or the folder cannot be read. */
static bool list(struct files *f, const char *path, bool cur)
{
    char folder[WHERE + 8];
    struct dirent *entry;
    DIR *dir;
    bool ok = true;

    snprintf(folder, sizeof(folder), "%s/%s", path, cur ? "cur" : "new");
    dir = opendir(folder);
    if (!dir)
        return errno == ENOENT;
    while (ok && (entry = readdir(dir))) {
        struct maildir_name name = maildir_name_parse(span_text(entry->d_name));
        struct file file = {.flags = name.flags, .cur = cur, .name = entry->d_name};
        struct stat st;

        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        file.date_ms = date_of(&st, &name);
        ok = add(f, &file);
    }
    closedir(dir);
    return ok;
}

static uint32_t store_flags(uint32_t flags)
{
    return (flags & MAILDIR_SEEN ? STORE_FLAG_SEEN : 0u) |
           (flags & MAILDIR_REPLIED ? STORE_FLAG_ANSWERED : 0u) |
           (flags & MAILDIR_FLAGGED ? STORE_FLAG_FLAGGED : 0u) |
           (flags & MAILDIR_TRASHED ? STORE_FLAG_DELETED : 0u) |
           (flags & MAILDIR_DRAFT ? STORE_FLAG_DRAFT : 0u);
}

/* With CRLF for each LF that has none; *cr: the last byte was one. */
static void give_text(struct import_message *m, struct span in, bool *cr)
{
    while (in.len) {
        ptrdiff_t lf = span_find(in, '\n');
        size_t n = lf < 0 ? in.len : (size_t)lf;

        import_message_bytes(m, span_head(in, n));
        if (n > 0)
            *cr = in.data[n - 1] == '\r';
        if (lf < 0)
            return;
        import_message_bytes(m, *cr ? span_text("\n") : span_text("\r\n"));
        *cr = false;
        in = span_skip(in, n + 1);
    }
}

static bool import_file(struct import_run *run, const char *path, const struct file *file,
                        uint8_t *piece)
{
    struct import_meta meta = {.date_ms = file->date_ms,
                               .flags = store_flags(file->flags),
                               .forwarded = file->flags & MAILDIR_PASSED,
                               .others = file->flags & MAILDIR_OTHERS};
    struct import_message m;
    char where[WHERE + 512];
    bool cr = false;
    ssize_t n;
    int fd;

    snprintf(where, sizeof(where), "%s/%s/%s", path, file->cur ? "cur" : "new", file->name);
    import_message_begin(&m, run, where);
    fd = open(where, O_RDONLY | O_CLOEXEC);
    while ((n = fd < 0 ? -1 : read(fd, piece, PIECE)) > 0)
        give_text(&m, span_of(piece, (size_t)n), &cr);
    if (n < 0)
        import_message_fail(&m, strerror(errno));
    if (fd >= 0)
        close(fd);
    return n < 0 || import_message_end(&m, &meta);
}

static bool import_folder(struct import_run *run, const char *path)
{
    uint8_t *piece = malloc(PIECE);
    struct files files = {.count = 0};
    bool ok = piece && list(&files, path, true) && list(&files, path, false);

    if (!ok)
        run->tell(run->context, path, strerror(errno));
    if (files.count)
        qsort(files.at, files.count, sizeof(*files.at), compare);
    for (size_t i = 0; i < files.count && ok; i++)
        ok = import_file(run, path, &files.at[i], piece);
    files_free(&files);
    free(piece);
    return ok;
}

static bool is_maildir(const char *path)
{
    char cur[WHERE + 8];
    struct stat st;

    snprintf(cur, sizeof(cur), "%s/cur", path);
    return stat(cur, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Maildir++: folders lie beside cur and begin with a dot. */
static bool import_subfolders(struct import_run *run, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char folder[WHERE];
    bool ok = dir != NULL;

    while (ok && (entry = readdir(dir))) {
        snprintf(folder, sizeof(folder), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0 || !is_maildir(folder))
            continue;
        if (run->subfolders) {
            ok = import_folder(run, folder);
            continue;
        }
        run->folders++;
        run->tell(run->context, folder, "left out: a folder other than the inbox");
    }
    if (dir)
        closedir(dir);
    return ok;
}

bool import_maildir(struct import_run *run, const char *path)
{
    if (is_maildir(path))
        return import_folder(run, path) && import_subfolders(run, path);
    run->tell(run->context, path, "is no Maildir: it has no folder cur");
    return false;
}
