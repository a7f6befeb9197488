/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/capture/capture_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "proto/base/writer.h"
#include "tests/harness/check.h"

enum { FILE_MAX = 1 << 20, RECORD = 16, HEADER = 24 };

static uint8_t built[FILE_MAX];
static struct writer w;
static char path[3][64];

static void put32(uint32_t v)
{
    writer_uint(&w, __builtin_bswap32(v), 4);
}

static void put16(uint16_t v)
{
    writer_uint(&w, __builtin_bswap16(v), 2);
}

/* A pcap with times in nanoseconds. */
static void begin(uint32_t link)
{
    w = writer_of(built, sizeof(built));
    put32(0xa1b23c4d);
    put16(2);
    put16(4);
    put32(0);
    put32(0);
    put32(65535);
    put32(link);
}

static void frame(uint32_t second, uint32_t ns, const char *text, uint32_t wire_len)
{
    put32(second);
    put32(ns);
    put32((uint32_t)strlen(text));
    put32(wire_len);
    writer_span_put(&w, span_text(text));
}

/* A pcapng: section, interface with nanoseconds, packets. */
static void ng_block(uint32_t type, const void *body, uint32_t len)
{
    put32(type);
    put32(len + 12);
    writer_span_put(&w, span_of(body, len));
    put32(len + 12);
}

static void ng_begin(void)
{
    static const uint8_t section[] = {0x4d, 0x3c, 0x2b, 0x1a, 1,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t interface[] = {1, 0, 0, 0, 0, 0, 1, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0};

    w = writer_of(built, sizeof(built));
    ng_block(0x0a0d0d0a, section, sizeof(section));
    ng_block(1, interface, sizeof(interface));
}

static void ng_frame(uint64_t ns, const char *text)
{
    uint32_t len = (uint32_t)strlen(text),
             head[5] = {0, (uint32_t)(ns >> 32), (uint32_t)ns, len, len};
    uint8_t body[64] = {0};

    memcpy(body, head, sizeof(head));
    memcpy(body + sizeof(head), text, len);
    ng_block(6, body, (uint32_t)sizeof(head) + (len + 3) / 4 * 4);
}

static void save(int n, struct span bytes)
{
    FILE *f;

    snprintf(path[n], sizeof(path[n]), "/tmp/test_capture_%d_%d", getpid(), n);
    f = fopen(path[n], "wb");
    fwrite(bytes.data, 1, bytes.len, f);
    fclose(f);
}

/* Frames up to the end or a fault as "TEXT@NS ...", then what was wrong. */
static const char *read_all(int n)
{
    static char told[FILE_MAX];
    char error[CAPTURE_ERROR];
    struct capture_reader *r = capture_reader_open(path[n], error);
    struct capture_frame f;
    enum capture_status status;
    size_t len = 0;

    if (!r) {
        snprintf(told, sizeof(told), "%s", error);
        unlink(path[n]);
        return told;
    }
    told[0] = 0;
    while ((status = capture_reader_next(r, &f)) == CAPTURE_FRAME)
        len +=
            (size_t)snprintf(told + len, sizeof(told) - len, "%.*s@%llu/%u ", (int)f.bytes.len,
                             (const char *)f.bytes.data, (unsigned long long)f.time_ns, f.wire_len);
    if (status == CAPTURE_BROKEN)
        snprintf(told + len, sizeof(told) - len, "! %s", capture_reader_error(r));
    capture_reader_close(r);
    unlink(path[n]);
    return told;
}

#define READS(n_, text_) CHECK_TEXT(span_text(read_all(n_)), text_)

static void two_frames(void)
{
    begin(1);
    frame(1, 5, "abc", 3);
    frame(2, 999999999, "de", 1500);
}

#define TWO "abc@1000000005/3 de@2999999999/1500 "

static struct span packed_gzip(struct span bytes)
{
    static uint8_t out[FILE_MAX];
    z_stream z = {0};

    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (uint8_t *)bytes.data;
    z.avail_in = (unsigned)bytes.len;
    z.next_out = out;
    z.avail_out = sizeof(out);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return span_of(out, sizeof(out) - z.avail_out);
}

static struct span packed_zstd(struct span bytes)
{
    static uint8_t out[FILE_MAX];

    return span_of(out, ZSTD_compress(out, sizeof(out), bytes.data, bytes.len, 3));
}

static void formats_and_compressions(void)
{
    two_frames();
    save(0, writer_span(&w));
    READS(0, TWO);
    save(0, packed_gzip(writer_span(&w)));
    READS(0, TWO);
    save(0, packed_zstd(writer_span(&w)));
    READS(0, TWO);
    ng_begin();
    ng_frame(7, "abc");
    ng_frame(UINT64_C(5000000000), "de");
    save(0, writer_span(&w));
    READS(0, "abc@7/3 de@5000000000/2 ");
}

/* Two gzip files one behind the other are one. */
static void gzip_members_follow_each_other(void)
{
    static uint8_t both[FILE_MAX];
    struct span part;
    size_t len;

    two_frames();
    part = packed_gzip(span_head(writer_span(&w), 30));
    memcpy(both, part.data, len = part.len);
    part = packed_gzip(span_skip(writer_span(&w), 30));
    memcpy(both + len, part.data, part.len);
    save(0, span_of(both, len + part.len));
    READS(0, TWO);
}

/* What was whole comes first, then the fault with its offset: at every length. */
static void truncated_files_tell_where(void)
{
    static const char first[] = "abc@1000000005/3 ";
    size_t whole;

    two_frames();
    whole = writer_span(&w).len;
    for (size_t n = 0; n < whole; n++) {
        const char *told;
        char where[64];
        bool at_border = n == HEADER || n == HEADER + RECORD + 3;

        save(0, span_head(writer_span(&w), n));
        told = read_all(0);
        snprintf(where, sizeof(where), "at offset %zu", n);
        if (n < HEADER)
            CHECK(strncmp(told, "not a capture: ", 15) == 0);
        else
            CHECK(!strchr(told, '!') == at_border);
        if (!at_border)
            CHECK(strstr(told, where));
        CHECK((strncmp(told, first, strlen(first)) == 0) == (n >= HEADER + RECORD + 3));
    }
    for (int zstd = 0; zstd < 2; zstd++) {
        struct span packed = zstd ? packed_zstd(writer_span(&w)) : packed_gzip(writer_span(&w));

        for (size_t n = 4; n < packed.len; n++) {
            save(0, span_head(packed, n));
            CHECK(strstr(read_all(0), "ends too early, at offset"));
        }
    }
}

static void foreign_and_corrupt_files_are_named(void)
{
    struct span packed;

    save(0, span_text("From: somebody\r\nSubject: no capture at all\r\n\r\n"));
    CHECK(strstr(read_all(0), "not a capture: unknown file format, at offset "));
    save(0, span_text(""));
    CHECK(strstr(read_all(0), "not a capture: "));
    snprintf(path[0], sizeof(path[0]), "/nonexistent/capture");
    READS(0, "No such file or directory");
    begin(1);
    frame(1, 5, "abc", 3);
    put32(1);
    put32(1);
    put32(0x7fffffff);
    put32(0x7fffffff);
    save(0, writer_span(&w));
    CHECK(strstr(read_all(0), "abc@1000000005/3 ! invalid packet capture length"));
    two_frames();
    packed = packed_gzip(writer_span(&w));
    ((uint8_t *)packed.data)[packed.len - 6] ^= 1;
    save(0, packed);
    CHECK(strstr(read_all(0), "the gzip data is corrupt, at offset"));
}

static const char *read_files(uint32_t count, bool by_time)
{
    static char told[4096];
    char *paths[3] = {path[0], path[1], path[2]};
    struct capture_files *files = capture_files_new(paths, count, by_time);
    struct capture_frame f;
    enum capture_status status;
    size_t len = 0;

    while ((status = capture_files_next(files, &f)) != CAPTURE_END) {
        if (status == CAPTURE_FRAME)
            len += (size_t)snprintf(told + len, sizeof(told) - len, "%.*s ", (int)f.bytes.len,
                                    (const char *)f.bytes.data);
        else
            len += (size_t)snprintf(told + len, sizeof(told) - len, "(%s) ",
                                    strrchr(capture_files_error(files), '/') ? "broken" : "?");
    }
    capture_files_free(files);
    return told;
}

static void files_are_read_in_order_or_by_time(void)
{
    begin(1);
    frame(1, 0, "a", 1);
    frame(3, 0, "c", 1);
    save(0, writer_span(&w));
    save(1, span_text("nothing"));
    begin(1);
    frame(2, 0, "b", 1);
    frame(4, 0, "d", 1);
    save(2, packed_gzip(writer_span(&w)));
    CHECK_TEXT(span_text(read_files(3, false)), "a c (broken) b d ");
    CHECK_TEXT(span_text(read_files(3, true)), "(broken) a b c d ");
    for (int i = 0; i < 3; i++)
        unlink(path[i]);
}

/* 256 MB come out of a small file; memory stays where it was. */
static void large_files_stream(void)
{
    enum { PACKETS = 4096, LENGTH = 65535 };
    static uint8_t bytes[LENGTH];
    struct rusage before, after;
    char error[CAPTURE_ERROR];
    struct capture_reader *r;
    struct capture_frame f;
    uint64_t total = 0;
    gzFile out;

    snprintf(path[0], sizeof(path[0]), "/tmp/test_capture_%d_large", getpid());
    out = gzopen(path[0], "wb1");
    begin(1);
    gzwrite(out, built, HEADER);
    w = writer_of(built, sizeof(built));
    put32(1);
    put32(1);
    put32(LENGTH);
    put32(LENGTH);
    for (int i = 0; i < PACKETS; i++) {
        gzwrite(out, built, RECORD);
        gzwrite(out, bytes, LENGTH);
    }
    gzclose(out);
    getrusage(RUSAGE_SELF, &before);
    r = capture_reader_open(path[0], error);
    while (r && capture_reader_next(r, &f) == CAPTURE_FRAME)
        total += f.bytes.len;
    CHECK(total == (uint64_t)PACKETS * LENGTH);
    CHECK(r && capture_reader_offset(r) == HEADER + (uint64_t)PACKETS * (RECORD + LENGTH));
    capture_reader_close(r);
    getrusage(RUSAGE_SELF, &after);
    CHECK(after.ru_maxrss - before.ru_maxrss < 4096);
    unlink(path[0]);
}

int main(void)
{
    check_begin();
    CHECK_CASE(formats_and_compressions);
    CHECK_CASE(gzip_members_follow_each_other);
    CHECK_CASE(truncated_files_tell_where);
    CHECK_CASE(foreign_and_corrupt_files_are_named);
    CHECK_CASE(files_are_read_in_order_or_by_time);
    CHECK_CASE(large_files_stream);
    return check_end();
}
