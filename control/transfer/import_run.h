/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_IMPORT_RUN_H
#define CONTROL_TRANSFER_IMPORT_RUN_H

#include "control/transfer/import_sink.h"

/* Reads a Maildir or an mbox and gives its messages to a sink, in memory that does not grow with
 * their size; a Maildir's names are held, about 100 bytes each. */
enum transfer_format {
    TRANSFER_AUTO, /* a directory is a Maildir, anything else an mboxrd */
    TRANSFER_MAILDIR,
    TRANSFER_MBOXRD,
    TRANSFER_MBOXO,
    TRANSFER_MBOXCL2,
};

/* False: no such format. */
bool transfer_format_parse(const char *text, enum transfer_format *format_out);

struct import_run {
    struct import_sink sink;
    enum transfer_format format;
    bool subfolders; /* of a Maildir++: into the inbox too; else told and left out */
    /* A message that was refused, or a folder that was left out: where it stands, and why. */
    void (*tell)(void *context, const char *where, const char *why);
    void *context;
    /* Out; folders: left out; keywords: messages of which some were left out. */
    uint64_t imported, there, refused, folders, keywords;
};

/* False: it ended early, which was told; what was imported before is there. */
bool import_run(struct import_run *run, const char *path);

/* What the two formats share, for import_maildir.c and import_mbox.c. */
bool import_maildir(struct import_run *run, const char *path);
bool import_mbox(struct import_run *run, const char *path);

struct import_message {
    struct import_run *run;
    const char *where;
    enum import_result result; /* DONE while bytes are taken */
    char reason[256];
};
void import_message_begin(struct import_message *m, struct import_run *run, const char *where);
void import_message_bytes(struct import_message *m, struct span bytes);
/* Counts and tells what became of it. False: nothing more can be imported. */
bool import_message_end(struct import_message *m, const struct import_meta *meta);
/* It cannot be read to its end. */
void import_message_fail(struct import_message *m, const char *why);

#endif
