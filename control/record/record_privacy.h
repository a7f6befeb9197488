/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_PRIVACY_H
#define CONTROL_RECORD_RECORD_PRIVACY_H

#include "control/record/json_line.h"
#include "control/record/record_keys.h"
#include "control/record/record_type.h"
#include "proto/base/writer.h"

/*
 * What of a peer's text a record tells. record_field.def names each such field and its class, the
 * configuration says for each class what is written: the text, a keyed hash, its beginning, or
 * null.
 */
enum record_field {
#define RECORD_FIELD(symbol, path, class, form) RECORD_FIELD_##symbol,
#include "control/record/record_field.def"
#undef RECORD_FIELD
    RECORD_FIELDS
};

struct record_privacy {
    uint8_t action[RECORD_CLASSES]; /* enum record_privacy_action */
    const struct record_key *key;   /* NULL: there is none, and what was to be hashed is dropped */
};

/* Everything is written but secrets: what records say unless they are told otherwise. */
extern const struct record_privacy record_privacy_default;

/* More than any text takes that is not written as it is. */
enum { RECORD_PRIVACY_ROOM = 1024 + RECORD_HASH_TEXT };
/*
 * The text as the field may have it, made safe by peer_text(). `out` has room for the bytes and for
 * RECORD_PRIVACY_ROOM. False: nothing may be told.
 */
bool record_privacy_text(const struct record_privacy *privacy, enum record_field field,
                         struct span bytes, struct writer *out);
/* The same into a line; null where nothing may be told. */
void record_privacy_put(struct json_line *j, const char *key, const struct record_privacy *privacy,
                        enum record_field field, struct span bytes);
/* Its path in the record, "message.mail_from". */
const char *record_field_path(enum record_field field);
enum record_class record_field_class(enum record_field field);

/*
 * The hash under which an address (or a Message-ID) stands in records of this key: what a search
 * looks for. With `local` as RECORD_PRIVACY_HASH_LOCAL has it. A new reference, NULL: no memory.
 */
json_t *record_privacy_hash(const struct record_key *key, enum record_field field,
                            struct span bytes, bool local);

#endif
