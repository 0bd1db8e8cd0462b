// A disk that loses its power, for machines without loop devices: of each file below DURABLE_OF it keeps in DURABLE_IN
// what fsync and fdatasync have made durable. With DURABLE_REPAIRED empty an fdatasync counts as the sync_file_range
// that sled calls by itself: bytes within the size the file durably has, and no more.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int real(const char *name, int file) {
    int (*call)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return call(file);
}

// Where a file's durable part is kept; 0 for files elsewhere.
static int kept(const char *path, char *durable) {
    const char *of = getenv("DURABLE_OF"), *in = getenv("DURABLE_IN");
    if (!of || !in || strncmp(path, of, strlen(of)) != 0 || path[strlen(of)] != '/')
        return 0;
    return snprintf(durable, PATH_MAX, "%s%s", in, path + strlen(of)) < PATH_MAX;
}

static void make_folders(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = folder + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(folder, 0700);
        *slash = '/';
    }
}

// sled flushes from two threads.
static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;

// Copies a file as it is now, or without `grows` only as many bytes as are durable of it.
static void keep_alone(int file, int grows) {
    char link[64], path[PATH_MAX], durable[PATH_MAX], fresh[PATH_MAX + 8];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;
    struct stat of;
    if (!kept(path, durable) || fstat(file, &of) != 0 || !S_ISREG(of.st_mode))
        return;
    struct stat before;
    off_t size = of.st_size;
    if (!grows && (stat(durable, &before) != 0 || (size = before.st_size) == 0))
        return;
    make_folders(durable);
    snprintf(fresh, sizeof fresh, "%s.fresh", durable);
    int from = open(link, O_RDONLY), to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    static char buffer[1 << 20];
    for (off_t at = 0; at < size;) {
        size_t part = size - at < (off_t)sizeof buffer ? (size_t)(size - at) : sizeof buffer;
        ssize_t read = pread(from, buffer, part, at);
        if (read <= 0 || pwrite(to, buffer, read, at) != read)
            break;
        at += read;
    }
    close(from);
    close(to);
    // A kill falls before or after, never between.
    rename(fresh, durable);
}

static void keep(int file, int grows) {
    pthread_mutex_lock(&keeping);
    keep_alone(file, grows);
    pthread_mutex_unlock(&keeping);
}

int fsync(int file) {
    int done = real("fsync", file);
    keep(file, 1);
    return done;
}

int fdatasync(int file) {
    int done = real("fdatasync", file);
    const char *repaired = getenv("DURABLE_REPAIRED");
    keep(file, repaired && *repaired);
    return done;
}

int rename(const char *from, const char *to) {
    int (*call)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int done = call(from, to);
    char durable_from[PATH_MAX], durable_to[PATH_MAX];
    if (done == 0 && kept(from, durable_from) && kept(to, durable_to))
        call(durable_from, durable_to);
    return done;
}

int unlink(const char *path) {
    int (*call)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    int done = call(path);
    char durable[PATH_MAX];
    if (done == 0 && kept(path, durable))
        call(durable);
    return done;
}
