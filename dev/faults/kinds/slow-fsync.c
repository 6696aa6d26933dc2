/*
 * A disk that is slow to flush, for a program started with this in LD_PRELOAD: while the file "slow" stands in the
 * folder named by SLOW_FSYNC_FOLDER, each fsync takes SLOW_FSYNC_MS longer; the file "under-way" stands there
 * meanwhile, so that whoever watches can strike within it. What is flushed is flushed in the end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_if_slow(void)
{
    const char *folder = getenv("SLOW_FSYNC_FOLDER");
    const char *ms = getenv("SLOW_FSYNC_MS");
    char slow[PATH_MAX], under_way[PATH_MAX];
    if (folder == NULL || ms == NULL) return;
    snprintf(slow, sizeof slow, "%s/slow", folder);
    snprintf(under_way, sizeof under_way, "%s/under-way", folder);
    if (access(slow, F_OK) != 0) return;
    close(open(under_way, O_CREAT | O_WRONLY, 0644));
    usleep(atoi(ms) * 1000);
    unlink(under_way);
}

/* The system calls themselves: what is replaced here cannot be called by its name. */
int fsync(int fd)
{
    wait_if_slow();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_if_slow();
    return (int)syscall(SYS_fdatasync, fd);
}
