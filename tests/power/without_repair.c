// Takes the repair of sled's flush out again: what the store makes of it, an fdatasync, becomes what sled calls by
// itself on Linux. Preloaded into the writer to see the test of power failures fail.

#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    return syscall(SYS_sync_file_range, file, 0L, 0L,
                   SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}
