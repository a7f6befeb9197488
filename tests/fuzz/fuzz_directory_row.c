/* SPDX-License-Identifier: BSD-3-Clause */
/* A value of a row of the directory, as a damaged disk might give it: what is read is written again
 * as it was, and lies inside. */
#include <stdlib.h>

#include "control/directory/directory_row.h"
#include "control/service/defence_row.h"

static uint8_t again[1 << 20];

static void same(struct span value, const struct writer *w)
{
    if (w->full || !span_equal(value, writer_span(w)))
        abort();
}

/* Bans and addresses that have logged in: times are of now's clocks, so only what is in the past of
 * both, or later than now, comes back as it was. */
static void read_defence(struct span value)
{
    static const struct defence_clocks now = {.monotonic_ms = 1 << 20, .wall_ms = 1 << 21};
    uint8_t ban_key[DEFENCE_ROW_KEY] = {DEFENCE_ROW_BAN, 1, [17] = 64};
    uint8_t known_key[] = {DEFENCE_ROW_KNOWN, 1, 2}, bytes[DEFENCE_ROW_VALUE];
    struct login_known known[LOGIN_GUARD_WAYS];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ban ban;
    uint32_t set;

    if (defence_row_read_ban(span_of(ban_key, sizeof(ban_key)), value, &now, &ban)) {
        if (ban.times == 0 || ban.since_ms > now.monotonic_ms || ban.bits != 64)
            abort();
        defence_row_put_ban(&w, &now, &ban);
        if (w.full || w.len != value.len)
            abort();
    }
    w.len = 0;
    if (defence_row_read_known(span_of(known_key, sizeof(known_key)), value, &now, &set, known)) {
        defence_row_put_known(&w, &now, known);
        if (w.full || w.len != value.len || set != 0x102)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = span_of(data, size);
    static struct directory_row_account account;
    static struct directory_row_domain domain;
    static struct directory_row_alias alias;
    struct directory_row_unique unique;
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
    w.len = 0;
    if (directory_row_read_unique(value, &unique)) {
        directory_row_put_unique(&w, &unique);
        same(value, &w);
    }
    read_defence(value);
    return 0;
}
