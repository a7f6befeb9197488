/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_http.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "control/api/api_import.h"
#include "control/base/clock.h"
#include "control/log/log.h"

enum { PROGRESS = 65536, QUERY = 1024, DISCARD = 1 << 20 };

const uint16_t api_http_statuses[API_STATUSES] = {200, 201, 204, 304, 400, 401, 403, 404, 405,
                                                  409, 412, 413, 415, 422, 429, 500, 503, 0};

/* One request, from its head to its answer. */
struct request {
    struct api_http *http;
    struct api_client *client;
    struct ip_address address;
    struct api_call call;
    struct api_answer answer;
    struct api_import *import;
    uint8_t *body;
    size_t body_len, body_max;
    uint64_t progress; /* octets since its deadline was moved */
    bool too_large, challenged;
    uint8_t domain[API_PARAMETER], cursor[QUERY];
    uint8_t token[TOKEN_ROW];
};

static struct ip_address address_of(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

    if (address->sa_family == AF_INET6)
        return ip_address_v6(v6->sin6_addr.s6_addr);
    return ip_address_v4((const uint8_t *)&v4->sin_addr);
}

enum MHD_Result api_http_accept(void *context, const struct sockaddr *address, socklen_t len)
{
    struct api_http *http = context;
    struct ip_address client = address_of(address);

    if (!api_guard_bans(http->guard, &client))
        return MHD_YES;
    atomic_fetch_add(&http->refused_clients, 1);
    return MHD_NO;
}

size_t api_http_undecoded(void *context, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

void api_http_connection(void *context, struct MHD_Connection *connection, void **client,
                         enum MHD_ConnectionNotificationCode code)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct api_http *http = context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED && info)
        *client = api_clients_add(http->clients, info->connect_fd,
                                  clock_monotonic_ms() + http->request_ms);
    else if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        api_clients_remove(http->clients, *client);
}

/* ---- the head ---- */

static struct span field_of(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

    return value ? span_text(value) : span_of(NULL, 0);
}

/* The type without its parameters (RFC 9110 section 8.3.1). */
static bool has_type(struct MHD_Connection *connection, const char *type)
{
    struct span value = field_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    ptrdiff_t end = span_find(value, ';');

    value = end < 0 ? value : span_head(value, (size_t)end);
    while (value.len && value.data[value.len - 1] == ' ')
        value = span_head(value, value.len - 1);
    return span_equal_nocase(value, span_text(type));
}

static bool good_type(struct MHD_Connection *connection, enum api_method method)
{
    if (method == API_POST)
        return has_type(connection, "application/x-ndjson");
    if (method == API_PATCH && has_type(connection, "application/merge-patch+json"))
        return true;
    return (method != API_PUT && method != API_PATCH) || has_type(connection, "application/json");
}

struct query {
    struct request *request;
    bool list, bad;
};

/* number = 1*4DIGIT */
static bool read_limit(struct span text, uint32_t *limit_out)
{
    uint64_t n;

    if (!ctl_request_number(text, 9999, &n) || n < 1 || n > API_PAGE_MAX)
        return false;
    *limit_out = (uint32_t)n;
    return true;
}

static bool read_text(struct span text, uint8_t *memory, size_t size, struct span *text_out)
{
    struct writer w = writer_of(memory, size);

    if (text_out->len || !api_decode(text, &w) || !w.len)
        return false;
    *text_out = writer_span(&w);
    return true;
}

static enum MHD_Result read_parameter(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct query *q = context;
    struct request *r = q->request;
    struct span text = value ? span_text(value) : span_of(NULL, 0);

    if (q->list && strcmp(name, "limit") == 0 && !r->call.limit)
        q->bad = q->bad || !read_limit(text, &r->call.limit);
    else if (q->list && strcmp(name, "cursor") == 0)
        q->bad = q->bad || !read_text(text, r->cursor, sizeof(r->cursor), &r->call.cursor);
    else if (q->list && strcmp(name, "domain") == 0)
        q->bad = q->bad || !read_text(text, r->domain, sizeof(r->domain), &r->call.domain);
    else
        q->bad = true;
    return MHD_YES;
}

static bool read_query(struct request *r, struct MHD_Connection *connection)
{
    enum api_operation o = r->call.match.operation;
    struct query q = {.request = r,
                      .list = o == API_DOMAIN_LIST || o == API_ACCOUNT_LIST || o == API_ALIAS_LIST};

    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, read_parameter, &q);
    if (!r->call.limit)
        r->call.limit = API_PAGE;
    return !q.bad;
}

static enum api_problem find(struct request *r, const char *method, const char *url)
{
    static const enum api_problem problems[] = {[API_FOUND] = API_FINE,
                                                [API_NO_PATH] = API_PROBLEM_NO_PATH,
                                                [API_BAD_PATH] = API_PROBLEM_BAD_PATH,
                                                [API_NO_METHOD] = API_PROBLEM_NO_METHOD};

    return problems[api_route_find(span_text(method), span_text(url), &r->call.match)];
}

/* Who asks. What is wrong is answered late, on this connection's own thread. */
static enum api_problem judge(struct request *r, struct MHD_Connection *connection)
{
    struct api_http *http = r->http;
    uint32_t wait_ms;

    switch (api_guard_judge(http->guard, field_of(connection, MHD_HTTP_HEADER_AUTHORIZATION),
                            &r->address, r->token, &r->call, &wait_ms)) {
    case API_TOKEN_GOOD:
        return API_FINE;
    case API_TOKEN_UNKNOWN:
        return API_PROBLEM_UNAVAILABLE;
    case API_TOKEN_THROTTLED:
        atomic_fetch_add(&http->wrong, 1);
        atomic_fetch_add(&http->throttled, 1);
        r->answer.wait_s = 60;
        return API_PROBLEM_THROTTLED;
    case API_TOKEN_WRONG:
        atomic_fetch_add(&http->wrong, 1);
        r->challenged = true;
        api_clients_extend(http->clients, r->client,
                           clock_monotonic_ms() + wait_ms + http->request_ms);
        api_clients_wait(http->clients, wait_ms);
        return API_PROBLEM_UNAUTHORIZED;
    case API_TOKEN_MISSING:
        break;
    }
    return API_PROBLEM_UNAUTHORIZED;
}

/* What a body's length says it has; none: it comes in chunks, or there is none. */
static uint64_t length_of(struct MHD_Connection *connection)
{
    struct span text = field_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t n = 0;

    return text.len && !ctl_request_number(text, UINT64_MAX, &n) ? UINT64_MAX : n;
}

static enum api_problem judge_head(struct request *r, struct MHD_Connection *connection,
                                   const char *method, const char *url)
{
    enum api_problem problem = find(r, method, url);
    enum api_operation o = r->call.match.operation;
    bool imports = !problem && o == API_ACCOUNT_IMPORT;

    /* Who has no token learns of no path but that of health. */
    if (problem || api_routes[o].roles != API_ANYBODY) {
        enum api_problem who = judge(r, connection);

        if (who)
            return who;
    }
    if (problem)
        return problem;
    if (api_routes[o].roles != API_ANYBODY && !api_route_allows(o, r->call.token.role))
        return API_PROBLEM_FORBIDDEN;
    if (!read_query(r, connection))
        return API_PROBLEM_BAD_QUERY;
    if (!good_type(connection, (enum api_method)api_routes[o].method))
        return API_PROBLEM_MEDIA_TYPE;
    r->body_max = r->http->body_size;
    if (length_of(connection) > (imports ? r->http->import_size : r->body_max))
        return API_PROBLEM_TOO_LARGE;
    if (imports)
        r->import = api_import_new(&r->call, r->http->import_size);
    return imports && !r->import ? API_PROBLEM_INTERNAL : API_FINE;
}

static void set_client(struct request *r, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const union MHD_ConnectionInfo *client =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct writer w = writer_of(r->call.client, sizeof(r->call.client) - 1);

    if (info && info->client_addr)
        r->address = address_of(info->client_addr);
    r->client = client ? client->socket_context : NULL;
    ip_address_put(&w, &r->address);
    r->call.client[w.len] = 0;
}

static struct request *begin(struct api_http *http, struct MHD_Connection *connection,
                             const char *method, const char *url)
{
    struct request *r = malloc(sizeof(*r));
    enum api_problem problem;

    if (!r)
        return NULL;
    memset(r, 0, offsetof(struct request, domain));
    r->http = http;
    r->call.context = &http->context;
    set_client(r, connection);
    api_clients_extend(http->clients, r->client, clock_monotonic_ms() + http->request_ms);
    r->call.if_match = field_of(connection, MHD_HTTP_HEADER_IF_MATCH);
    r->call.if_none_match = field_of(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    problem = judge_head(r, connection, method, url);
    r->answer.methods = r->call.match.methods;
    if (problem)
        api_refuse(&r->answer, problem, span_of(NULL, 0));
    return r;
}

/* ---- the body ---- */

static void feed(struct request *r, struct span bytes)
{
    uint8_t *grown;

    if (r->import) {
        api_import_feed(r->import, bytes);
    } else if (r->too_large || bytes.len > r->body_max - r->body_len) {
        r->too_large = true;
    } else {
        grown = realloc(r->body, r->body_len + bytes.len);
        r->too_large = !grown;
        r->body = grown ? grown : r->body;
        if (grown)
            memcpy(r->body + r->body_len, bytes.data, bytes.len);
        r->body_len += grown ? bytes.len : 0;
    }
    r->progress += bytes.len;
    if (r->import && r->progress >= PROGRESS) {
        r->progress = 0;
        api_clients_extend(r->http->clients, r->client, clock_monotonic_ms() + r->http->request_ms);
    }
}

static void finish(struct request *r)
{
    uint64_t accounts, refused;

    api_clients_extend(r->http->clients, r->client, clock_monotonic_ms() + r->http->request_ms);
    r->call.body = span_of(r->body, r->body_len);
    if (r->import) {
        api_import_end(r->import, &r->answer);
        api_import_counts(r->import, &accounts, &refused);
        atomic_fetch_add(&r->http->imported, accounts);
        atomic_fetch_add(&r->http->lines_refused, refused);
    } else if (r->too_large) {
        api_refuse(&r->answer, API_PROBLEM_TOO_LARGE, span_of(NULL, 0));
    } else {
        api_call(&r->call, &r->answer);
    }
}

/* ---- the answer ---- */

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static void add_allow(struct MHD_Response *response, uint32_t methods)
{
    char text[64] = "";
    struct writer w = writer_of(text, sizeof(text) - 1);

    for (int i = 0; i < API_METHODS; i++)
        if (methods >> i & 1)
            writer_printf(&w, "%s%s", w.len ? ", " : "", api_method_name((enum api_method)i));
    text[w.len] = 0;
    add(response, MHD_HTTP_HEADER_ALLOW, text);
}

static void add_fields(const struct request *r, struct MHD_Response *response)
{
    const struct api_answer *a = &r->answer;
    char text[64];

    if (a->lines)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-ndjson");
    else if (a->body)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE,
            a->problem ? "application/problem+json" : "application/json");
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (a->tag[0]) {
        snprintf(text, sizeof(text), "\"%s\"", a->tag);
        add(response, MHD_HTTP_HEADER_ETAG, text);
    }
    if (a->problem == API_PROBLEM_NO_METHOD)
        add_allow(response, a->methods);
    if (a->problem == API_PROBLEM_UNAUTHORIZED)
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
            r->challenged ? "Bearer realm=\"wirepost\", error=\"invalid_token\""
                          : "Bearer realm=\"wirepost\"");
    if (a->wait_s) {
        snprintf(text, sizeof(text), "%u", a->wait_s);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
}

static void count(struct api_http *http, unsigned status)
{
    int i = 0;

    while (api_http_statuses[i] && api_http_statuses[i] != status)
        i++;
    atomic_fetch_add(&http->answered[i], 1);
}

static void tell(const struct request *r, const char *method, const char *url)
{
    const char *name = r->call.name[0] ? r->call.name : "-";

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        LOG(DEBUG, "api: %s %s %s %s: %u", r->call.client, name, method, url, r->answer.status);
    else
        LOG(INFO, "api: %s %s %s %s: %u", r->call.client, name, method, url, r->answer.status);
}

static enum MHD_Result send_answer(struct request *r, struct MHD_Connection *connection,
                                   const char *method, const char *url)
{
    struct api_answer *a = &r->answer;
    char *text = a->lines ? a->lines : a->body ? json_dumps(a->body, JSON_COMPACT) : NULL;
    size_t len = a->lines ? a->lines_len : text ? strlen(text) : 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        len, text, text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    if (!response) {
        free(text);
        a->lines = NULL;
        return MHD_NO;
    }
    add_fields(r, response);
    a->lines = NULL;
    count(r->http, a->status);
    tell(r, method, url);
    result = MHD_queue_response(connection, a->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Whether a refused request's body is read to its end and thrown away: a connection that is closed
 * before may lose the answer. Not from clients that wait for leave to send it, and not beyond
 * reason. */
static bool discards(struct MHD_Connection *connection)
{
    uint64_t length = length_of(connection);

    return length > 0 && length <= DISCARD && !field_of(connection, MHD_HTTP_HEADER_EXPECT).len;
}

enum MHD_Result api_http_serve(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state)
{
    struct request *r = *state;

    if (!r) {
        *state = r = begin(context, connection, method, url);
        if (!r)
            return MHD_NO;
        return r->answer.problem && !discards(connection) ? send_answer(r, connection, method, url)
                                                          : MHD_YES;
    }
    if (*upload_size) {
        if (!r->answer.problem)
            feed(r, span_of(upload, *upload_size));
        *upload_size = 0;
        return MHD_YES;
    }
    if (!r->answer.problem)
        finish(r);
    return send_answer(r, connection, method, url);
}

void api_http_completed(void *context, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;

    if (!r)
        return;
    api_clients_extend(r->http->clients, r->client,
                       clock_monotonic_ms() + r->http->idle_ms + r->http->request_ms);
    if (r->body)
        explicit_bzero(r->body, r->body_len);
    free(r->body);
    api_import_free(r->import);
    api_answer_fini(&r->answer);
    free(r);
    *state = NULL;
}
