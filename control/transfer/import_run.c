/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/import_run.h"

#include <errno.h>
#include <sys/stat.h>

static const char *const formats[] = {[TRANSFER_AUTO] = "auto",
                                      [TRANSFER_MAILDIR] = "maildir",
                                      [TRANSFER_MBOXRD] = "mboxrd",
                                      [TRANSFER_MBOXO] = "mboxo",
                                      [TRANSFER_MBOXCL2] = "mboxcl2"};

bool transfer_format_parse(const char *text, enum transfer_format *format_out)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(text, formats[i]) != 0)
            continue;
        *format_out = (enum transfer_format)i;
        return true;
    }
    return false;
}

bool import_run(struct import_run *run, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        run->tell(run->context, path, strerror(errno));
        return false;
    }
    if (run->format == TRANSFER_AUTO)
        run->format = S_ISDIR(st.st_mode) ? TRANSFER_MAILDIR : TRANSFER_MBOXRD;
    return run->format == TRANSFER_MAILDIR ? import_maildir(run, path) : import_mbox(run, path);
}

static struct writer reason_of(struct import_message *m)
{
    return writer_of(m->reason, sizeof(m->reason) - 1);
}

void import_message_begin(struct import_message *m, struct import_run *run, const char *where)
{
    *m = (struct import_message){.run = run, .where = where, .result = IMPORT_DONE};
}

void import_message_bytes(struct import_message *m, struct span bytes)
{
    struct writer why = reason_of(m);

    if (m->result == IMPORT_DONE && bytes.len)
        m->result = m->run->sink.bytes(m->run->sink.context, bytes, &why);
}

bool import_message_end(struct import_message *m, const struct import_meta *meta)
{
    struct writer why = reason_of(m);
    struct import_run *run = m->run;

    if (m->result == IMPORT_DONE)
        m->result = run->sink.end(run->sink.context, meta, &why);
    run->imported += m->result == IMPORT_DONE;
    run->keywords += m->result == IMPORT_DONE && meta->others;
    run->there += m->result == IMPORT_THERE;
    run->refused += m->result == IMPORT_REFUSED;
    if (m->result == IMPORT_REFUSED || m->result == IMPORT_FAILED)
        run->tell(run->context, m->where, m->reason[0] ? m->reason : "it failed");
    return m->result != IMPORT_FAILED;
}

void import_message_fail(struct import_message *m, const char *why)
{
    m->run->sink.cancel(m->run->sink.context);
    m->run->refused++;
    m->run->tell(m->run->context, m->where, why);
}
