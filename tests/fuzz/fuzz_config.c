/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The configuration reader: whatever the bytes, a configuration or at least one fault, and all memory back. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_errors errors;
    struct config *config = config_read(span_of(data, size), "/etc/wirepost/a.yaml", &errors);

    if ((config != NULL) != (errors.count == 0))
        __builtin_trap();
    config_free(config);
    return 0;
}
