/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_audit.h"

#include "control/record/record_json.h"
#include "control/record/record_parts.h"
#include "control/record/record_writer.h"

json_t *record_audit_row(const struct store_audit *row)
{
    return json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:I, s:I, s:I}",
                     "sequence", (json_int_t)row->sequence, "at", record_json_time(row->when_ms),
                     "action", store_audit_action_name(row->action), "who",
                     record_json_text(row->for_.who), "why", record_json_text(row->for_.why),
                     "address", record_json_text(row->address), "account", (json_int_t)row->account,
                     "id", record_json_id(&row->message), "rule", record_json_text(row->rule),
                     "uid", (json_int_t)row->uid, "uid_new", (json_int_t)row->uid_new, "size",
                     (json_int_t)row->size, "messages", (json_int_t)row->count);
}

bool record_audit_tell(void *context, const struct store_audit *row)
{
    record_writer_event(context, RECORD_TYPE_audit,
                        json_pack("{s:o, s:o}", "id", record_json_id(&row->message), "audit",
                                  record_audit_row(row)));
    return true;
}
