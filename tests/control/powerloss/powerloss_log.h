/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_POWERLOSS_POWERLOSS_LOG_H
#define TESTS_CONTROL_POWERLOSS_POWERLOSS_LOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a program did to the files of one folder, in the order in which it did it: records, each
 * followed by `len` bytes. Files are numbered as they are made; a name is a name inside the folder,
 * which has no folders in it.
 */
enum powerloss_kind {
    POWERLOSS_CREATE = 1, /* bytes: name; `file` is new */
    POWERLOSS_WRITE,      /* bytes at `offset` of `file` */
    POWERLOSS_TRUNCATE,   /* `file` to `offset` bytes */
    POWERLOSS_SYNC,       /* `file`: returned */
    POWERLOSS_FOLDER_SYNC,
    POWERLOSS_RENAME, /* bytes: old name, NUL, new name */
    POWERLOSS_LINK,   /* the same */
    POWERLOSS_UNLINK, /* bytes: name */
    POWERLOSS_MARK,   /* bytes: the program's own */
    POWERLOSS_ODD,    /* bytes: what the recorder does not understand; the recording is worthless */
};

struct powerloss_record {
    uint32_t kind; /* enum powerloss_kind */
    uint32_t file;
    uint64_t offset;
    uint64_t len;
};

/* Exported by the shim: puts a mark between what was done before and what is done after. */
void powerloss_mark(const void *bytes, size_t len);

/* The shim's environment: the folder, absolute, and the log, which is appended to. */
#define POWERLOSS_FOLDER_VARIABLE "POWERLOSS_FOLDER"
#define POWERLOSS_LOG_VARIABLE "POWERLOSS_LOG"

#endif
