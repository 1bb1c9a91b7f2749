/*
 * Lets an unmodified program open the emulated /dev/iommu and /dev/vfio/vfio: the descriptor it gets is a socket connected to the server
 * named by IOMMUDASH_SOCKET, so dup, fork, poll, close and close-on-exec are the kernel's own and the last close is seen by the server.
 * Covered: open and openat in all their spellings, ioctl, read, write, readv, writev, pread, pwrite, mmap and munmap of those descriptors, also through syscall(); a process's status, to which the pages pinned and locked there are added.
 * Not covered: static programs and programs that make system calls without libc; they never come by here. stdio streams opened on the nodes.
 * Holds always: descriptors that are not ours, and requests of other ioctl types, go to libc unseen.
 */
#include "preload.h"

#include <dlfcn.h>
#include <stdarg.h>

#define IOCTL_TYPE 0x3b
#define EXPORT __attribute__((visibility("default")))

const char *server_path;
static int have_files;

int (*real_openat)(int, const char *, int, ...);
void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_ioctl)(int, unsigned long, ...);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_readv)(int, const struct iovec *, int);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_munmap)(void *, size_t);
static FILE *(*real_fopen)(const char *, const char *);
static FILE *(*real_fopen64)(const char *, const char *);
static long (*real_syscall)(long, ...);

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
	real_readv = next("readv");
	real_writev = next("writev");
	real_pread = next("pread");
	real_pwrite = next("pwrite");
	real_mmap = next("mmap");
	real_munmap = next("munmap");
	real_fopen = next("fopen");
	real_fopen64 = next("fopen64");
	real_syscall = next("syscall");
	init_calls();
	server_path = getenv("IOMMUDASH_SOCKET");
	__atomic_store_n(&real_ioctl, next("ioctl"), __ATOMIC_RELEASE);
}

static void init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!__atomic_load_n(&real_ioctl, __ATOMIC_ACQUIRE))
		pthread_once(&once, init_once);
}

void note_file(void)
{
	have_files = 1;
}

static int do_open(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	init();
	if (!server_path || !path)
		return real_openat(dirfd, path, flags, mode);
	if (open_special(dirfd, path, flags, &fd))
		return fd;
	fd = real_openat(dirfd, path, flags, mode);
	return fd < 0 ? open_missing(dirfd, path, flags) : fd;
}

static FILE *do_fopen(const char *path, const char *mode, FILE *(*real)(const char *, const char *))
{
	FILE *special = server_path && path && mode && mode[0] == 'r' && !strchr(mode, '+') ? fopen_special(path) : NULL;

	return special ? special : real(path, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	init();
	return do_fopen(path, mode, real_fopen);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	init();
	return do_fopen(path, mode, real_fopen64);
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

/* How long the structure of a request is, as far as the server knows it: so many bytes of the argument ride along. 0: it is a value, or unknown. */
static size_t structure_bytes(unsigned long number)
{
	static const uint8_t native[] = { 8, 12, 24, 40, 32, 40, 24, 24, 12, 48, 40, 16, 48, 32, 16, 40, 40, 24, 8, 32, 40 };
	unsigned long index = (number & 0xff) - 0x80;

	if (number >> 8 != IOCTL_TYPE)
		return 0;
	return index < sizeof(native) ? native[index] : index == 0x20 ? MAX_STRUCTURE_BYTES : 0;
}

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

		return (int)finish(call_server_about(fd, &request, argument, structure_bytes((uint32_t)number), NULL, NULL));
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


static ssize_t transfer_parts(uint32_t op, int fd, const struct iovec *parts, int count)
{
	ssize_t total = 0;

	for (int i = 0; i < count; i++) {
		ssize_t done = transfer(op, fd, parts[i].iov_base, parts[i].iov_len, -1);

		if (done < 0)
			return total ? total : done;
		total += done;
		if ((size_t)done != parts[i].iov_len)
			break;
	}
	return total;
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
	return is_our_file(fd) ? transfer_parts(OP_READ, fd, parts, count) : real_readv(fd, parts, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return is_our_file(fd) ? transfer_parts(OP_WRITE, fd, parts, count) : real_writev(fd, parts, count);
}

/* What reads with checked buffers compile to. */
extern void __chk_fail(void) __attribute__((noreturn));

#define CHECK_ROOM(count, room) do { if ((count) > (room)) __chk_fail(); } while (0)

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room) { CHECK_ROOM(count, room); return read(fd, buffer, count); }
EXPORT ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t room) { CHECK_ROOM(count, room); return pread(fd, buffer, count, offset); }
EXPORT ssize_t __pread64_chk(int fd, void *buffer, size_t count, off_t offset, size_t room) { CHECK_ROOM(count, room); return pread(fd, buffer, count, offset); }

EXPORT void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	void *mapped;

	init();
	if (fd >= 0 && server_path && !(flags & MAP_ANONYMOUS) && whose(fd) == OUR_NODE)
		return map_window(address, length, prot, flags, fd, offset);
	mapped = real_mmap(address, length, prot, flags, fd, offset);
	if ((flags & MAP_FIXED) && mapped != MAP_FAILED)
		forget_windows(address, length);
	return mapped;
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
	if (!result)
		forget_windows(address, length);
	return result;
}

/* System calls by number: those that may be about our descriptors take the way of their functions. */
EXPORT long syscall(long number, ...)
{
	va_list list;
	long a, b, c, d, e, f;

	va_start(list, number);
	a = va_arg(list, long);
	b = va_arg(list, long);
	c = va_arg(list, long);
	d = va_arg(list, long);
	e = va_arg(list, long);
	f = va_arg(list, long);
	va_end(list);
	init();
	if (!server_path)
		return real_syscall(number, a, b, c, d, e, f);
	switch (number) {
#ifdef SYS_open
	case SYS_open: return do_open(AT_FDCWD, (const char *)a, (int)b, (mode_t)c);
#endif
	case SYS_openat: return do_open((int)a, (const char *)b, (int)c, (mode_t)d);
#ifdef SYS_openat2
	/* struct open_how starts with the flags, 64 bits wide. */
	case SYS_openat2: {
		int fd;

		return b && c && open_special((int)a, (const char *)b, (int)*(const uint64_t *)c, &fd) ? fd : real_syscall(number, a, b, c, d);
	}
#endif
	case SYS_ioctl: return ioctl((int)a, (unsigned long)b, (void *)c);
	case SYS_read: return read((int)a, (void *)b, (size_t)c);
	case SYS_write: return write((int)a, (const void *)b, (size_t)c);
	case SYS_readv: return readv((int)a, (const struct iovec *)b, (int)c);
	case SYS_writev: return writev((int)a, (const struct iovec *)b, (int)c);
	case SYS_pread64: return pread((int)a, (void *)b, (size_t)c, (off_t)d);
	case SYS_pwrite64: return pwrite((int)a, (const void *)b, (size_t)c, (off_t)d);
	case SYS_mmap: return (long)mmap((void *)a, (size_t)b, (int)c, (int)d, (int)e, (off_t)f);
	case SYS_munmap: return munmap((void *)a, (size_t)b);
	default: return real_syscall(number, a, b, c, d, e, f);
	}
}
