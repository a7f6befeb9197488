/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tap/asked_bytes.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct asked_bytes asked_hyperscan, asked_sha256;

static bool recording;

void asked_bytes_record(bool on)
{
    recording = on;
}

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory)
        return memory;
    fprintf(stderr, "no memory\n");
    exit(1);
}

static void end(struct asked_bytes *a)
{
    a->under_way = NULL;
    if (a->count ? a->ends[a->count - 1] == a->len : a->len == 0)
        return;
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 1024;
        a->ends = grown(a->ends, a->room * sizeof(*a->ends));
    }
    a->ends[a->count++] = a->len;
}

static void take(struct asked_bytes *a, void *whose, struct span bytes)
{
    if (a->under_way != whose)
        end(a);
    a->under_way = whose;
    while (a->len + bytes.len > a->cap)
        a->bytes = grown(a->bytes, a->cap = a->cap ? 2 * a->cap : 1 << 20);
    memcpy(a->bytes + a->len, bytes.data, bytes.len);
    a->len += bytes.len;
    a->calls++;
}

static void clear(struct asked_bytes *a)
{
    free(a->bytes);
    free(a->ends);
    *a = (struct asked_bytes){0};
}

void asked_bytes_free(void)
{
    clear(&asked_hyperscan);
    clear(&asked_sha256);
}

/* ---- in place of the libraries' own ---- */

hs_error_t __real_hs_scan_stream(hs_stream_t *id, const char *data, unsigned length, unsigned flags,
                                 hs_scratch_t *scratch, match_event_handler onEvent, void *context);
hs_error_t __wrap_hs_scan_stream(hs_stream_t *id, const char *data, unsigned length, unsigned flags,
                                 hs_scratch_t *scratch, match_event_handler onEvent, void *context);
hs_error_t __real_hs_reset_stream(hs_stream_t *id, unsigned flags, hs_scratch_t *scratch,
                                  match_event_handler onEvent, void *context);
hs_error_t __wrap_hs_reset_stream(hs_stream_t *id, unsigned flags, hs_scratch_t *scratch,
                                  match_event_handler onEvent, void *context);
int __real_EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t len);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t len);
int __real_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len_out);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len_out);

hs_error_t __wrap_hs_scan_stream(hs_stream_t *id, const char *data, unsigned length, unsigned flags,
                                 hs_scratch_t *scratch, match_event_handler onEvent, void *context)
{
    if (recording)
        take(&asked_hyperscan, id, span_of(data, length));
    return __real_hs_scan_stream(id, data, length, flags, scratch, onEvent, context);
}

hs_error_t __wrap_hs_reset_stream(hs_stream_t *id, unsigned flags, hs_scratch_t *scratch,
                                  match_event_handler onEvent, void *context)
{
    if (recording && asked_hyperscan.under_way == id)
        end(&asked_hyperscan);
    return __real_hs_reset_stream(id, flags, scratch, onEvent, context);
}

int __wrap_EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t len)
{
    if (recording)
        take(&asked_sha256, context, span_of(data, len));
    return __real_EVP_DigestUpdate(context, data, len);
}

int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len_out)
{
    if (recording)
        end(&asked_sha256);
    return __real_EVP_DigestFinal_ex(context, out, len_out);
}
