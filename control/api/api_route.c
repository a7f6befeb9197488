/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_route.h"

#include "proto/base/utf8.h"

enum {
    A = 1 << TOKEN_ADMIN,
    D = 1 << TOKEN_DOMAIN,
    R = 1 << TOKEN_READER,
    P = 1 << TOKEN_PASSWORD,
};
#define ANYBODY API_ANYBODY

const struct api_route api_routes[API_OPERATIONS] = {
#define API_ROUTE(SYMBOL, METHOD, path_, ROLES)                                                    \
    [API_##SYMBOL] = {.method = API_##METHOD, .path = path_, .roles = ROLES},
#include "control/api/api_route.def"
#undef API_ROUTE
};

const char *api_method_name(enum api_method method)
{
    static const char *const names[API_METHODS] = {[API_GET] = "GET",
                                                   [API_PUT] = "PUT",
                                                   [API_PATCH] = "PATCH",
                                                   [API_POST] = "POST",
                                                   [API_DELETE] = "DELETE"};

    return names[method];
}

bool api_route_allows(enum api_operation operation, uint8_t role)
{
    return role < TOKEN_ROLES && (api_routes[operation].roles >> role & 1);
}

static int digit(uint8_t c)
{
    uint8_t lower = c | 0x20;

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool api_decode(struct span text, struct writer *w)
{
    size_t start = w->len;

    for (size_t i = 0; i < text.len; i++) {
        int c = text.data[i];

        if (c == '%') {
            int high = i + 2 < text.len ? digit(text.data[i + 1]) : -1;
            int low = high < 0 ? -1 : digit(text.data[i + 2]);

            if (low < 0)
                return false;
            c = high << 4 | low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f)
            return false;
        writer_byte(w, (uint8_t)c);
    }
    return !w->full && utf8_valid(span_of(w->data + start, w->len - start));
}

void api_encode(struct span bytes, struct writer *w)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
            (c && strchr("-._~@", c)))
            writer_byte(w, c);
        else
            writer_printf(w, "%%%02X", c);
    }
}

/* The first segment, without its slash; the path goes on behind it. */
static struct span take_segment(struct span *path)
{
    struct span rest = span_skip(*path, 1);
    ptrdiff_t slash = span_find(rest, '/');
    struct span segment = slash < 0 ? rest : span_head(rest, (size_t)slash);

    *path = span_skip(rest, segment.len);
    return segment;
}

/* Whether a path has this form; *parameter_out is the segment in place of the braces. */
static bool fits(struct span path, const char *form, struct span *parameter_out)
{
    struct span left = span_text(form);

    *parameter_out = span_of(NULL, 0);
    while (left.len && path.len && path.data[0] == '/') {
        struct span wanted = take_segment(&left), segment = take_segment(&path);

        if (wanted.len && wanted.data[0] == '{' && segment.len)
            *parameter_out = segment;
        else if (!span_equal(wanted, segment))
            return false;
    }
    return !left.len && !path.len;
}

enum api_found api_route_find(struct span method, struct span path, struct api_match *m)
{
    struct writer w = writer_of(m->parameter, sizeof(m->parameter));
    struct span parameter, found = {0};
    bool known = false;

    m->methods = 0;
    m->len = 0;
    if (span_equal(method, span_text("HEAD")))
        method = span_text("GET");
    for (int i = 0; i < API_OPERATIONS; i++) {
        const struct api_route *route = &api_routes[i];

        if (!fits(path, route->path, &parameter))
            continue;
        m->methods |= 1u << route->method;
        if (!span_equal(method, span_text(api_method_name(route->method))))
            continue;
        m->operation = (enum api_operation)i;
        found = parameter;
        known = true;
    }
    if (!m->methods)
        return API_NO_PATH;
    if (!known)
        return API_NO_METHOD;
    if (!api_decode(found, &w))
        return API_BAD_PATH;
    m->len = w.len;
    return API_FOUND;
}
