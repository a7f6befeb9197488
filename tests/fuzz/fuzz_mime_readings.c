/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/mime_readings_run.h"

/*
 * Input: two bytes that say how to cut, then a message. It is read twice, cut differently: every
 * reading must give the same. Small limits, so that they are met.
 */
enum { TEXT_MAX = 1 << 16 };

static uint8_t memory[2][MIME_READINGS][RUN_KINDS][TEXT_MAX];

static void read_it(struct mime_run *run, int which, struct span message, size_t first, size_t step)
{
    *run = (struct mime_run){
        .limits = {.field = MIME_FIELD_MIN, .header = 600, .parts = 12, .depth = 5, .lines = 20},
        .first = first,
        .step = step,
    };
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++)
            run->texts[i][kind] = writer_of(memory[which][i][kind], TEXT_MAX);
    mime_run(run, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime_run whole, cut;
    struct span message;

    if (size < 2)
        return 0;
    message = span_of(data + 2, size - 2);
    read_it(&whole, 0, message, message.len + 1, 1);
    read_it(&cut, 1, message, data[0], 1u + data[1] % 64);
    if (whole.anomalies != cut.anomalies)
        abort();
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++) {
            struct writer *a = &whole.texts[i][kind], *b = &cut.texts[i][kind];

            if (!a->full && !b->full && !span_equal(writer_span(a), writer_span(b)))
                abort();
        }
    return 0;
}
