/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/proxy/proxy_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whole and byte by byte it comes to the same, and takes the same; never more than its bound. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span whole = span_of(data, size);
    struct proxy_endpoints a = {0}, b = {0};
    struct proxy_reader one, other;
    enum proxy_status status, last = PROXY_MORE;
    size_t taken = 0;

    proxy_reader_init(&one);
    proxy_reader_init(&other);
    status = proxy_reader_feed(&one, &whole);
    while (taken < size && last == PROXY_MORE) {
        struct span in = span_of(data + taken, 1);

        last = proxy_reader_feed(&other, &in);
        taken += 1 - in.len;
    }
    if (last != status || (status == PROXY_MORE && whole.len) ||
        size - whole.len > PROXY_HEADER_MAX)
        abort();
    if (status == PROXY_DONE &&
        (taken != size - whole.len ||
         proxy_reader_endpoints(&one, &a) != proxy_reader_endpoints(&other, &b) ||
         memcmp(&a, &b, sizeof(a)) != 0))
        abort();
    return 0;
}
