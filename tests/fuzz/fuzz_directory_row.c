/* SPDX-License-Identifier: BSD-3-Clause */
/* A value of a row of the directory, as a damaged disk might give it: what is read is written again
 * as it was, and lies inside. */
#include <stdlib.h>

#include "control/directory/directory_row.h"

static uint8_t again[1 << 20];

static void same(struct span value, const struct writer *w)
{
    if (w->full || !span_equal(value, writer_span(w)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = span_of(data, size);
    static struct directory_row_account account;
    static struct directory_row_domain domain;
    static struct directory_row_alias alias;
    struct writer w = writer_of(again, sizeof(again));

    if (directory_row_read_account(value, &account)) {
        directory_row_put_account(&w, &account);
        same(value, &w);
    }
    w.len = 0;
    if (directory_row_read_domain(value, &domain)) {
        directory_row_put_domain(&w, &domain);
        same(value, &w);
    }
    w.len = 0;
    if (directory_row_read_alias(value, &alias)) {
        directory_row_put_alias(&w, &alias);
        same(value, &w);
    }
    return 0;
}
