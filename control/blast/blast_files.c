/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control/blast/blast_text.h"
#include "control/transfer/mbox_reader.h"

/* Messages from files. */
enum { FILES = 65536, FILE_MAX = 256 << 20 };

struct files {
    struct blast_messages *messages;
    struct writer *why;
    const char *path;   /* of the mbox that is read */
    struct writer mail; /* its message under way */
};

static bool complain(struct files *f, const char *path, const char *what)
{
    writer_printf(f->why, "%s: %s", path, what);
    return false;
}

static bool is_field(struct span line, const char *name)
{
    size_t n = strlen(name);

    return line.len > n && line.data[n] == ':' &&
           span_equal_nocase(span_head(line, n), span_text(name));
}

/* The next line without its end; false: there is none. */
static bool take_line(struct span *in, struct span *line_out)
{
    ptrdiff_t lf = span_find(*in, '\n');
    size_t len = lf < 0 ? in->len : (size_t)lf;

    if (!in->len)
        return false;
    *line_out = span_head(*in, len && in->data[len - 1] == '\r' ? len - 1 : len);
    *in = span_skip(*in, len + (lf >= 0));
    return true;
}

/* Without Message-ID, with CRLF, without NUL and stray CR. `w` has room for twice the input. */
static void convert(struct span in, struct writer *w)
{
    struct span line;
    bool header = true, dropped = false;

    while (take_line(&in, &line)) {
        bool folded = line.len && (line.data[0] == ' ' || line.data[0] == '\t');

        header = header && line.len;
        dropped = header && (is_field(line, "Message-ID") || (folded && dropped));
        if (dropped)
            continue;
        for (size_t i = 0; i < line.len; i++)
            if (line.data[i] && line.data[i] != '\r')
                writer_byte(w, line.data[i]);
        writer_text(w, "\r\n");
    }
}

static bool add(struct files *f, const char *path, struct span bytes)
{
    uint8_t *room = malloc(2 * bytes.len + 2);
    struct writer w = writer_of(room, 2 * bytes.len + 2);
    bool ok = room;

    if (room)
        convert(bytes, &w);
    ok = ok && w.len;
    if (ok && f->messages->count == FILES)
        complain(f, path, "too many messages");
    else if (ok && !blast_text_add(f->messages, writer_span(&w)))
        complain(f, path, "out of memory, or more than 2 GiB of messages");
    free(room);
    return !f->why->len;
}

/* ---- mbox ---- */

static bool mbox_begin(void *context, const struct mbox_from *from)
{
    (void)from;
    ((struct files *)context)->mail.len = 0;
    return true;
}

static bool mbox_bytes(void *context, struct span bytes)
{
    struct files *f = context;

    writer_span_put(&f->mail, bytes);
    return !f->mail.full;
}

static bool mbox_end(void *context, uint32_t flags)
{
    struct files *f = context;

    (void)flags;
    return !f->mail.len || add(f, f->path, writer_span(&f->mail));
}

/* A line end of one byte becomes two: no message is longer than twice the file. */
static bool add_mbox(struct files *f, const char *path, struct span bytes)
{
    static struct mbox_reader reader;
    const struct mbox_events events = {
        .context = f, .begin = mbox_begin, .bytes = mbox_bytes, .end = mbox_end};
    uint8_t *room = malloc(2 * bytes.len + 2);
    bool ok = room || complain(f, path, "out of memory");

    f->path = path;
    f->mail = writer_of(room, 2 * bytes.len + 2);
    mbox_reader_init(&reader, MBOX_RD, &events);
    ok = ok && mbox_reader_feed(&reader, bytes) && mbox_reader_finish(&reader);
    free(room);
    return ok || (f->why->len ? false : complain(f, path, "is no mbox"));
}

/* ---- files ---- */

static bool is_mbox(struct span bytes)
{
    return span_equal(span_head(bytes, 5), span_text("From "));
}

static bool read_file(struct files *f, const char *path, size_t size)
{
    FILE *file = fopen(path, "re");
    uint8_t *bytes = file && size <= FILE_MAX ? malloc(size + 1) : NULL;
    size_t n = bytes ? fread(bytes, 1, size, file) : 0;
    struct span all = span_of(bytes, n);
    bool ok = bytes && (is_mbox(all) ? add_mbox(f, path, all) : add(f, path, all));

    if (!bytes)
        complain(f, path, file ? "longer than 256 MiB" : strerror(errno));
    if (file)
        fclose(file);
    free(bytes);
    return ok;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool read_folder(struct files *f, const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, is_shown, alphasort);
    bool ok = count >= 0 || complain(f, path, strerror(errno));

    for (int i = 0; i < count; i++) {
        char file[4096];
        struct stat is;

        if (snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) < (int)sizeof(file) &&
            stat(file, &is) == 0 && S_ISREG(is.st_mode))
            ok = ok && read_file(f, file, (size_t)is.st_size);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return ok;
}

struct blast_messages *blast_messages_read(const char *const *paths, uint32_t count,
                                           struct writer *why)
{
    struct files f = {.messages = blast_text_list(FILES), .why = why};
    bool ok = f.messages || complain(&f, "messages", "out of memory");

    for (uint32_t i = 0; ok && i < count; i++) {
        struct stat is;

        if (stat(paths[i], &is) != 0)
            ok = complain(&f, paths[i], strerror(errno));
        else
            ok = S_ISDIR(is.st_mode) ? read_folder(&f, paths[i])
                                     : read_file(&f, paths[i], (size_t)is.st_size);
    }
    if (ok && f.messages->count == 0)
        ok = complain(&f, paths[0], "no message in it");
    if (ok)
        return f.messages;
    blast_messages_free(f.messages);
    return NULL;
}

static bool write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "we");
    bool ok = file && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;

    return file && fclose(file) == 0 && ok;
}

bool blast_messages_write(const struct blast_messages *m, const char *folder, struct writer *why)
{
    for (uint32_t i = 0; i < m->count; i++) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%06u.eml", folder, i);
        if (write_file(path, m->texts[i].raw))
            continue;
        writer_printf(why, "%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}
