/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_care.h"

#include <limits.h>

#include "control/record/record_json.h"
#include "control/store/store_backup.h"

/* ---- fsck ---- */

static void note_fault(void *context, const struct store_fault *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "fault", json_string(store_faults[f->class].name));
    json_object_set_new(o, "id", record_json_id(&f->message));
    json_object_set_new(o, "account", json_integer((json_int_t)f->account));
    json_object_set_new(o, "mailbox", json_integer((json_int_t)f->mailbox));
    json_object_set_new(o, "uid", json_integer(f->uid));
    json_object_set_new(o, "repaired", json_boolean(f->repaired));
    json_array_append_new(context, o);
}

static json_t *fsck(struct store *store, const struct ctl_request *request, struct writer *why)
{
    struct store_fsck options = {.repair = request->count > 0, .visit = note_fault};
    struct store_health h;
    enum store_status status;
    json_t *o, *faults;

    if (options.repair && !span_equal(request->arguments[0], span_text("repair"))) {
        writer_text(why, "expected fsck [repair]");
        return NULL;
    }
    options.context = json_array();
    status = store_fsck(store, &options, &h);
    if (status != STORE_OK) {
        json_decref(options.context);
        writer_printf(why, "ended early: %s", store_status_name(status));
        return NULL;
    }
    faults = json_object();
    for (int i = 0; i < STORE_FAULTS; i++)
        json_object_set_new(faults, store_faults[i].name, json_integer((json_int_t)h.faults[i]));
    o = json_object();
    json_object_set_new(o, "sound", json_boolean(!h.bad && !h.bodiless && !h.orphans && !h.counts));
    json_object_set_new(o, "bodies", json_integer((json_int_t)h.bodies));
    json_object_set_new(o, "entries", json_integer((json_int_t)h.entries));
    json_object_set_new(o, "rows", json_integer((json_int_t)h.rows));
    json_object_set_new(o, "repaired", json_integer((json_int_t)h.repaired));
    json_object_set_new(o, "faults", faults);
    json_object_set_new(o, "examples", options.context);
    return o;
}

/* ---- backups ---- */

static void note_backup(void *context, const struct store_backup *b)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_integer(b->id));
    json_object_set_new(o, "made_s", json_integer((json_int_t)b->made_s));
    json_object_set_new(o, "bytes", json_integer((json_int_t)b->bytes));
    json_object_set_new(o, "files", json_integer(b->files));
    json_array_append_new(context, o);
}

static json_t *answer_of(enum store_status status, json_t *result, const char *error,
                         struct writer *why)
{
    if (status == STORE_OK)
        return result;
    writer_text(why, error);
    json_decref(result);
    return NULL;
}

/* number = 1*10DIGIT ; 1 to 2^32 - 1 */
static bool parse_number(struct span text, uint32_t *number_out)
{
    uint64_t n;

    if (!ctl_request_number(text, UINT64_MAX, &n) || n == 0 || n > UINT32_MAX)
        return false;
    *number_out = (uint32_t)n;
    return true;
}

static json_t *backup(struct store *store, const struct ctl_request *request, struct writer *why)
{
    char folder[PATH_MAX], error[STORE_ERROR] = "";
    struct span name = request->arguments[0];
    uint32_t number = 0;
    json_t *result;

    if (name.len == 0 || name.data[0] != '/' || name.len >= sizeof(folder)) {
        writer_text(why, "expected a folder by its whole path, beginning with /");
        return NULL;
    }
    memcpy(folder, name.data, name.len);
    folder[name.len] = 0;
    if (request->count > 1 && !parse_number(request->arguments[1], &number)) {
        writer_text(why, "expected a number from 1 on");
        return NULL;
    }
    if (request->command == CTL_BACKUP_VERIFY)
        return answer_of(store_backup_verify(folder, number, error), json_true(), error, why);
    if (request->command == CTL_BACKUP_PURGE)
        return answer_of(store_backup_purge(folder, number, error), json_true(), error, why);
    if (request->command == CTL_BACKUP_LIST) {
        result = json_array();
        return answer_of(store_backup_list(folder, note_backup, result, error), result, error, why);
    }
    if (store_backup_create(store, folder, &number, error) != STORE_OK)
        return answer_of(STORE_FAILED, NULL, error, why);
    result = json_object();
    json_object_set_new(result, "id", json_integer(number));
    return result;
}

json_t *ctl_care(struct store *store, const struct ctl_request *request, struct writer *why)
{
    return request->command == CTL_FSCK ? fsck(store, request, why) : backup(store, request, why);
}
