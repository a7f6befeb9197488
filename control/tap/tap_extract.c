/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_extract.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, NAME_ROOM = 2 * PART_SHA256 + 8 };

/* One part or message under way. */
struct piece {
    struct tap_extract *owner;
    struct piece *next; /* free */
    EVP_MD_CTX *hash;
    FILE *file; /* NULL: its bytes are not kept */
    char aside[PATH_ROOM];
};

struct tap_extract {
    struct part_digests digests;
    const char *folder;
    struct piece *pieces, *free;
    uint32_t count;
    uint64_t failed, serial;
};

static bool open_file(struct tap_extract *x, struct piece *p)
{
    p->file = NULL;
    if (!x->folder)
        return true;
    if (snprintf(p->aside, PATH_ROOM, "%s/.%ld-%llu", x->folder, (long)getpid(),
                 (unsigned long long)x->serial++) < PATH_ROOM)
        p->file = fopen(p->aside, "wbx");
    x->failed += p->file == NULL;
    return p->file != NULL;
}

static void *begin(void *context)
{
    struct tap_extract *x = context;
    struct piece *p = x->free;

    if (!p || EVP_DigestInit_ex(p->hash, EVP_sha256(), NULL) != 1)
        return NULL;
    x->free = p->next;
    open_file(x, p);
    return p;
}

static void feed(void *digest, struct span bytes)
{
    struct piece *p = digest;

    EVP_DigestUpdate(p->hash, bytes.data, bytes.len);
    if (p->file && fwrite(bytes.data, 1, bytes.len, p->file) != bytes.len) {
        p->owner->failed++;
        fclose(p->file);
        unlink(p->aside);
        p->file = NULL;
    }
}

static void keep_file(struct piece *p, const uint8_t *sha256, const char *suffix)
{
    char path[PATH_ROOM + NAME_ROOM];
    size_t len = (size_t)snprintf(path, sizeof(path), "%s/", p->owner->folder);

    for (size_t i = 0; i < PART_SHA256; i++)
        len += (size_t)snprintf(path + len, sizeof(path) - len, "%02x", sha256[i]);
    snprintf(path + len, sizeof(path) - len, "%s", suffix);
    /* link() replaces nothing: equal content is there already. */
    if (fclose(p->file) != 0 || (link(p->aside, path) != 0 && errno != EEXIST))
        p->owner->failed++;
    unlink(p->aside);
    p->file = NULL;
}

/* `sha256_out` NULL: what there is of it is not kept. */
static void finish(struct piece *p, uint8_t *sha256_out, const char *suffix)
{
    if (sha256_out)
        EVP_DigestFinal_ex(p->hash, sha256_out, NULL);
    if (p->file && sha256_out) {
        keep_file(p, sha256_out, suffix);
    } else if (p->file) {
        fclose(p->file);
        unlink(p->aside);
    }
    p->file = NULL;
    p->next = p->owner->free;
    p->owner->free = p;
}

static void end(void *context, void *digest, uint8_t *sha256_out)
{
    finish(digest, sha256_out, ".part");
}

struct tap_extract *tap_extract_new(const char *folder, uint32_t parts)
{
    struct tap_extract *x = calloc(1, sizeof(*x));

    if (x)
        x->pieces = calloc(parts, sizeof(*x->pieces));
    if (!x || !x->pieces || (folder && mkdir(folder, 0700) != 0 && errno != EEXIST)) {
        tap_extract_free(x);
        return NULL;
    }
    x->folder = folder;
    x->digests = (struct part_digests){.context = x, .begin = begin, .feed = feed, .end = end};
    for (; x->count < parts; x->count++) {
        struct piece *p = &x->pieces[x->count];

        p->owner = x;
        p->hash = EVP_MD_CTX_new();
        p->next = x->free;
        x->free = p;
        if (p->hash)
            continue;
        x->count++;
        tap_extract_free(x);
        errno = ENOMEM;
        return NULL;
    }
    return x;
}

void tap_extract_free(struct tap_extract *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->count; i++)
        EVP_MD_CTX_free(x->pieces[i].hash);
    free(x->pieces);
    free(x);
}

const struct part_digests *tap_extract_digests(const struct tap_extract *x)
{
    return &x->digests;
}

void *tap_extract_message(void *extract)
{
    return begin(extract);
}

void tap_extract_bytes(void *message, struct span bytes)
{
    feed(message, bytes);
}

void tap_extract_message_end(void *extract, void *message, bool whole)
{
    uint8_t sha256[PART_SHA256];

    finish(message, whole ? sha256 : NULL, ".eml");
}

uint64_t tap_extract_failed(const struct tap_extract *x)
{
    return x->failed;
}
