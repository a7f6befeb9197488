/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_signature.h"

static const char *const results[] = {
#define ROW(name, word) word,
#include "proto/dkim/dkim_result.def"
#undef ROW
};

static const struct {
    const char *word, *what;
    uint8_t result;
} reasons[] = {
#define ROW(name, result, word, what) {word, what, DKIM_RESULT_##result},
#include "proto/dkim/dkim_reason.def"
#undef ROW
};

static const struct {
    const char *word, *what;
} notes[] = {
#define ROW(name, word, what) {word, what},
#include "proto/dkim/dkim_note.def"
#undef ROW
};

_Static_assert(DKIM_NOTES <= 32, "they are kept as bits of a uint32_t");

const char *dkim_result_word(enum dkim_result result)
{
    return results[result];
}

enum dkim_result dkim_reason_result(enum dkim_reason reason)
{
    return reasons[reason].result;
}

const char *dkim_reason_word(enum dkim_reason reason)
{
    return reasons[reason].word;
}

const char *dkim_reason_what(enum dkim_reason reason)
{
    return reasons[reason].what;
}

const char *dkim_note_word(enum dkim_note note)
{
    return notes[note].word;
}

const char *dkim_note_what(enum dkim_note note)
{
    return notes[note].what;
}

const char *dkim_algorithm_word(enum dkim_key_type type, enum dkim_hash hash)
{
    if (type == DKIM_ED25519)
        return "ed25519-sha256";
    return hash == DKIM_SHA1 ? "rsa-sha1" : "rsa-sha256";
}
