/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/record/record_json.h"
#include "tests/harness/check.h"

static const struct record_key key = {.id = 0x12345678, .bytes = {1, 2, 3}},
                               other = {.id = 9, .bytes = {1, 2, 4}};

static struct record_privacy with(enum record_privacy_action action)
{
    struct record_privacy p = {.key = &key};

    memset(p.action, action, sizeof(p.action));
    return p;
}

static const char *told(json_t **held, enum record_privacy_action action, enum record_field field,
                        const char *text)
{
    struct record_privacy p = with(action);
    struct json_line line = {0};

    json_decref(*held);
    record_privacy_put(&line, NULL, &p, field, span_text(text));
    *held = json_line_load(&line);
    json_line_fini(&line);
    return json_string_value(*held);
}

static void classes_and_forms(void)
{
    json_t *held = NULL;
    const char *text;

    CHECK_TEXT(span_text(told(&held, RECORD_PRIVACY_KEEP, RECORD_FIELD_mail_from, "a@b.test")),
               "a@b.test");
    CHECK(told(&held, RECORD_PRIVACY_DROP, RECORD_FIELD_mail_from, "a@b.test") == NULL &&
          json_is_null(held));
    CHECK_TEXT(
        span_text(told(&held, RECORD_PRIVACY_TRUNCATE, RECORD_FIELD_mail_from, "alice@b.test")),
        "a...@b.test");
    CHECK_TEXT(span_text(told(&held, RECORD_PRIVACY_TRUNCATE, RECORD_FIELD_subject,
                              "Invitation to the party")),
               "Invitati...");
    CHECK_TEXT(span_text(told(&held, RECORD_PRIVACY_TRUNCATE, RECORD_FIELD_subject,
                              "\xc3\xbc\xc3\xbc\xc3\xbc\xe2\x82\xac\xe2\x82\xac")),
               "\xc3\xbc\xc3\xbc\xc3\xbc...");
    CHECK_TEXT(span_text(told(&held, RECORD_PRIVACY_TRUNCATE, RECORD_FIELD_client, "198.18.7.9")),
               "198.18.7.0");
    CHECK_TEXT(
        span_text(told(&held, RECORD_PRIVACY_TRUNCATE, RECORD_FIELD_client, "2001:2:3:4:5::6")),
        "2001:2:3::");
    text = told(&held, RECORD_PRIVACY_HASH, RECORD_FIELD_mail_from, "alice@b.test");
    CHECK(strlen(text) == RECORD_HASH_TEXT && strncmp(text, "hash:12345678:", 14) == 0);
    text = told(&held, RECORD_PRIVACY_HASH_LOCAL, RECORD_FIELD_mail_from, "alice@B.test");
    CHECK(strlen(text) == RECORD_HASH_TEXT + 7 && strcmp(text + RECORD_HASH_TEXT, "@b.test") == 0);
    /* Nobody. */
    CHECK_TEXT(span_text(told(&held, RECORD_PRIVACY_HASH, RECORD_FIELD_mail_from, "")), "");
    json_decref(held);
}

static bool same_hash(enum record_field field, const struct record_key *k, const char *a,
                      const char *b)
{
    json_t *one = record_privacy_hash(&key, field, span_text(a), false),
           *two = record_privacy_hash(k, field, span_text(b), false);
    bool same = json_equal(one, two);

    json_decref(one);
    json_decref(two);
    return same;
}

static void equal_values_have_equal_hashes(void)
{
    CHECK(same_hash(RECORD_FIELD_rcpt_to, &key, "Alice@b.test", "alice@B.TEST"));
    CHECK(!same_hash(RECORD_FIELD_rcpt_to, &key, "alice@b.test", "alice@c.test"));
    CHECK(!same_hash(RECORD_FIELD_rcpt_to, &other, "alice@b.test", "alice@b.test"));
    CHECK(same_hash(RECORD_FIELD_message_id, &key, " <x@y> ", "x@y"));
    CHECK(!same_hash(RECORD_FIELD_message_id, &key, "X@y", "x@y"));
    CHECK(!same_hash(RECORD_FIELD_subject, &key, "A", "a"));
}

static void secrets_are_dropped_unless_asked_for(void)
{
    static struct record r;
    json_t *json;

    record_reset(&r, RECORD_CONNECTION);
    r.connection.user_refused = record_put(&r, span_text("open sesame"), 64);
    json = record_json(&r, &record_privacy_default);
    CHECK(json_is_null(json_object_get(json_object_get(json, "connection"), "user_refused")));
    json_decref(json);
}

static void paths_are_in_the_record(void)
{
    for (int i = 0; i < RECORD_FIELDS; i++) {
        CHECK(strchr(record_field_path((enum record_field)i), '.') != NULL);
        CHECK(record_field_class((enum record_field)i) < RECORD_CLASSES);
    }
}

/* ---- keys ---- */

static void keys_rotate_and_are_forgotten(void)
{
    static struct record_keys keys;
    uint32_t first;

    CHECK(record_keys_load(&keys, "") && record_keys_now(&keys) == NULL);
    CHECK(record_keys_turn(&keys, 1000, 100, 250) && keys.count == 1);
    first = record_keys_now(&keys)->id;
    CHECK(record_keys_turn(&keys, 1099, 100, 250) && record_keys_now(&keys)->id == first);
    CHECK(record_keys_turn(&keys, 1100, 100, 250) && keys.count == 2);
    CHECK(record_keys_now(&keys)->id != first && keys.keys[0].id == first);
    CHECK(record_keys_turn(&keys, 1349, 1000, 250) && keys.keys[0].id == first);
    CHECK(record_keys_turn(&keys, 1350, 1000, 250) && keys.count == 1);
    /* The clock was set back: the key's time has not begun. */
    CHECK(record_keys_turn(&keys, 500, 1000, 250) && keys.count == 2);
    CHECK(record_keys_now(&keys)->began_ms == 500);
    /* Never more than there is room for. */
    for (uint64_t i = 0; i < 2 * RECORD_KEYS_MAX; i++)
        record_keys_turn(&keys, 10000 + i, 1, UINT64_MAX);
    CHECK(keys.count == RECORD_KEYS_MAX);
    CHECK(record_keys_turn(&keys, 20000, 1, 0) && keys.count == 1);
}

static void keys_survive_in_their_file(void)
{
    static struct record_keys keys, back;
    char directory[] = "/tmp/wirepost-keys-XXXXXX", path[64];
    struct stat st;
    FILE *f;

    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/keys", directory);
    CHECK(record_keys_load(&keys, path) && keys.count == 0);
    /* What cannot be read is no empty file. */
    CHECK(!record_keys_load(&keys, directory) && keys.count == 0 && errno == EISDIR);
    CHECK(record_keys_load(&keys, path));
    CHECK(record_keys_turn(&keys, 1000, 100, 1000) && record_keys_turn(&keys, 1200, 100, 1000));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(record_keys_load(&back, path) && back.count == 2);
    CHECK(memcmp(back.keys, keys.keys, 2 * sizeof(keys.keys[0])) == 0);
    /* Cut at any place but a line's end it is no file of keys, and nothing is guessed. */
    for (long cut = 1; cut < 2 * (8 + 1 + 64 + 1 + 4 + 1); cut++) {
        CHECK(record_keys_turn(&keys, 1200, 100, 1000));
        f = fopen(path, "w");
        for (int i = 0; i < 2; i++) {
            fprintf(f, "%08x ", i);
            for (int b = 0; b < 64; b++)
                fputc('a', f);
            fprintf(f, " 1234\n");
        }
        fclose(f);
        CHECK(truncate(path, cut) == 0);
        if (cut % 79 == 0)
            CHECK(record_keys_load(&back, path) && back.count == cut / 79);
        else
            CHECK(!record_keys_load(&back, path) && back.count == 0 && errno == EINVAL);
    }
    unlink(path);
    rmdir(directory);
    CHECK(record_keys_load(&keys, path));
    CHECK(!record_keys_turn(&keys, 1, 1, 1) && record_keys_now(&keys) != NULL);
}

int main(void)
{
    check_begin();
    CHECK_CASE(classes_and_forms);
    CHECK_CASE(equal_values_have_equal_hashes);
    CHECK_CASE(secrets_are_dropped_unless_asked_for);
    CHECK_CASE(paths_are_in_the_record);
    CHECK_CASE(keys_rotate_and_are_forgotten);
    CHECK_CASE(keys_survive_in_their_file);
    return check_end();
}
