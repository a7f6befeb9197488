/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_reader.h"

static const struct {
    const char *text;
    size_t len;
} field_names[MIME_FIELDS] = {
#define FIELD(NAME, name, once) [MIME_FIELD_##NAME] = {name, sizeof(name) - 1},
#include "proto/mime/mime_field.def"
#undef FIELD
};

static const struct {
    const char *name;
    const char *what;
} anomalies[MIME_ANOMALIES] = {
#define ANOMALY(NAME, name, what) {#name, what},
#include "proto/mime/mime_anomaly.def"
#undef ANOMALY
};

_Static_assert(MIME_ANOMALIES <= 64 && MIME_FIELDS <= 64, "both are kept as bits of a uint64_t");

const char *mime_anomaly_name(enum mime_anomaly anomaly)
{
    return anomalies[anomaly].name;
}

const char *mime_anomaly_what(enum mime_anomaly anomaly)
{
    return anomalies[anomaly].what;
}

const char *mime_doubt_name(enum mime_doubt doubt)
{
    static const char *const names[MIME_DOUBTS + 1] = {
#define DOUBT(NAME, name, what) #name,
#include "proto/mime/mime_doubt.def"
#undef DOUBT
        "encoded_message",
    };

    return names[doubt];
}

enum mime_field mime_field_of(struct span name)
{
    for (unsigned i = MIME_FIELD_OTHER + 1; i < MIME_FIELDS; i++)
        if (name.len == field_names[i].len &&
            span_equal_nocase(name, span_of(field_names[i].text, name.len)))
            return (enum mime_field)i;
    return MIME_FIELD_OTHER;
}
