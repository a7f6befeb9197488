/* SPDX-License-Identifier: BSD-3-Clause */
/* A request line of the control socket. */
#include <stdlib.h>

#include "control/ctl/ctl_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctl_request request;
    uint8_t text[CTL_ERROR_MAX];
    struct writer why = writer_of(text, sizeof(text));

    if (size > CTL_REQUEST_MAX)
        return 0;
    if (ctl_request_parse(span_of(data, size), &request, &why)) {
        if (request.command >= CTL_COMMANDS || request.count > CTL_ARGUMENTS_MAX)
            abort();
        ctl_request_fini(&request);
    } else if (why.len == 0) {
        /* Every refusal says why. */
        abort();
    }
    return 0;
}
