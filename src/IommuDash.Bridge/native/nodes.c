/*
 * The paths that are not the real machine's: the device nodes, fail-nth, its switches in debugfs, and a process's status, which gets the pages pinned and locked on the emulated host added.
 */
#include "preload.h"

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

/* The status of a process as a memory file, read-only in spirit: what is pinned and locked on the emulated host is added to it. */
static int open_status(const char *path, pid_t pid, int flags)
{
	struct request request = { .op = OP_COUNTERS, .a = (uint64_t)pid };
	uint64_t locked = 0;
	int64_t pinned = -1;
	char line[512];
	int memory, server, real = real_openat(AT_FDCWD, path, flags);
	FILE *in, *out;

	if (real < 0 || (flags & O_ACCMODE) != O_RDONLY)
		return real;
	server = connect_server(O_CLOEXEC);
	if (server >= 0) {
		pinned = call_server(server, &request, &locked, NULL);
		close(server);
	}
	if (pinned < 0 || (!pinned && !locked))
		return real;
	memory = memfd_create("status", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	in = memory >= 0 ? fdopen(dup(real), "r") : NULL;
	out = in ? fdopen(dup(memory), "w") : NULL;
	if (!out) {
		if (in)
			fclose(in);
		if (memory >= 0)
			close(memory);
		return real;
	}
	while (fgets(line, sizeof(line), in)) {
		add_pages(line, sizeof(line), "VmLck:", locked);
		add_pages(line, sizeof(line), "VmPin:", (uint64_t)pinned);
		fputs(line, out);
	}
	fclose(in);
	fclose(out);
	close(real);
	lseek(memory, 0, SEEK_SET);
	return memory;
}

int open_special(int dirfd, const char *path, int flags, int *fd)
{
	uint32_t tid;
	pid_t pid;

	if (!strcmp(path, "/dev/iommu"))
		*fd = open_node(NODE_IOMMU, 0, flags);
	else if (!strcmp(path, "/dev/vfio/vfio"))
		*fd = open_node(NODE_VFIO, 0, flags);
	else if ((tid = fail_nth_thread(path)) != 0) {
		note_file();
		*fd = open_node(NODE_FAIL_NTH, tid, flags);
	} else if ((pid = status_process(path)) != 0)
		*fd = open_status(path, pid, flags);
	else
		return 0;
	return 1;
}

int open_missing(int dirfd, const char *path, int flags)
{
	int error = errno;

	if (is_fail_switch(dirfd, path))
		return real_openat(AT_FDCWD, "/dev/null", flags);
	errno = error;
	return -1;
}

FILE *fopen_special(const char *path)
{
	pid_t pid = status_process(path);
	int fd = pid ? open_status(path, pid, O_RDONLY | O_CLOEXEC) : -1;

	return fd >= 0 ? fdopen(fd, "r") : NULL;
}
