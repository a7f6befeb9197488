/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_check.h"

static const char *const results[] = {
#define ROW(name, word) word,
#include "proto/spf/spf_result.def"
#undef ROW
};

static const char *const steps[] = {
#define ROW(name, word) word,
#include "proto/spf/spf_step.def"
#undef ROW
};

static const struct {
    const char *word, *what;
} reasons[] = {
#define ROW(name, word, what) {word, what},
#include "proto/spf/spf_reason.def"
#undef ROW
};

const char *spf_result_word(enum spf_result result)
{
    return results[result];
}

const char *spf_reason_word(enum spf_reason reason)
{
    return reasons[reason].word;
}

const char *spf_reason_what(enum spf_reason reason)
{
    return reasons[reason].what;
}

const char *spf_step_word(enum spf_step_kind kind)
{
    return steps[kind];
}
