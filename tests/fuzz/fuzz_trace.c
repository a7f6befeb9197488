/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of records as anybody may have left it, searched back to front for what its first line
 * names. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/trace/trace_history.h"
#include "control/trace/trace_query.h"
#include "control/trace/trace_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trace_reader reader;

static void look(const struct trace_query *query, struct span line, json_t *rows)
{
    bool may = trace_query_may(query, line);
    json_t *record = json_loadb((const char *)line.data, line.len, 0, NULL);

    if (record) {
        trace_query_is(query, record);
        trace_history_record(rows, record);
    }
    (void)may;
    json_decref(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record_keys keys = {.count = 1};
    struct span text = span_of(data, size), line;
    ptrdiff_t end = span_find(text, '\n');
    char why[256], path[64];
    struct writer w = writer_of(why, sizeof(why));
    size_t sum = 0, lines = 0;
    struct trace_query *query = malloc(sizeof(*query));
    json_t *rows = json_array();
    int fd = memfd_create("trace", MFD_CLOEXEC);

    if (write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (trace_query_init(query, end < 0 ? text : span_head(text, (size_t)end), &keys, &w)) {
        if (!trace_reader_open(&reader, path))
            abort();
        while (trace_reader_next(&reader, &line)) {
            look(query, line, rows);
            sum += line.len;
            lines++;
        }
        /* Every byte was handed out once, but for line ends. */
        if (size < TRACE_LINE_MAX && sum + lines != size + (size && data[size - 1] != '\n'))
            abort();
        trace_reader_close(&reader);
        rows = trace_history_sorted(rows);
        trace_query_fini(query);
    }
    json_decref(rows);
    free(query);
    close(fd);
    return 0;
}
