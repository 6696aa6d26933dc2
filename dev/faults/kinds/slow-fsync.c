/*
 * Makes fsync slow for a program started with this in LD_PRELOAD: while the file "slow" exists in the folder named by
 * SLOW_FSYNC_FOLDER, each fsync takes SLOW_FSYNC_MS longer; meanwhile the file "under-way" exists there, so that a test
 * can strike within it. In the end everything is flushed.
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

/* By the system calls: the functions replaced here cannot be called by name. */
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
