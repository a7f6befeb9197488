/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_FILES_H
#define CONTROL_RECORD_RECORD_FILES_H

#include <stdatomic.h>

#include "control/record/record_type.h"
#include "proto/base/span.h"

/*
 * Where lines of records go. Either one file (or standard output) for all types, which others may
 * rename; or a directory with files "TYPE-YYYYMMDD-NNNN.ndjson" (UTC, NNNN from 0000), which are
 * begun anew each day and when they have grown, and removed when they are old. Lines are gathered
 * and written with one write() a batch. Used by one thread; the counters are for any.
 */
enum { RECORD_FILES_BATCH = 256 * 1024, RECORD_FILE_NAME = 64 };

struct record_files_options {
    uint64_t rotate_size;                /* bytes; of a directory's files */
    uint64_t retention_ms[RECORD_TYPES]; /* of a directory's files; 0: for ever */
};

struct record_files {
    char *path; /* empty: lines are thrown away */
    bool directory;
    struct record_files_options options;
    uint32_t swept; /* the hour in which old files were looked for last */
    struct record_stream {
        int fd;        /* -1: none, lines are dropped */
        bool torn;     /* the file's last line has no end */
        uint32_t day;  /* YYYYMMDD, of a directory's file */
        uint64_t size; /* of a directory's file */
        char *batch;   /* on the first line */
        size_t len;
        uint32_t lines;      /* in the batch */
    } streams[RECORD_TYPES]; /* where there is one file, the first is that of all types */
    _Atomic uint64_t written, dropped, errors, removed;
};

/*
 * A path that ends in "/", or that is a directory, is a directory; it is made where only its last
 * part is missing. A single file is opened at once, and a last line that a crash left torn is ended
 * before the first new one. False with errno.
 */
bool record_files_init(struct record_files *files, const char *path,
                       const struct record_files_options *options);
/* Writes what is gathered and closes. */
void record_files_fini(struct record_files *files, uint64_t now_ms);
/* A line with its LF, copied. Longer than RECORD_FILES_BATCH: dropped and counted. */
void record_files_add(struct record_files *files, enum record_type type, struct span line,
                      uint64_t now_ms);
/* Writes what is gathered. What cannot be written is dropped and counted. */
void record_files_flush(struct record_files *files, uint64_t now_ms);
/* After files were renamed. False with errno: the single file cannot be opened. */
bool record_files_reopen(struct record_files *files);
/* Removes files whose youngest record is older than its type is kept. Looks at the directory once
 * an hour. `now_ms`: wall clock. */
void record_files_sweep(struct record_files *files, uint64_t now_ms);

const char *record_type_name(enum record_type type);
/* Reads the name of a directory's file. False: it is none. */
bool record_file_name_parse(const char *name, enum record_type *type_out, uint32_t *day_out,
                            uint32_t *number_out);

#endif
