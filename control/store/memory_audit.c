/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

#include "control/base/clock.h"

static bool grow(struct memory *m, uint32_t rows)
{
    uint32_t cap = m->audit_cap ? m->audit_cap : 16;
    struct memory_audit_row **grown;

    while (cap - m->audit_count < rows)
        cap *= 2;
    if (cap == m->audit_cap)
        return true;
    grown = realloc(m->audit, cap * sizeof(*grown));
    if (!grown)
        return false;
    m->audit = grown;
    m->audit_cap = cap;
    return true;
}

bool memory_audit_begin(struct memory *m, uint32_t rows)
{
    uint32_t spare = 0;

    for (struct memory_audit_row *row = m->audit_spare; row && spare < rows; row = row->next)
        spare++;
    for (; spare < rows; spare++) {
        struct memory_audit_row *row = malloc(sizeof(*row));

        if (!row)
            return false;
        row->next = m->audit_spare;
        m->audit_spare = row;
    }
    return grow(m, rows);
}

void memory_audit_put(struct memory *m, const struct store_audit *fields)
{
    struct memory_audit_row *row = m->audit_spare, *shrunk;
    struct store_audit stamped = *fields;
    struct writer w = writer_of(row->bytes, sizeof(row->bytes));

    m->audit_spare = row->next;
    stamped.when_ms = row->when_ms = clock_wall_ms();
    store_audit_put(&w, &stamped);
    row->len = (uint32_t)w.len;
    shrunk = realloc(row, offsetof(struct memory_audit_row, bytes) + row->len);
    m->audit[m->audit_count++] = shrunk ? shrunk : row;
}

enum store_status memory_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                               void *context)
{
    struct memory *m = memory_of(store);
    enum store_status status = STORE_OK;
    bool more = true;

    /* Row by row: who is shown one may take long. */
    while (more && status == STORE_OK && since != UINT64_MAX) {
        struct store_audit row;

        memory_lock(m);
        since = since + 1 < m->audit_first ? m->audit_first : since + 1;
        more = since - m->audit_first < m->audit_count;
        if (more) {
            const struct memory_audit_row *found = m->audit[since - m->audit_first];

            row.sequence = since;
            if (store_audit_read(span_of(found->bytes, found->len), &row))
                more = visit(context, &row);
            else
                status = STORE_CORRUPT;
        }
        memory_unlock(m);
    }
    return status;
}

enum store_status memory_audit_last(struct store *store, uint64_t *sequence_out)
{
    struct memory *m = memory_of(store);

    memory_lock(m);
    *sequence_out = m->audit_first + m->audit_count - 1;
    memory_unlock(m);
    return STORE_OK;
}

enum store_status memory_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                    uint32_t *removed_out)
{
    struct memory *m = memory_of(store);
    uint32_t n = 0;

    memory_lock(m);
    while (n < m->audit_count && n < limit && m->audit[n]->when_ms < before_ms)
        free(m->audit[n++]);
    m->audit_count -= n;
    m->audit_first += n;
    if (n)
        memmove(m->audit, m->audit + n, m->audit_count * sizeof(m->audit[0]));
    memory_unlock(m);
    *removed_out = n;
    return STORE_OK;
}

void memory_audit_fini(struct memory *m)
{
    for (uint32_t i = 0; i < m->audit_count; i++)
        free(m->audit[i]);
    for (struct memory_audit_row *row = m->audit_spare, *next; row; row = next) {
        next = row->next;
        free(row);
    }
    free(m->audit);
}
