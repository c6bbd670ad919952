// Looks at every file below a directory once, as little as an `open` of a store can do.

#include "croofline.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int visit_file(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    struct stat found;
    char last[20];
    int result = fstat(descriptor, &found);
    if (result == 0 && found.st_size >= (off_t)sizeof last
        && pread(descriptor, last, sizeof last, found.st_size - (off_t)sizeof last) < 0)
        result = -1;
    close(descriptor);
    return result;
}

int64_t croofline_visit(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return -1;
    int64_t files = 0;
    struct dirent *entry;
    while (files >= 0 && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char below[4096];
        int length = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (length < 0 || length >= (int)sizeof below) {
            files = -1;
        } else if (entry->d_type == DT_DIR) {
            int64_t more = croofline_visit(below);
            files = more < 0 ? -1 : files + more;
        } else {
            files = visit_file(below) < 0 ? -1 : files + 1;
        }
    }
    closedir(directory);
    return files;
}
