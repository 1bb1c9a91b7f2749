/*
 * Lets an unmodified program open the emulated /dev/iommu and /dev/vfio/vfio: the descriptor it gets is a socket connected to the server
 * named by IOMMUDASH_SOCKET, so dup, fork, poll, close and close-on-exec are the kernel's own and the last close is seen by the server.
 * Covered: open and openat in all their spellings, ioctl, read, write, pread, pwrite, mmap and munmap of those descriptors; fopen of a process's status, to which the pages pinned and locked there are added.
 * Not covered: static programs and raw syscall(SYS_...) callers; they never come by here. stdio streams opened on the nodes.
 * Holds always: descriptors that are not ours, and requests of other ioctl types, go to libc unseen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

#define IOCTL_TYPE 0x3b
#define EXPORT __attribute__((visibility("default")))
/* Reply sockets live high, where programs that close or dup2 onto small numbers do not meet them. */
#define LOWEST_REPLY_FD 512
#define MAX_WINDOWS 64

static const char *server_path;
/* Set with the first event or fail-nth descriptor of this process image; until then read and write need not look. */
static int have_files;

struct thread_state {
	pid_t pid;
	uint32_t tid;
	int fd;
};
static __thread struct thread_state self = { .fd = -1 };
static pthread_key_t thread_key;
static pid_t registered_pid;

static struct window {
	void *address;
	size_t length;
	uint64_t cookie;
	int fd;
} windows[MAX_WINDOWS];
static pthread_mutex_t windows_lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_openat)(int, const char *, int, ...);
static int (*real_ioctl)(int, unsigned long, ...);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_munmap)(void *, size_t);

static void forget_thread(void *unused)
{
	if (self.fd >= 0 && self.pid == getpid())
		close(self.fd);
	self.fd = -1;
}

static void *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found) {
		fprintf(stderr, "iommudash: libc has no %s\n", name);
		abort();
	}
	return found;
}

/* Constructors of the program may run before ours, so every entry point comes by here. */
static void init_once(void)
{
	real_openat = next("openat");
	real_read = next("read");
	real_write = next("write");
	real_pread = next("pread");
	real_pwrite = next("pwrite");
	real_mmap = next("mmap");
	real_munmap = next("munmap");
	pthread_key_create(&thread_key, forget_thread);
	server_path = getenv("IOMMUDASH_SOCKET");
	__atomic_store_n(&real_ioctl, next("ioctl"), __ATOMIC_RELEASE);
}

static void init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!__atomic_load_n(&real_ioctl, __ATOMIC_ACQUIRE))
		pthread_once(&once, init_once);
}

enum ours { NOT_OURS, OUR_NODE, OUR_FILE };

/* Ours is what is connected to the server's address (a node) or to an abstract name derived from it (an event file). */
static enum ours whose(int fd)
{
	struct sockaddr_un peer;
	socklen_t length = sizeof(peer);
	size_t path_length, name_length;
	int saved = errno;
	int failed = !server_path || getpeername(fd, (struct sockaddr *)&peer, &length);

	errno = saved;
	if (failed || peer.sun_family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path))
		return NOT_OURS;
	name_length = length - offsetof(struct sockaddr_un, sun_path);
	path_length = strlen(server_path);
	if (peer.sun_path[0] == '\0')
		return name_length > path_length + 1 && !memcmp(peer.sun_path + 1, server_path, path_length) && peer.sun_path[1 + path_length] == '#' ? OUR_FILE : NOT_OURS;
	return name_length > path_length && !strcmp(peer.sun_path, server_path) ? OUR_NODE : NOT_OURS;
}

static int send_with_fd(int socket, const struct request *request, int fd)
{
	struct iovec part = { (void *)request, sizeof(*request) };
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *rights;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof(*request) ? 0 : -1;
}

static int receive_reply(struct reply *reply, int *fd)
{
	struct iovec part = { reply, sizeof(*reply) };
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;
	ssize_t got;

	do
		got = recvmsg(self.fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*fd = -1;
	if (got != sizeof(*reply))
		return -1;
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(rights), sizeof(int));
	return 0;
}

/* Hands the server this thread's reply socket, once per thread and again after a fork. */
static int register_thread(int socket)
{
	struct request request = { .op = OP_REGISTER };
	pid_t pid = getpid();
	int pair[2], high, sent;

	if (self.fd >= 0 && self.pid == pid)
		return 0;
	if (self.fd >= 0)
		close(self.fd);
	self.fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	high = fcntl(pair[0], F_DUPFD_CLOEXEC, LOWEST_REPLY_FD);
	if (high >= 0) {
		close(pair[0]);
		pair[0] = high;
	}
	request.tid = (uint32_t)syscall(SYS_gettid);
	request.a = __atomic_exchange_n(&registered_pid, pid, __ATOMIC_ACQ_REL) != pid;
	sent = send_with_fd(socket, &request, pair[1]);
	close(pair[1]);
	if (sent) {
		close(pair[0]);
		return -1;
	}
	self = (struct thread_state){ pid, request.tid, pair[0] };
	pthread_setspecific(thread_key, &self);
	return 0;
}

/* One call: -errno or the result. A server that is gone is EIO. The second result goes to *extra, the memory file of a window to *memory. */
static int64_t call_server(int socket, struct request *request, uint64_t *extra, int *memory)
{
	struct reply reply;
	int carried;

	if (register_thread(socket))
		return -EIO;
	request->tid = self.tid;
	if (send_with_fd(socket, request, -1))
		return errno == EBADF ? -EBADF : -EIO;
	if (receive_reply(&reply, &carried)) {
		close(self.fd);
		self.fd = -1;
		return -EIO;
	}
	if (reply.flags & REPLY_DRAINED) {
		char token;
		ssize_t taken = recv(socket, &token, 1, MSG_DONTWAIT);

		(void)taken;
	}
	if (reply.flags & REPLY_FILE) {
		if (carried < 0)
			return -EMFILE;
		have_files = 1;
		if (!reply.extra)
			return carried;
		/* The server has just written the structure around it, so this is writable. */
		memcpy((void *)(uintptr_t)reply.extra, &carried, sizeof(carried));
	} else if (memory) {
		*memory = carried;
	} else if (carried >= 0) {
		close(carried);
	}
	if (extra)
		*extra = reply.extra;
	return reply.value;
}

static int64_t finish(int64_t result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int connect_server(int flags)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(server_path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, server_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0), 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		errno = ENXIO;
		return -1;
	}
	return fd;
}

static int open_node(enum node node, uint32_t tid, int flags)
{
	struct request request = { .op = OP_OPEN, .a = node, .b = tid };
	int fd = connect_server(flags);
	int64_t result;

	if (fd < 0)
		return -1;
	result = call_server(fd, &request, NULL, NULL);
	if (result < 0) {
		close(fd);
		return (int)finish(result);
	}
	return fd;
}

/* /proc/self/fail-nth, /proc/PID/fail-nth and /proc/PID/task/TID/fail-nth of this process: the thread they name, or 0. */
static uint32_t fail_nth_thread(const char *path)
{
	const char *rest;
	char *end;
	unsigned long pid, tid;

	if (strncmp(path, "/proc/", 6))
		return 0;
	rest = path + 6;
	if (!strncmp(rest, "self/", 5)) {
		pid = (unsigned long)getpid();
		rest += 4;
	} else {
		pid = strtoul(rest, &end, 10);
		if (end == rest)
			return 0;
		rest = end;
	}
	if (!strcmp(rest, "/fail-nth"))
		return (uint32_t)pid;
	if (strncmp(rest, "/task/", 6))
		return 0;
	tid = strtoul(rest + 6, &end, 10);
	return strcmp(end, "/fail-nth") ? 0 : (uint32_t)tid;
}

/* A kernel with failure injection has these switches in debugfs; here every point is on all the time, so writing them does nothing. */
static int is_fail_switch(int dirfd, const char *path)
{
	char link[40], directory[64];
	ssize_t length;

	if (dirfd == AT_FDCWD || strncmp(path, "fail", 4))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	length = readlink(link, directory, sizeof(directory) - 1);
	if (length < 0)
		return 0;
	directory[length] = '\0';
	return !strcmp(directory, "/sys/kernel/debug");
}

static int do_open(int dirfd, const char *path, int flags, mode_t mode)
{
	uint32_t tid;
	int fd, saved;

	init();
	if (!server_path || !path)
		return real_openat(dirfd, path, flags, mode);
	if (!strcmp(path, "/dev/iommu"))
		return open_node(NODE_IOMMU, 0, flags);
	if (!strcmp(path, "/dev/vfio/vfio"))
		return open_node(NODE_VFIO, 0, flags);
	tid = fail_nth_thread(path);
	if (tid) {
		have_files = 1;
		return open_node(NODE_FAIL_NTH, tid, flags);
	}
	fd = real_openat(dirfd, path, flags, mode);
	saved = errno;
	if (fd < 0 && is_fail_switch(dirfd, path))
		return real_openat(AT_FDCWD, "/dev/null", flags);
	errno = saved;
	return fd;
}

/* /proc/self/status and /proc/PID/status: the process they name, or 0. */
static pid_t status_process(const char *path)
{
	char *end;
	long pid;

	if (!strcmp(path, "/proc/self/status"))
		return getpid();
	if (strncmp(path, "/proc/", 6))
		return 0;
	pid = strtol(path + 6, &end, 10);
	return end != path + 6 && !strcmp(end, "/status") ? (pid_t)pid : 0;
}

static void add_pages(char *line, size_t size, const char *name, uint64_t pages)
{
	size_t length = strlen(name);

	if (!strncmp(line, name, length))
		snprintf(line, size, "%s\t%8llu kB\n", name, strtoull(line + length, NULL, 10) + 4ull * pages);
}

/* The status of a process with what is pinned and locked on the emulated host added to it. NULL: nothing to add, open the real one. */
static FILE *open_status(const char *path, pid_t pid, const char *mode, FILE *(*real_fopen)(const char *, const char *))
{
	struct request request = { .op = OP_COUNTERS, .a = (uint64_t)pid };
	uint64_t locked = 0;
	int64_t pinned = -1;
	char line[512];
	int memory, server = connect_server(O_CLOEXEC);
	FILE *real, *status;

	if (server >= 0) {
		pinned = call_server(server, &request, &locked, NULL);
		close(server);
	}
	if (pinned < 0 || (!pinned && !locked))
		return NULL;
	real = real_fopen(path, mode);
	memory = real ? memfd_create("status", MFD_CLOEXEC) : -1;
	status = memory >= 0 ? fdopen(memory, "w+") : NULL;
	if (!status)
		return real;
	while (fgets(line, sizeof(line), real)) {
		add_pages(line, sizeof(line), "VmLck:", locked);
		add_pages(line, sizeof(line), "VmPin:", (uint64_t)pinned);
		fputs(line, status);
	}
	fclose(real);
	rewind(status);
	return status;
}

static FILE *do_fopen(const char *path, const char *mode, FILE *(*real_fopen)(const char *, const char *))
{
	pid_t pid;
	FILE *status = NULL;

	init();
	/* Only where this program, or the one it was forked from, has ever called. */
	if (server_path && registered_pid && path && (pid = status_process(path)) != 0)
		status = open_status(path, pid, mode, real_fopen);
	return status ? status : real_fopen(path, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	return do_fopen(path, mode, (FILE *(*)(const char *, const char *))next("fopen"));
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return do_fopen(path, mode, (FILE *(*)(const char *, const char *))next("fopen64"));
}

static int needs_mode(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_ARGUMENT(flags, mode)			\
	do {						\
		if (needs_mode(flags)) {		\
			va_list list;			\
			va_start(list, flags);		\
			mode = va_arg(list, mode_t);	\
			va_end(list);			\
		}					\
	} while (0)

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_ARGUMENT(flags, mode);
	return do_open(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_ARGUMENT(flags, mode);
	return do_open(dirfd, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_ARGUMENT(flags, mode);
	return do_open(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

EXPORT int openat64(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_ARGUMENT(flags, mode);
	return do_open(dirfd, path, flags | O_LARGEFILE, mode);
}

/* What open with checked arguments compiles to. */
EXPORT int __open_2(const char *path, int flags) { return do_open(AT_FDCWD, path, flags, 0); }
EXPORT int __open64_2(const char *path, int flags) { return do_open(AT_FDCWD, path, flags | O_LARGEFILE, 0); }
EXPORT int __openat_2(int dirfd, const char *path, int flags) { return do_open(dirfd, path, flags, 0); }
EXPORT int __openat64_2(int dirfd, const char *path, int flags) { return do_open(dirfd, path, flags | O_LARGEFILE, 0); }

EXPORT int ioctl(int fd, unsigned long number, ...)
{
	va_list list;
	void *argument;

	va_start(list, number);
	argument = va_arg(list, void *);
	va_end(list);
	init();
	if ((number >> 8 & 0xff) == IOCTL_TYPE && whose(fd) != NOT_OURS) {
		struct request request = { .op = OP_IOCTL, .a = (uint32_t)number, .b = (uintptr_t)argument };

		return (int)finish(call_server(fd, &request, NULL, NULL));
	}
	return real_ioctl(fd, number, argument);
}

static ssize_t transfer(uint32_t op, int fd, const void *buffer, size_t count, off_t offset)
{
	struct request request = { .op = op, .a = (uintptr_t)buffer, .b = count, .c = (uint64_t)offset };

	return (ssize_t)finish(call_server(fd, &request, NULL, NULL));
}

static int is_our_file(int fd)
{
	init();
	return have_files && whose(fd) != NOT_OURS;
}

EXPORT ssize_t read(int fd, void *buffer, size_t count)
{
	return is_our_file(fd) ? transfer(OP_READ, fd, buffer, count, -1) : real_read(fd, buffer, count);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t count)
{
	return is_our_file(fd) ? transfer(OP_WRITE, fd, buffer, count, -1) : real_write(fd, buffer, count);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
{
	return is_our_file(fd) ? transfer(OP_READ, fd, buffer, count, offset) : real_pread(fd, buffer, count, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
{
	return is_our_file(fd) ? transfer(OP_WRITE, fd, buffer, count, offset) : real_pwrite(fd, buffer, count, offset);
}

EXPORT ssize_t pread64(int fd, void *buffer, size_t count, off_t offset) { return pread(fd, buffer, count, offset); }
EXPORT ssize_t pwrite64(int fd, const void *buffer, size_t count, off_t offset) { return pwrite(fd, buffer, count, offset); }

/* A driver window: the server answers with a memory file, which is mapped in its place; munmap tells the server. */
static void *map_window(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	struct request request = { .op = OP_MMAP, .a = length, .b = (uint32_t)prot, .c = (uint32_t)flags, .d = (uint64_t)offset };
	struct request undo = { .op = OP_MUNMAP };
	uint64_t cookie = 0;
	int memory = -1;
	int64_t result = call_server(fd, &request, &cookie, &memory);
	void *mapped = MAP_FAILED;

	if (result < 0 || memory < 0) {
		errno = result < 0 ? (int)-result : EIO;
		return MAP_FAILED;
	}
	pthread_mutex_lock(&windows_lock);
	for (int i = 0; i < MAX_WINDOWS && mapped == MAP_FAILED; i++) {
		if (windows[i].length)
			continue;
		mapped = real_mmap(address, length, prot, flags, memory, 0);
		if (mapped == MAP_FAILED)
			break;
		/* The socket's duplicate keeps the context alive as a mapping of the real file would. */
		windows[i] = (struct window){ mapped, length, cookie, fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_REPLY_FD) };
	}
	pthread_mutex_unlock(&windows_lock);
	close(memory);
	if (mapped == MAP_FAILED) {
		undo.a = cookie;
		call_server(fd, &undo, NULL, NULL);
		errno = ENOMEM;
	}
	return mapped;
}

EXPORT void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	init();
	if (fd >= 0 && server_path && !(flags & MAP_ANONYMOUS) && whose(fd) == OUR_NODE)
		return map_window(address, length, prot, flags, fd, offset);
	return real_mmap(address, length, prot, flags, fd, offset);
}

EXPORT void *mmap64(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	return mmap(address, length, prot, flags, fd, offset);
}

EXPORT int munmap(void *address, size_t length)
{
	int result;

	init();
	result = real_munmap(address, length);
	if (result)
		return result;
	for (int i = 0; i < MAX_WINDOWS; i++) {
		struct window gone = { 0 };

		if (!windows[i].length)
			continue;
		pthread_mutex_lock(&windows_lock);
		if (windows[i].length && windows[i].address >= address && (char *)windows[i].address + windows[i].length <= (char *)address + length) {
			gone = windows[i];
			windows[i].length = 0;
		}
		pthread_mutex_unlock(&windows_lock);
		if (gone.length && gone.fd >= 0) {
			struct request request = { .op = OP_MUNMAP, .a = gone.cookie };

			call_server(gone.fd, &request, NULL, NULL);
			close(gone.fd);
		}
	}
	return result;
}
