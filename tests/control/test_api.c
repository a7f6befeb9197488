/* SPDX-License-Identifier: BSD-3-Clause */
/* The API without its server: paths, roles, bodies, lines, tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/api/api_body.h"
#include "control/api/api_clients.h"
#include "control/api/api_lines.h"
#include "tests/harness/check.h"

/* ---- paths ---- */

static enum api_found find(const char *method, const char *path, struct api_match *match)
{
    struct span copy = guard_copy(span_text(path), true);
    enum api_found found = api_route_find(span_text(method), copy, match);

    guard_free(copy);
    return found;
}

static void every_operation_is_found(void)
{
    struct api_match match;

    for (int i = 0; i < API_OPERATIONS; i++) {
        const struct api_route *route = &api_routes[i];
        char path[128] = "";
        struct writer w = writer_of(path, sizeof(path) - 1);
        const char *brace = strchr(route->path, '{'), *end = strchr(route->path, '}');

        writer_span_put(
            &w, span_of(route->path, brace ? (size_t)(brace - route->path) : strlen(route->path)));
        if (brace) {
            writer_text(&w, "a%2Fb@x.test");
            writer_text(&w, end + 1);
        }
        CHECK(find(api_method_name((enum api_method)route->method), path, &match) == API_FOUND);
        CHECK((int)match.operation == i && (match.methods >> route->method & 1));
        CHECK_TEXT(span_of(match.parameter, match.len), brace ? "a/b@x.test" : "");
    }
    CHECK(find("HEAD", "/v1/accounts", &match) == API_FOUND && match.operation == API_ACCOUNT_LIST);
}

static void other_paths_are_none(void)
{
    static const struct {
        const char *method, *path;
        enum api_found found;
    } rows[] = {
        {"GET", "", API_NO_PATH},
        {"GET", "/", API_NO_PATH},
        {"GET", "v1/accounts", API_NO_PATH},
        {"GET", "/v1", API_NO_PATH},
        {"GET", "/v1/", API_NO_PATH},
        {"GET", "/v1/accounts/", API_NO_PATH},
        {"GET", "//v1/accounts", API_NO_PATH},
        {"GET", "/v1//accounts", API_NO_PATH},
        {"GET", "/V1/accounts", API_NO_PATH},
        {"GET", "/v1/%61ccounts", API_NO_PATH},
        {"GET", "/v1/accounts/a@b/", API_NO_PATH},
        {"GET", "/v1/accounts/a@b/c", API_NO_PATH},
        {"GET", "/v1/accounts/a@b/password/", API_NO_PATH},
        {"GET", "/v1/accounts//password", API_NO_PATH},
        {"GET", "/v1/../v1/accounts", API_NO_PATH},
        {"GET", "/v1/accounts/%", API_BAD_PATH},
        {"GET", "/v1/accounts/%4", API_BAD_PATH},
        {"GET", "/v1/accounts/%4g", API_BAD_PATH},
        {"GET", "/v1/accounts/a%00b", API_BAD_PATH},
        {"GET", "/v1/accounts/a%0d%0ab", API_BAD_PATH},
        {"GET", "/v1/accounts/a%7f", API_BAD_PATH},
        {"GET", "/v1/accounts/%ff", API_BAD_PATH},
        {"GET", "/v1/accounts/%c0%af", API_BAD_PATH},
        {"get", "/v1/accounts", API_NO_METHOD},
        {"", "/v1/accounts", API_NO_METHOD},
        {"DELETE", "/v1/accounts", API_NO_METHOD},
        {"POST", "/v1/accounts/a@b", API_NO_METHOD},
    };
    struct api_match match;
    char text[512] = "/v1/accounts/";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!CHECK(find(rows[i].method, rows[i].path, &match) == rows[i].found))
            printf("# %s %s\n", rows[i].method, rows[i].path);
    memset(text + strlen(text), 'a', API_PARAMETER);
    CHECK(find("GET", text, &match) == API_FOUND && match.len == API_PARAMETER);
    strcat(text, "a");
    CHECK(find("GET", text, &match) == API_BAD_PATH);
}

static void a_segment_is_decoded_once(void)
{
    struct api_match match;
    uint8_t bytes[256], coded[1024], back[256];
    struct writer w = writer_of(coded, sizeof(coded)), r = writer_of(back, sizeof(back));

    CHECK(find("GET", "/v1/accounts/a%2540b", &match) == API_FOUND);
    CHECK_TEXT(span_of(match.parameter, match.len), "a%40b");
    for (size_t i = 0; i < 95; i++)
        bytes[i] = (uint8_t)(' ' + i);
    api_encode(span_of(bytes, 95), &w);
    CHECK(api_decode(writer_span(&w), &r) && span_equal(writer_span(&r), span_of(bytes, 95)));
    for (size_t i = 0; i < w.len; i++)
        CHECK(coded[i] > ' ' && coded[i] != '/' && coded[i] != '"');
}

/* ---- roles ---- */

/* Written down here a second time, on purpose: a row that changes in the one is to change in both.
 */
static void each_role_may_what_it_may(void)
{
    static const char *const may[API_OPERATIONS] = {
        [API_HEALTH] = "ADRP",         [API_STATUS] = "A-R-",
        [API_DOMAIN_LIST] = "ADR-",    [API_DOMAIN_GET] = "ADR-",
        [API_DOMAIN_PUT] = "A---",     [API_DOMAIN_PATCH] = "A---",
        [API_DOMAIN_DELETE] = "A---",  [API_ACCOUNT_LIST] = "ADR-",
        [API_ACCOUNT_IMPORT] = "AD--", [API_ACCOUNT_GET] = "ADR-",
        [API_ACCOUNT_PUT] = "AD--",    [API_ACCOUNT_PATCH] = "AD--",
        [API_ACCOUNT_DELETE] = "AD--", [API_ACCOUNT_PASSWORD] = "AD-P",
        [API_ALIAS_LIST] = "ADR-",     [API_ALIAS_GET] = "ADR-",
        [API_ALIAS_PUT] = "AD--",      [API_ALIAS_DELETE] = "AD--",
        [API_BAN_LIST] = "A-R-",       [API_BAN_CLEAR] = "A---",
        [API_BAN_PUT] = "A---",        [API_BAN_DELETE] = "A---",
    };
    static const uint8_t order[] = {TOKEN_ADMIN, TOKEN_DOMAIN, TOKEN_READER, TOKEN_PASSWORD};

    for (int o = 0; o < API_OPERATIONS; o++)
        for (int r = 0; r < TOKEN_ROLES; r++)
            CHECK(api_route_allows((enum api_operation)o, order[r]) == (may[o][r] != '-'));
    for (int o = 0; o < API_OPERATIONS; o++) {
        CHECK(!api_route_allows((enum api_operation)o, TOKEN_ROLES));
        CHECK(api_routes[o].method == API_GET ||
              !api_route_allows((enum api_operation)o, TOKEN_READER));
    }
}

static void domains_bound_what_is_named(void)
{
    struct api_call call = {.token = {.role = TOKEN_DOMAIN}};

    CHECK(!api_may(&call, span_text("a@one.test")));
    call.token.domain_count = 1;
    call.token.domains[0] = span_text("one.test");
    CHECK(api_may(&call, span_text("a@one.test")) && api_may(&call, span_text("@one.test")));
    CHECK(api_may(&call, span_text("\"x@two.test\"@one.test")));
    CHECK(!api_may(&call, span_text("\"x@one.test\"@two.test")));
    CHECK(!api_may(&call, span_text("a@sub.one.test")) && !api_may(&call, span_text("a@one.tes")));
    CHECK(!api_may(&call, span_text("postmaster")) && !api_may(&call, span_of(NULL, 0)));
    CHECK(api_may_domain(&call, span_text("one.test")) &&
          !api_may_domain(&call, span_text("two.test")));
    call.token.role = TOKEN_PASSWORD;
    CHECK(!api_may(&call, span_text("a@two.test")));
    call.token.domain_count = 0;
    CHECK(api_may(&call, span_text("a@two.test")));
}

static void a_reason_is_a_status(void)
{
    static const struct {
        const char *why;
        enum api_operation operation;
        unsigned status;
    } rows[] = {
        {CTL_DIRECTORY_NONE_ACCOUNT, API_ACCOUNT_PATCH, 404},
        {CTL_DIRECTORY_HAS_ALIAS, API_ALIAS_PUT, 409},
        {CTL_DIRECTORY_NO_DOMAIN, API_ACCOUNT_PUT, 409},
        {CTL_DIRECTORY_NO_DOMAIN, API_ACCOUNT_PASSWORD, 404},
        {CTL_DIRECTORY_NO_DOMAIN, API_ACCOUNT_DELETE, 404},
        {CTL_DIRECTORY_UNMET, API_ACCOUNT_DELETE, 412},
        {CTL_DIRECTORY_NO_ADDRESS, API_ACCOUNT_PUT, 400},
        {"disk full", API_ACCOUNT_PUT, 503},
        {"failed", API_ACCOUNT_PUT, 503},
        {"expected a password", API_ACCOUNT_PUT, 422},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct api_call call = {.match = {.operation = rows[i].operation}};
        struct api_answer answer = {.status = 0};
        struct ctl_terms terms = {.unmet = false};

        api_refuse_for(&answer, &call, &terms, span_text(rows[i].why));
        CHECK(answer.status == rows[i].status && answer.body);
        terms.forbidden = true;
        api_refuse_for(&answer, &call, &terms, span_text(rows[i].why));
        CHECK(answer.status == 403);
        api_answer_fini(&answer);
    }
}

/* ---- bodies ---- */

static enum api_problem read_text(struct api_body *body, enum api_body_kind kind, const char *text,
                                  bool whole)
{
    struct span copy = guard_copy(span_text(text), true);
    static uint8_t reason[API_DETAIL];
    struct writer why = writer_of(reason, sizeof(reason));
    enum api_problem problem = api_body_read(body, kind, copy, whole, &why);

    guard_free(copy);
    return problem;
}

static void bodies_become_words(void)
{
    static const char *const words[] = {"quota=1048576", "login=off", "send_as=a@x.test",
                                        "send_as=@y.test", "password=p\"\xc3\xa4"};
    struct api_body b;

    CHECK(read_text(&b, API_BODY_ACCOUNT,
                    "{\"password\":\"p\\\"\\u00e4\",\"send_as\":[\"a@x.test\",\"@y.test\"],"
                    "\"quota\":1048576,\"login\":false}",
                    false) == API_FINE);
    CHECK(b.request.count == 6 && b.secret &&
          strcmp(b.fields, "quota, login, send_as, password") == 0);
    for (uint32_t i = 1; i < b.request.count; i++)
        CHECK_TEXT(b.request.arguments[i], words[i - 1]);
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_ACCOUNT, "{}", true) == API_FINE && b.request.count == 6);
    CHECK_TEXT(b.request.arguments[1], "quota=default");
    CHECK_TEXT(b.request.arguments[2], "login=on");
    CHECK_TEXT(b.request.arguments[3], "send_as=");
    CHECK_TEXT(b.request.arguments[4], "forward=");
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_ACCOUNT, " {} ", false) == API_FINE && b.request.count == 1);
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_DOMAIN, "{\"reject_score\":-1.5,\"catch_all\":null}", false) ==
              API_FINE &&
          b.request.count == 3);
    CHECK_TEXT(b.request.arguments[1], "catch_all=");
    CHECK_TEXT(b.request.arguments[2], "reject_score=-1.500");
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_ALIAS, "{\"members\":[\"a@x\",\"b@y\"]}", true) == API_FINE);
    CHECK_TEXT(b.request.arguments[2], "b@y");
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_ALIAS, "{\"members\":[],\"forward\":[\"c@z\"]}", true) ==
          API_FINE);
    CHECK_TEXT(b.request.arguments[1], "forward=c@z");
    api_body_fini(&b);
    CHECK(read_text(&b, API_BODY_BAN, "{\"for\":\"12h\"}", true) == API_FINE &&
          b.request.count == 2);
    api_body_fini(&b);
}

static void wrong_bodies_are_refused(void)
{
    static const struct {
        enum api_body_kind kind;
        const char *text;
        enum api_problem problem;
    } rows[] = {
        {API_BODY_ACCOUNT, "", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "null", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "[]", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{}{}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"quota\":1,\"quota\":2}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"quota\":18446744073709551616}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"a\":[[[[1]]]]}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"password\":\"a\\u0000b\"}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"password\":\"\xff\"}", API_PROBLEM_BAD_JSON},
        {API_BODY_ACCOUNT, "{\"Quota\":1}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"members\":[]}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"quota\":-1}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"quota\":1.0}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"quota\":\"1\"}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"login\":\"on\"}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"send_as\":[1]}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"send_as\":[\"\"]}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"password\":null}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"password\":\"a\",\"hash\":\"b\"}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ACCOUNT, "{\"scram_sha_256\":\"a\"}", API_PROBLEM_BAD_VALUE},
        {API_BODY_PASSWORD, "{}", API_PROBLEM_BAD_VALUE},
        {API_BODY_PASSWORD, "{\"hash\":\"x\"}", API_PROBLEM_BAD_VALUE},
        {API_BODY_DOMAIN, "{\"reject_score\":1e7}", API_PROBLEM_BAD_VALUE},
        {API_BODY_DOMAIN, "{\"reject_score\":1e400}", API_PROBLEM_BAD_JSON},
        {API_BODY_ALIAS, "{}", API_PROBLEM_BAD_VALUE},
        {API_BODY_ALIAS, "{\"members\":[]}", API_PROBLEM_BAD_VALUE},
        {API_BODY_BAN, "{\"for\":5}", API_PROBLEM_BAD_VALUE},
    };
    struct api_body b;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!CHECK(read_text(&b, rows[i].kind, rows[i].text, false) == rows[i].problem))
            printf("# %s\n", rows[i].text);
}

static void depth_is_bounded_before_the_parser(void)
{
    static char deep[100000];
    struct api_body b;

    memset(deep, '[', sizeof(deep) - 1);
    CHECK(read_text(&b, API_BODY_ACCOUNT, deep, false) == API_PROBLEM_BAD_JSON);
    CHECK(api_body_shallow(span_text("{\"[[[[[[[\\\"[[[[\":[]}"), 2));
    CHECK(!api_body_shallow(span_text("{\"a\":[{}]}"), 2));
    CHECK(api_body_shallow(span_text("]]]]{}\""), 1));
}

/* ---- lines ---- */

struct seen {
    uint8_t bytes[400000];
    size_t len;
    uint32_t lines, long_ones, batches;
    size_t largest;
};

static void see(void *context, struct span lines)
{
    struct seen *s = context;
    uint32_t n = 0;

    for (size_t i = 0; i < lines.len; i++)
        n += lines.data[i] == '\n';
    CHECK(n > 0 && n <= API_LINES_BATCH && lines.data[lines.len - 1] == '\n');
    memcpy(s->bytes + s->len, lines.data, lines.len);
    s->len += lines.len;
    s->lines += n;
    s->batches++;
}

static void see_long(void *context)
{
    struct seen *s = context;

    s->long_ones++;
    s->bytes[s->len++] = '!';
}

static struct seen *lines_of(struct span text, size_t piece)
{
    struct seen *s = calloc(1, sizeof(*s));
    struct api_lines *l = malloc(sizeof(*l));

    l->batch = see;
    l->too_long = see_long;
    l->context = s;
    api_lines_init(l);
    for (struct span rest = text; rest.len;) {
        size_t n = piece < rest.len ? piece : rest.len;
        bool guarded = piece >= 1000; /* a copy costs system calls */
        struct span copy = guarded ? guard_copy(span_head(rest, n), true) : span_head(rest, n);

        api_lines_feed(l, copy);
        if (guarded)
            guard_free(copy);
        rest = span_skip(rest, n);
    }
    api_lines_end(l);
    free(l);
    return s;
}

static void lines_are_the_same_however_cut(void)
{
    static char text[300000];
    struct writer w = writer_of(text, sizeof(text));
    static const size_t pieces[] = {1, 2, 3, 7, 1000, 4096, 65535, 65536, 65537, 300000};
    struct seen *whole;

    for (int i = 0; i < 1500; i++)
        writer_printf(&w, "%s{%d}\n", i % 100 ? "" : "\n", i);
    for (size_t n = API_LINES_ROOM - 2; n <= API_LINES_ROOM + 1; n++) {
        memset(w.data + w.len, 'x', n);
        w.len += n;
        writer_text(&w, "\nafter\n");
    }
    writer_text(&w, "the last has no end");
    whole = lines_of(writer_span(&w), w.len);
    CHECK(whole->long_ones == 2 && whole->lines == 1500 + 15 + 2 + 4 + 1);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct seen *cut = lines_of(writer_span(&w), pieces[i]);

        CHECK(cut->len == whole->len && memcmp(cut->bytes, whole->bytes, cut->len) == 0);
        CHECK(cut->batches == whole->batches);
        free(cut);
    }
    free(whole);
}

static void short_lines_split_at_every_point(void)
{
    struct span text = span_text("{\"a\":1}\n\n{\"b\":\"\xc3\xa4\"}\r\nlast");
    struct seen *whole = lines_of(text, text.len);

    for (size_t at = 1; at < text.len; at++) {
        struct seen *s = calloc(1, sizeof(*s));
        struct api_lines *l = malloc(sizeof(*l));

        l->batch = see;
        l->too_long = see_long;
        l->context = s;
        api_lines_init(l);
        api_lines_feed(l, span_head(text, at));
        api_lines_feed(l, span_skip(text, at));
        api_lines_end(l);
        CHECK(s->len == whole->len && memcmp(s->bytes, whole->bytes, s->len) == 0);
        free(l);
        free(s);
    }
    free(whole);
}

/* ---- tags ---- */

static void tags_are_compared_strongly(void)
{
    static const char tag[] = "0123456789abcdef0123456789abcdef";

    CHECK(ctl_terms_tag_listed(span_text("\"0123456789abcdef0123456789abcdef\""), tag));
    CHECK(ctl_terms_tag_listed(span_text(" \"x\" ,\t\"0123456789abcdef0123456789abcdef\" "), tag));
    CHECK(ctl_terms_tag_listed(span_text(" * "), tag) && !ctl_terms_tag_listed(span_text("*"), ""));
    CHECK(!ctl_terms_tag_listed(span_text("W/\"0123456789abcdef0123456789abcdef\""), tag));
    CHECK(!ctl_terms_tag_listed(span_text("0123456789abcdef0123456789abcdef"), tag));
    CHECK(!ctl_terms_tag_listed(span_text("\"0123456789abcdef0123456789abcde\""), tag));
    CHECK(!ctl_terms_tag_listed(span_text(",,,"), tag) &&
          !ctl_terms_tag_listed(span_text(""), tag));
    CHECK(!ctl_terms_tag_listed(span_text("\"\""), ""));
}

static void a_tag_changes_with_each_value(void)
{
    struct directory_admin_row row = {.kind = DIRECTORY_ROW_ACCOUNT,
                                      .account = {.mailbox = span_text("a@x")}};
    char tags[5][DIRECTORY_ADMIN_TAG + 1];

    directory_admin_tag(&row, tags[0]);
    row.account.quota = 1;
    directory_admin_tag(&row, tags[1]);
    row.account.disabled = true;
    directory_admin_tag(&row, tags[2]);
    row.account.hash = span_text("$6$x");
    directory_admin_tag(&row, tags[3]);
    directory_admin_tag(&row, tags[4]);
    CHECK(strlen(tags[0]) == DIRECTORY_ADMIN_TAG && strcmp(tags[3], tags[4]) == 0);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(tags[i], tags[k]) != 0);
}

/* ---- tokens ---- */

static void put_token(struct store *store, const char *key, const struct token_row *token)
{
    uint8_t bytes[TOKEN_ROW];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_directory_row row = {.key = span_text(key)};

    token_row_put(&w, token);
    row.value = writer_span(&w);
    CHECK(!w.full && store_directory_put(store, &row, 1, NULL, 0) == STORE_OK);
}

static void tokens_are_checked(void)
{
    struct token_row row = {.role = TOKEN_READER, .expires_ms = 1000}, got;
    char secret[TOKEN_SECRET + 1], again[TOKEN_SECRET + 1], text[TOKEN_TEXT + 2],
        error[STORE_ERROR];
    uint8_t memory[TOKEN_ROW], hash[TOKEN_HASH];
    struct store *store;

    CHECK(store_memory_open(&(struct store_options){.memory_bytes = 64 << 20}, &store, error) ==
          STORE_OK);
    CHECK(token_make(secret, row.hash) && token_make(again, hash) && strcmp(secret, again) != 0);
    CHECK(strlen(secret) == TOKEN_SECRET && memcmp(row.hash, hash, sizeof(hash)) != 0);
    put_token(store, "tname", &row);
    snprintf(text, sizeof(text), "name.%s", secret);
    CHECK(token_check(store, span_text(text), 999, memory, &got) == STORE_OK &&
          got.role == TOKEN_READER);
    CHECK(token_check(store, span_text(text), 1000, memory, &got) == STORE_NONE);
    for (size_t i = 0; i < strlen(text); i++) {
        text[i] ^= 1;
        CHECK(token_check(store, span_text(text), 999, memory, &got) == STORE_NONE);
        text[i] ^= 1;
        CHECK(token_check(store, span_head(span_text(text), i), 999, memory, &got) == STORE_NONE);
    }
    strcat(text, "0");
    CHECK(token_check(store, span_text(text), 999, memory, &got) == STORE_NONE);
    CHECK(store_directory_put(store,
                              &(struct store_directory_row){.key = span_text("tname"),
                                                            .value = span_text("damaged")},
                              1, NULL, 0) == STORE_OK);
    text[strlen(text) - 1] = 0;
    CHECK(token_check(store, span_text(text), 999, memory, &got) == STORE_CORRUPT);
    store_close(store);
}

static void token_rows_come_back_as_they_went(void)
{
    struct token_row row = {.role = TOKEN_DOMAIN,
                            .created_ms = 5,
                            .expires_ms = 6,
                            .hash = {1, 2, 3},
                            .domain_count = TOKEN_DOMAINS},
                     got;
    uint8_t bytes[TOKEN_ROW];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct span copy;

    for (uint32_t i = 0; i < TOKEN_DOMAINS; i++)
        row.domains[i] = span_text("some.domain.test");
    token_row_put(&w, &row);
    copy = guard_copy(writer_span(&w), true);
    CHECK(!w.full && token_row_read(copy, &got) && got.role == row.role &&
          got.domain_count == TOKEN_DOMAINS && memcmp(got.hash, row.hash, TOKEN_HASH) == 0);
    CHECK_TEXT(got.domains[TOKEN_DOMAINS - 1], "some.domain.test");
    for (size_t n = 0; n < copy.len; n++) {
        struct span cut = guard_copy(span_head(copy, n), true);

        CHECK(!token_row_read(cut, &got));
        guard_free(cut);
    }
    guard_free(copy);
    CHECK(token_name_good(span_text("a-B_9")) && !token_name_good(span_text("")) &&
          !token_name_good(span_text("a.b")) && !token_name_good(span_text("a@b")) &&
          !token_name_good(span_text("\xc3\xa4")));
}

/* ---- connections ---- */

static void who_is_late_is_shut_down(void)
{
    struct api_clients *clients = api_clients_new();
    int a[2], b[2];
    struct api_client *first, *second;
    char byte;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 &&
          socketpair(AF_UNIX, SOCK_STREAM, 0, b) == 0);
    first = api_clients_add(clients, a[0], 100);
    second = api_clients_add(clients, b[0], 100);
    CHECK(api_clients_count(clients) == 2 && api_clients_sweep(clients, 99) == 0);
    api_clients_extend(clients, second, 200);
    CHECK(api_clients_sweep(clients, 100) == 1 && api_clients_sweep(clients, 150) == 0);
    CHECK(read(a[1], &byte, 1) == 0 && send(b[1], "x", 1, 0) == 1 && read(b[0], &byte, 1) == 1);
    api_clients_remove(clients, first);
    api_clients_extend(clients, NULL, 1);
    CHECK(api_clients_count(clients) == 1 && api_clients_wait(clients, 1));
    api_clients_stop(clients);
    CHECK(!api_clients_wait(clients, 60000));
    api_clients_remove(clients, second);
    api_clients_free(clients);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(every_operation_is_found);
    CHECK_CASE(other_paths_are_none);
    CHECK_CASE(a_segment_is_decoded_once);
    CHECK_CASE(each_role_may_what_it_may);
    CHECK_CASE(domains_bound_what_is_named);
    CHECK_CASE(a_reason_is_a_status);
    CHECK_CASE(bodies_become_words);
    CHECK_CASE(wrong_bodies_are_refused);
    CHECK_CASE(depth_is_bounded_before_the_parser);
    CHECK_CASE(lines_are_the_same_however_cut);
    CHECK_CASE(short_lines_split_at_every_point);
    CHECK_CASE(tags_are_compared_strongly);
    CHECK_CASE(a_tag_changes_with_each_value);
    CHECK_CASE(tokens_are_checked);
    CHECK_CASE(token_rows_come_back_as_they_went);
    CHECK_CASE(who_is_late_is_shut_down);
    return check_end();
}
