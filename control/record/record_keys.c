/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "proto/base/writer.h"

enum { LINE = 8 + 1 + 2 * RECORD_KEY_BYTES + 1 + 20 + 1 };

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct span *line, uint8_t *out, size_t n)
{
    if (line->len < 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = nibble(line->data[2 * i]), low = nibble(line->data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *line = span_skip(*line, 2 * n);
    return true;
}

/* line = 8HEX " " 64HEX " " 1*19DIGIT */
static bool read_key(struct span line, struct record_key *key_out)
{
    uint8_t id[4];

    if (!read_hex(&line, id, sizeof(id)) || line.len == 0 || line.data[0] != ' ')
        return false;
    line = span_skip(line, 1);
    if (!read_hex(&line, key_out->bytes, RECORD_KEY_BYTES) || line.len < 2 || line.len > 20 ||
        line.data[0] != ' ')
        return false;
    key_out->id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    key_out->began_ms = 0;
    for (size_t i = 1; i < line.len; i++) {
        if ((uint8_t)(line.data[i] - '0') >= 10)
            return false;
        key_out->began_ms = key_out->began_ms * 10 + (uint64_t)(line.data[i] - '0');
    }
    return true;
}

static bool read_keys(struct record_keys *keys, struct span text)
{
    while (text.len) {
        ptrdiff_t end = span_find(text, '\n');

        if (end < 0 || keys->count == RECORD_KEYS_MAX ||
            !read_key(span_head(text, (size_t)end), &keys->keys[keys->count]))
            return false;
        keys->count++;
        text = span_skip(text, (size_t)end + 1);
    }
    return true;
}

bool record_keys_load(struct record_keys *keys, const char *path)
{
    static const struct record_keys none;
    char text[RECORD_KEYS_MAX * LINE + 1];
    int failed;
    size_t n;
    FILE *f;

    *keys = none;
    keys->path = path;
    f = path[0] ? fopen(path, "re") : NULL;
    if (!f)
        return !path[0] || errno == ENOENT;
    n = fread(text, 1, sizeof(text), f);
    failed = ferror(f) ? errno : 0;
    fclose(f);
    if (!failed && !read_keys(keys, span_of(text, n)))
        failed = EINVAL;
    explicit_bzero(text, n);
    if (!failed)
        return true;
    keys->count = 0;
    errno = failed;
    return false;
}

static void put_key(FILE *f, const struct record_key *key)
{
    fprintf(f, "%08x ", key->id);
    for (int i = 0; i < RECORD_KEY_BYTES; i++)
        fprintf(f, "%02x", key->bytes[i]);
    fprintf(f, " %llu\n", (unsigned long long)key->began_ms);
}

/* Beside the old one, then in its place: a crash leaves one of the two. */
static bool save(const struct record_keys *keys)
{
    char path[4096];
    struct writer w = writer_of(path, sizeof(path) - 1);
    bool ok;
    FILE *f;
    int fd;

    if (!keys->path[0])
        return true;
    writer_printf(&w, "%s.new", keys->path);
    path[w.len] = 0;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (uint32_t i = 0; i < keys->count; i++)
        put_key(f, &keys->keys[i]);
    ok = fflush(f) == 0 && fsync(fd) == 0;
    ok = fclose(f) == 0 && ok;
    return ok && rename(path, keys->path) == 0;
}

static void forget_first(struct record_keys *keys)
{
    memmove(keys->keys, keys->keys + 1, (keys->count - 1) * sizeof(keys->keys[0]));
    explicit_bzero(&keys->keys[--keys->count], sizeof(keys->keys[0]));
}

static bool due(const struct record_keys *keys, uint64_t now_ms, uint64_t rotation_ms)
{
    const struct record_key *key = record_keys_now(keys);

    return !key || now_ms < key->began_ms || now_ms - key->began_ms >= rotation_ms;
}

bool record_keys_turn(struct record_keys *keys, uint64_t now_ms, uint64_t rotation_ms,
                      uint64_t kept_ms)
{
    bool changed = false;

    /* The one after it says when a key was replaced. */
    while (keys->count > 1 && now_ms >= keys->keys[1].began_ms &&
           now_ms - keys->keys[1].began_ms >= kept_ms) {
        forget_first(keys);
        changed = true;
    }
    if (due(keys, now_ms, rotation_ms)) {
        struct record_key key = {.began_ms = now_ms};

        if (getrandom(key.bytes, sizeof(key.bytes), 0) != sizeof(key.bytes) ||
            getrandom(&key.id, sizeof(key.id), 0) != sizeof(key.id))
            return false;
        if (keys->count == RECORD_KEYS_MAX)
            forget_first(keys);
        keys->keys[keys->count++] = key;
        if (kept_ms == 0)
            while (keys->count > 1)
                forget_first(keys);
        changed = true;
    }
    return !changed || save(keys);
}

const struct record_key *record_keys_now(const struct record_keys *keys)
{
    return keys->count ? &keys->keys[keys->count - 1] : NULL;
}

void record_key_hash(const struct record_key *key, struct span bytes,
                     char text_out[RECORD_HASH_TEXT])
{
    struct writer w = writer_of(text_out, RECORD_HASH_TEXT);
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned len = sizeof(digest);

    HMAC(EVP_sha256(), key->bytes, RECORD_KEY_BYTES, bytes.data, bytes.len, digest, &len);
    writer_printf(&w, "hash:%08x:", key->id);
    for (int i = 0; i < 12; i++) {
        writer_byte(&w, (uint8_t) "0123456789abcdef"[digest[i] >> 4]);
        writer_byte(&w, (uint8_t) "0123456789abcdef"[digest[i] & 15]);
    }
}
