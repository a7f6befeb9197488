/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_TYPE_H
#define CONTROL_RECORD_RECORD_TYPE_H

/* What records there are, and the classes of their fields. */
enum record_type {
#define RECORD_TYPE(name, text) RECORD_TYPE_##name,
#include "control/record/record_type.def"
#undef RECORD_TYPE
    RECORD_TYPES
};

enum record_class {
    RECORD_CLASS_envelope, /* what the session said: addresses, names */
    RECORD_CLASS_content,  /* what the message says */
    RECORD_CLASS_secret,   /* what may be a secret */
    RECORD_CLASSES,
};

/* What is written of a field, in the order of the words of records.privacy. */
enum record_privacy_action {
    RECORD_PRIVACY_KEEP,
    RECORD_PRIVACY_HASH,
    RECORD_PRIVACY_HASH_LOCAL, /* the domain of an address is left readable */
    RECORD_PRIVACY_TRUNCATE,
    RECORD_PRIVACY_DROP,
};

#endif
