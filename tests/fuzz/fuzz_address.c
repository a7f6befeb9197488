/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_judge.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static bool inside(struct span part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.data >= data && part.data + part.len <= data + size);
}

/* The judge agrees with the reader of envelopes, but for tags of literals. */
static void judge(struct span text)
{
    struct address_judgement j;
    struct address a;
    bool read = address_mailbox(text, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK;

    address_judge(text, &j);
    MUST(j.offset <= text.len && *address_reason_what(j.reason));
    MUST(read == (j.grade == ADDRESS_GRADE_ENVELOPE) || j.reason == ADDRESS_REASON_LITERAL_TAG);
}

/* First byte: options. A path that is read has spans inside, keeps its limits, and has a key that
 * is its own key. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[ADDRESS_KEY_MAX], again[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes)), key2 = writer_of(again, sizeof(again));
    enum address_status status;
    struct span text;
    struct address a, b;

    if (size == 0)
        return 0;
    text = span_of(data + 1, size - 1);
    judge(text);
    if (address_path(&text, data[0] & 7, &a) != ADDRESS_OK)
        return 0;
    MUST(inside(a.local, data, size) && inside(a.domain, data, size));
    MUST(a.local.len <= ADDRESS_LOCAL_MAX && a.domain.len <= ADDRESS_DOMAIN_MAX);
    MUST(text.data > data + 1 && text.data[-1] == '>');
    if (!address_key(&key, &a, data[0] & 8) || a.quoted || a.kind == ADDRESS_NULL ||
        a.kind == ADDRESS_POSTMASTER)
        return 0;
    status = address_mailbox(writer_span(&key), ADDRESS_ALLOW_UTF8, &b);
    /* A-labels can be longer than what they stand for. */
    MUST(status == ADDRESS_OK || (status == ADDRESS_LONG && a.utf8));
    if (status != ADDRESS_OK)
        return 0;
    MUST(address_key(&key2, &b, data[0] & 8) && span_equal(writer_span(&key), writer_span(&key2)));
    return 0;
}
