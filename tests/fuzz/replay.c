/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for libFuzzer where it is not linked: gives the target every file of the folders named,
 * one case each. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int cases;

static void replay(const char *folder, const char *name)
{
    static uint8_t bytes[1 << 20];
    uint8_t *exact; /* so that a sanitizer sees what is read behind the end */
    char path[4096];
    FILE *file;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file)
        return;
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    printf("ok %d %s\n", ++cases, name);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;

        while (folder && (entry = readdir(folder)) != NULL)
            if (entry->d_name[0] != '.')
                replay(argv[i], entry->d_name);
        if (folder)
            closedir(folder);
    }
    printf("1..%d\n", cases);
    /* A folder that is gone must not pass for a replay. */
    return cases ? EXIT_SUCCESS : EXIT_FAILURE;
}
