/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_files.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, NAME_ROOM = 2 * PART_SHA256 + 8 };

struct file {
    FILE *stream; /* NULL: none */
    uint64_t serial;
};

struct tap_files {
    struct tap_extract_sink sink;
    const char *folder;
    struct file *files;
    uint32_t count;
    uint64_t serial;
    _Atomic uint64_t failed;
};

static void aside(const struct tap_files *x, const struct file *f, char path_out[PATH_ROOM])
{
    snprintf(path_out, PATH_ROOM, "%s/.%ld-%llu", x->folder, (long)getpid(),
             (unsigned long long)f->serial);
}

static void drop(struct tap_files *x, struct file *f)
{
    char path[PATH_ROOM];

    if (!f->stream)
        return;
    fclose(f->stream);
    f->stream = NULL;
    aside(x, f, path);
    unlink(path);
}

static bool open_piece(void *context, uint32_t piece)
{
    struct tap_files *x = context;
    struct file *f = &x->files[piece];
    char path[PATH_ROOM];

    /* One whose end was lost on the way. */
    drop(x, f);
    f->serial = x->serial++;
    aside(x, f, path);
    f->stream = fopen(path, "wbxe");
    x->failed += f->stream == NULL;
    return f->stream != NULL;
}

static bool bytes(void *context, uint32_t piece, struct span bytes)
{
    struct tap_files *x = context;
    struct file *f = &x->files[piece];

    if (!f->stream)
        return false;
    if (fwrite(bytes.data, 1, bytes.len, f->stream) == bytes.len)
        return true;
    x->failed++;
    drop(x, f);
    return false;
}

static void keep(struct tap_files *x, struct file *f, const uint8_t *sha256, const char *suffix)
{
    char from[PATH_ROOM], path[PATH_ROOM + NAME_ROOM];
    size_t len = (size_t)snprintf(path, sizeof(path), "%s/", x->folder);

    for (size_t i = 0; i < PART_SHA256; i++)
        len += (size_t)snprintf(path + len, sizeof(path) - len, "%02x", sha256[i]);
    snprintf(path + len, sizeof(path) - len, "%s", suffix);
    aside(x, f, from);
    /* link() replaces nothing: equal content is there already. */
    if (fclose(f->stream) != 0 || (link(from, path) != 0 && errno != EEXIST))
        x->failed++;
    unlink(from);
    f->stream = NULL;
}

static void close_piece(void *context, uint32_t piece, const uint8_t *sha256, bool message)
{
    struct tap_files *x = context;
    struct file *f = &x->files[piece];

    if (f->stream && sha256)
        keep(x, f, sha256, message ? ".eml" : ".part");
    else
        drop(x, f);
}

struct tap_files *tap_files_new(const char *folder, uint32_t pieces)
{
    struct tap_files *x = calloc(1, sizeof(*x));
    int why = 0;

    if (!x)
        return NULL;
    x->folder = folder;
    x->files = calloc(pieces, sizeof(*x->files));
    x->count = x->files ? pieces : 0;
    x->sink = (struct tap_extract_sink){
        .context = x, .open = open_piece, .bytes = bytes, .close = close_piece};
    if (!x->files)
        why = ENOMEM;
    else if (strlen(folder) + NAME_ROOM >= PATH_ROOM)
        why = ENAMETOOLONG;
    else if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        why = errno;
    if (why == 0)
        return x;
    tap_files_free(x);
    errno = why;
    return NULL;
}

void tap_files_free(struct tap_files *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->count; i++)
        drop(x, &x->files[i]);
    free(x->files);
    free(x);
}

const struct tap_extract_sink *tap_files_sink(const struct tap_files *x)
{
    return &x->sink;
}

uint64_t tap_files_failed(const struct tap_files *x)
{
    return x->failed;
}
