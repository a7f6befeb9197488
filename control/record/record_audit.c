/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_audit.h"

#include <stdio.h>
#include <time.h>

#include "control/record/record_json.h"
#include "control/record/record_parts.h"

static json_t *time_of(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[64];
    struct tm t;

    if (!gmtime_r(&seconds, &t))
        return json_null();
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900,
             t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
    return json_string(text);
}

static json_t *id_of(const struct id128 *id)
{
    uint8_t text[ID128_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    id128_put(&w, id);
    return json_stringn((const char *)text, w.len);
}

json_t *record_audit_row(const struct store_audit *row)
{
    return json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:I, s:I, s:I}",
                     "sequence", (json_int_t)row->sequence, "at", time_of(row->when_ms), "action",
                     store_audit_action_name(row->action), "who", record_json_text(row->for_.who),
                     "why", record_json_text(row->for_.why), "address",
                     record_json_text(row->address), "account", (json_int_t)row->account, "id",
                     id_of(&row->message), "rule", record_json_text(row->rule), "uid",
                     (json_int_t)row->uid, "uid_new", (json_int_t)row->uid_new, "size",
                     (json_int_t)row->size, "messages", (json_int_t)row->count);
}

json_t *record_audit(const struct store_audit *row)
{
    return json_pack("{s:s, s:i, s:o, s:o}", "kind", "audit", "version", RECORD_JSON_VERSION, "id",
                     id_of(&row->message), "audit", record_audit_row(row));
}
