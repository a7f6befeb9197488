/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/powerloss/powerloss_rebuild.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 8192, SECTOR = 512, PAGE = 4096, NAME = 128 };

struct content {
    uint8_t *bytes;
    size_t len, cap;
};

/* Something done that no sync has covered. */
struct pending {
    struct powerloss_record record;
    struct span bytes;
};

struct list {
    struct pending *items;
    size_t count, cap;
};

struct file {
    struct content synced;
    struct list pending;
};

struct name {
    char text[NAME];
    uint32_t file;
};

struct folder {
    struct name *names;
    size_t count, cap;
};

struct powerloss_rebuild {
    struct span log;
    size_t at;
    uint64_t records;
    powerloss_on_mark *on_mark;
    void *context;
    struct folder synced;
    struct list pending; /* of the folder */
    struct file files[FILES];
};

uint64_t powerloss_roll(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice * 0x2545f4914f6cdd1du;
}

static uint64_t below(uint64_t *dice, uint64_t n)
{
    return (powerloss_roll(dice) >> 16) % n;
}

static void *grown(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap ? 2 * *cap : 16;
    items = realloc(items, *cap * size);
    if (!items)
        abort();
    return items;
}

static void add(struct list *list, struct powerloss_record record, struct span bytes)
{
    list->items = grown(list->items, list->count, &list->cap, sizeof(*list->items));
    list->items[list->count++] = (struct pending){.record = record, .bytes = bytes};
}

/* ---- bytes of a file ---- */

static void set_len(struct content *c, size_t len)
{
    if (len > c->cap) {
        c->cap = 2 * len;
        c->bytes = realloc(c->bytes, c->cap);
        if (!c->bytes)
            abort();
    }
    if (len > c->len)
        memset(c->bytes + c->len, 0, len - c->len);
    c->len = len;
}

static void put(struct content *c, size_t at, struct span bytes)
{
    if (bytes.len == 0)
        return;
    if (at + bytes.len > c->len)
        set_len(c, at + bytes.len);
    memcpy(c->bytes + at, bytes.data, bytes.len);
}

static void apply(struct content *c, const struct pending *p)
{
    if (p->record.kind == POWERLOSS_TRUNCATE)
        set_len(c, p->record.offset);
    else
        put(c, p->record.offset, p->bytes);
}

/* Each sector of a write is there or not. */
static void apply_sectors(struct content *c, const struct pending *p, uint64_t *dice)
{
    size_t done = 0;

    while (done < p->bytes.len) {
        size_t at = p->record.offset + done;
        size_t n = SECTOR - at % SECTOR;
        struct span piece = span_head(span_skip(p->bytes, done), n);

        if (below(dice, 2))
            put(c, at, piece);
        done += piece.len;
    }
}

enum fate {
    FATE_NOTHING, /* of what was not synced */
    FATE_ALL,
    FATE_BEGINNING, /* the first operations, the last of them cut at any byte */
    FATE_SECTORS,   /* any sectors of any operations */
    FATE_LENGTH,    /* the file is as long as it was, with holes where sectors are missing */
    FATE_PAGES,     /* as long as it was, any run of pages as it was at the last sync */
    FATES,
};

static void apply_beginning(struct content *c, const struct list *pending, uint64_t *dice)
{
    size_t whole = below(dice, pending->count);
    struct pending last = pending->items[whole];

    for (size_t i = 0; i < whole; i++)
        apply(c, &pending->items[i]);
    last.bytes = span_head(last.bytes, below(dice, last.bytes.len + 1));
    apply(c, &last);
}

static void apply_scattered(struct content *c, const struct list *pending, bool length,
                            uint64_t *dice)
{
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending *p = &pending->items[i];

        if (p->record.kind == POWERLOSS_WRITE) {
            if (length && p->record.offset + p->bytes.len > c->len)
                set_len(c, p->record.offset + p->bytes.len);
            apply_sectors(c, p, dice);
        } else if (below(dice, 2)) {
            apply(c, p);
        }
    }
}

/* Runs of pages are there or not; in a page that is not, what the last sync saw of it is. */
static void apply_pages(struct content *c, const struct list *pending, uint64_t *dice)
{
    struct content before = {0};
    size_t run = 0;
    bool kept = true;

    put(&before, 0, span_of(c->bytes, c->len));
    for (size_t i = 0; i < pending->count; i++)
        apply(c, &pending->items[i]);
    set_len(&before, before.len > c->len ? before.len : c->len);
    for (size_t at = 0; at < c->len; at += PAGE, run--) {
        struct span old = span_head(span_of(before.bytes + at, before.len - at), PAGE);

        if (run == 0) {
            kept = below(dice, 2);
            run = 1 + below(dice, 1 + below(dice, 32));
        }
        if (!kept)
            put(c, at, span_head(old, c->len - at));
    }
    free(before.bytes);
}

static void survive(struct content *c, const struct list *pending, uint64_t *dice)
{
    enum fate fate = (enum fate)below(dice, FATES);

    if (pending->count == 0)
        return;
    if (fate == FATE_ALL)
        for (size_t i = 0; i < pending->count; i++)
            apply(c, &pending->items[i]);
    else if (fate == FATE_PAGES)
        apply_pages(c, pending, dice);
    else if (fate == FATE_BEGINNING)
        apply_beginning(c, pending, dice);
    else if (fate != FATE_NOTHING)
        apply_scattered(c, pending, fate == FATE_LENGTH, dice);
}

/* ---- names ---- */

static struct name *find(const struct folder *f, const char *text)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->names[i].text, text) == 0)
            return &f->names[i];
    return NULL;
}

static void forget(struct folder *f, const char *text)
{
    struct name *n = find(f, text);

    if (n)
        *n = f->names[--f->count];
}

static void enter(struct folder *f, const char *text, uint32_t file)
{
    forget(f, text);
    f->names = grown(f->names, f->count, &f->cap, sizeof(*f->names));
    f->names[f->count].file = file;
    snprintf(f->names[f->count++].text, NAME, "%s", text);
}

static void apply_name(struct folder *f, const struct pending *p)
{
    char from[2 * NAME], *to;
    struct name *n;

    memcpy(from, p->bytes.data, p->bytes.len);
    from[p->bytes.len] = '\0';
    to = from + strlen(from) + 1;
    if (p->record.kind == POWERLOSS_CREATE)
        enter(f, from, p->record.file);
    else if (p->record.kind == POWERLOSS_UNLINK)
        forget(f, from);
    else if ((n = find(f, from))) {
        enter(f, to, n->file);
        if (p->record.kind == POWERLOSS_RENAME)
            forget(f, from);
    }
}

/* ---- the recording ---- */

static bool next(struct span log, size_t *at, struct pending *out)
{
    if (log.len - *at < sizeof(out->record))
        return false;
    memcpy(&out->record, log.data + *at, sizeof(out->record));
    if (log.len - *at - sizeof(out->record) < out->record.len)
        return false;
    out->bytes = span_of(log.data + *at + sizeof(out->record), out->record.len);
    *at += sizeof(out->record) + out->record.len;
    return true;
}

uint64_t powerloss_rebuild_records(struct span log)
{
    struct pending p;
    size_t at = 0;
    uint64_t n = 0;

    while (next(log, &at, &p)) {
        n++;
        if (p.record.kind == POWERLOSS_ODD)
            printf("# recording: %.*s\n", (int)p.bytes.len, (const char *)p.bytes.data);
        if (p.record.kind == POWERLOSS_ODD || p.record.file >= FILES)
            return 0;
    }
    return at == log.len ? n : 0;
}

struct powerloss_rebuild *powerloss_rebuild_new(struct span log, powerloss_on_mark *on_mark,
                                                void *context)
{
    struct powerloss_rebuild *r = calloc(1, sizeof(*r));

    if (!r)
        abort();
    r->log = log;
    r->on_mark = on_mark;
    r->context = context;
    return r;
}

void powerloss_rebuild_free(struct powerloss_rebuild *r)
{
    for (size_t i = 0; i < FILES; i++) {
        free(r->files[i].synced.bytes);
        free(r->files[i].pending.items);
    }
    free(r->synced.names);
    free(r->pending.items);
    free(r);
}

static void take(struct powerloss_rebuild *r, const struct pending *p)
{
    struct file *file = &r->files[p->record.file];

    switch ((enum powerloss_kind)p->record.kind) {
    case POWERLOSS_CREATE:
    case POWERLOSS_RENAME:
    case POWERLOSS_LINK:
    case POWERLOSS_UNLINK:
        add(&r->pending, p->record, p->bytes);
        break;
    case POWERLOSS_WRITE:
    case POWERLOSS_TRUNCATE:
        add(&file->pending, p->record, p->bytes);
        break;
    case POWERLOSS_SYNC:
        for (size_t i = 0; i < file->pending.count; i++)
            apply(&file->synced, &file->pending.items[i]);
        file->pending.count = 0;
        break;
    case POWERLOSS_FOLDER_SYNC:
        for (size_t i = 0; i < r->pending.count; i++)
            apply_name(&r->synced, &r->pending.items[i]);
        r->pending.count = 0;
        break;
    case POWERLOSS_MARK:
        r->on_mark(r->context, p->bytes);
        break;
    case POWERLOSS_ODD:
        break;
    }
}

void powerloss_rebuild_step(struct powerloss_rebuild *r, uint64_t records)
{
    struct pending p;

    while (r->records < records && next(r->log, &r->at, &p)) {
        take(r, &p);
        r->records++;
    }
}

static bool write_file(const char *folder, const char *name, const struct content *c)
{
    char path[4096];
    int fd;
    bool ok;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, c->bytes, c->len) == (ssize_t)c->len;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool powerloss_rebuild_write(const struct powerloss_rebuild *r, const char *folder, uint64_t *dice)
{
    size_t happened = below(dice, r->pending.count + 1);
    struct folder names = {0};
    bool ok = true;

    for (size_t i = 0; i < r->synced.count; i++)
        enter(&names, r->synced.names[i].text, r->synced.names[i].file);
    for (size_t i = 0; i < happened; i++)
        apply_name(&names, &r->pending.items[i]);
    for (size_t i = 0; ok && i < names.count; i++) {
        const struct file *file = &r->files[names.names[i].file];
        struct content c = {0};

        set_len(&c, 1);
        set_len(&c, 0);
        put(&c, 0, span_of(file->synced.bytes, file->synced.len));
        survive(&c, &file->pending, dice);
        ok = write_file(folder, names.names[i].text, &c);
        free(c.bytes);
    }
    free(names.names);
    return ok;
}
