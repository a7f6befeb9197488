/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/capture/capture_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { RAW = 65536, GZIP_WINDOW = 15 + 16, ZSTD_WINDOW_LOG_MAX = 27 };

enum codec { CODEC_UNKNOWN, CODEC_PLAIN, CODEC_GZIP, CODEC_ZSTD };

struct capture_stream {
    FILE *file;
    enum codec codec;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool inside; /* a compressed member has begun and not ended */
    bool ended;  /* of the raw file */
    size_t at, len;
    uint64_t raw_read; /* bytes of the raw file */
    uint64_t given;
    char error[CAPTURE_STREAM_ERROR];
    uint8_t raw[RAW];
};

const char *capture_stream_error(const struct capture_stream *s)
{
    return s->error[0] ? s->error : NULL;
}

static void fail(struct capture_stream *s, const char *what)
{
    if (!s->error[0])
        snprintf(s->error, sizeof(s->error), "%s, at offset %llu of the file", what,
                 (unsigned long long)(s->raw_read - (s->len - s->at)));
    s->ended = true;
    s->at = s->len = 0;
}

/* More raw bytes, if all that were there are used. False: there are none. */
static bool refill(struct capture_stream *s)
{
    if (s->at < s->len)
        return true;
    if (s->ended)
        return false;
    s->at = 0;
    s->len = fread(s->raw, 1, sizeof(s->raw), s->file);
    s->raw_read += s->len;
    if (s->len)
        return true;
    if (ferror(s->file))
        fail(s, "it cannot be read");
    s->ended = true;
    return false;
}

static bool begins(const struct capture_stream *s, const char *magic, size_t len)
{
    return s->len >= len && memcmp(s->raw, magic, len) == 0;
}

static void detect(struct capture_stream *s)
{
    s->codec = CODEC_PLAIN;
    if (!refill(s))
        return;
    if (begins(s, "\x1f\x8b", 2)) {
        s->codec = CODEC_GZIP;
        if (inflateInit2(&s->gzip, GZIP_WINDOW) != Z_OK)
            fail(s, "no memory for gzip");
    } else if (begins(s, "\x28\xb5\x2f\xfd", 4)) {
        s->codec = CODEC_ZSTD;
        s->zstd = ZSTD_createDStream();
        if (!s->zstd)
            fail(s, "no memory for zstd");
        else
            ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    }
}

static size_t read_gzip(struct capture_stream *s, char *to, size_t size)
{
    int status;

    s->gzip.next_out = (uint8_t *)to;
    s->gzip.avail_out = (unsigned)size;
    while (s->gzip.avail_out == size && refill(s)) {
        s->gzip.next_in = s->raw + s->at;
        s->gzip.avail_in = (unsigned)(s->len - s->at);
        s->inside = true;
        status = inflate(&s->gzip, Z_NO_FLUSH);
        s->at = s->len - s->gzip.avail_in;
        if (status == Z_STREAM_END) {
            s->inside = false;
            inflateReset(&s->gzip);
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            fail(s, "the gzip data is corrupt");
        }
    }
    return size - s->gzip.avail_out;
}

static size_t read_zstd(struct capture_stream *s, char *to, size_t size)
{
    ZSTD_outBuffer out = {to, size, 0};

    while (out.pos == 0 && refill(s)) {
        ZSTD_inBuffer in = {s->raw, s->len, s->at};
        size_t status = ZSTD_decompressStream(s->zstd, &out, &in);

        s->at = in.pos;
        s->inside = status != 0;
        if (ZSTD_isError(status))
            fail(s, "the zstd data is corrupt");
    }
    return out.pos;
}

static size_t read_plain(struct capture_stream *s, char *to, size_t size)
{
    size_t n;

    if (!refill(s))
        return 0;
    n = s->len - s->at < size ? s->len - s->at : size;
    memcpy(to, s->raw + s->at, n);
    s->at += n;
    return n;
}

static ssize_t cookie_read(void *cookie, char *to, size_t size)
{
    struct capture_stream *s = cookie;
    size_t n;

    if (s->codec == CODEC_UNKNOWN)
        detect(s);
    if (size > RAW)
        size = RAW;
    n = s->codec == CODEC_GZIP   ? read_gzip(s, to, size)
        : s->codec == CODEC_ZSTD ? read_zstd(s, to, size)
                                 : read_plain(s, to, size);
    if (!n && s->inside)
        fail(s, "the compressed data ends too early");
    s->given += n;
    return (ssize_t)n;
}

/* For ftello() alone. */
static int cookie_seek(void *cookie, off64_t *offset, int whence)
{
    const struct capture_stream *s = cookie;

    if (whence != SEEK_CUR || *offset != 0)
        return -1;
    *offset = (off64_t)s->given;
    return 0;
}

static int cookie_close(void *cookie)
{
    struct capture_stream *s = cookie;

    if (s->codec == CODEC_GZIP)
        inflateEnd(&s->gzip);
    ZSTD_freeDStream(s->zstd);
    if (s->file != stdin)
        fclose(s->file);
    free(s);
    return 0;
}

FILE *capture_stream_open(const char *path, struct capture_stream **stream_out)
{
    static const cookie_io_functions_t functions = {
        .read = cookie_read, .seek = cookie_seek, .close = cookie_close};
    struct capture_stream *s = calloc(1, sizeof(*s));
    FILE *stream;

    if (!s)
        return NULL;
    s->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    stream = s->file ? fopencookie(s, "r", functions) : NULL;
    if (!stream) {
        int why = errno;

        if (s->file && s->file != stdin)
            fclose(s->file);
        free(s);
        errno = why;
        return NULL;
    }
    *stream_out = s;
    return stream;
}
