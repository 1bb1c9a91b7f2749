/* What the files of the preload library share. */
#ifndef IOMMUDASH_PRELOAD_H
#define IOMMUDASH_PRELOAD_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

#define PAGE_BYTES 4096
/* Descriptors of the library's own live high, where programs that close or dup2 onto small numbers do not meet them. */
#define LOWEST_REPLY_FD 512

/* Path of the server's socket; NULL: nothing is ours. */
extern const char *server_path;

extern int (*real_openat)(int, const char *, int, ...);
extern void *(*real_mmap)(void *, size_t, int, int, int, off_t);

/* From now on reads and writes have to look whose descriptor they are about. */
void note_file(void);

enum ours { NOT_OURS, OUR_NODE, OUR_FILE };

void init_calls(void);
/* Ours is what is connected to the server's address (a node) or to an abstract name derived from it (an event file). */
enum ours whose(int fd);
int connect_server(int flags);
/* One call: -errno or the result. A server that is gone is EIO. The second result goes to *extra, the memory file of a window to *memory. */
int64_t call_server(int socket, struct request *request, uint64_t *extra, int *memory);
/* As call_server; the bytes of a structure that the request names by address ride along, if they can be read. */
int64_t call_server_about(int socket, struct request *request, const void *structure, size_t bytes, uint64_t *extra, int *memory);
/* A result as libc gives it: -1 and errno, or the value. */
int64_t finish(int64_t result);

/* 1: the path is not the real machine's, and *fd is what open returns for it. */
int open_special(int dirfd, const char *path, int flags, int *fd);
/* What open returns for a path that the machine does not have. */
int open_missing(int dirfd, const char *path, int flags);
/* A stream in place of the real machine's, or NULL. */
FILE *fopen_special(const char *path);

void *map_window(void *address, size_t length, int prot, int flags, int fd, off_t offset);
/* Nothing is mapped at these addresses any more. */
void forget_windows(void *address, size_t length);

#endif
