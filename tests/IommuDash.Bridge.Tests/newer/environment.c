/* What programs do around the calls: every way to open a node, hand a descriptor over and start other programs; and what they read of a process. */
#include "iommufd.h"
#include <linux/openat2.h>
#include <spawn.h>
#include <sys/stat.h>

CASE(open_in_every_spelling)
{
	struct open_how how = { .flags = O_RDWR | O_CLOEXEC };
	int dev = open("/dev", O_RDONLY | O_DIRECTORY);
	int fds[] = {
		open("/dev/iommu", O_RDWR), open("/dev/iommu", O_RDWR | O_CLOEXEC), openat(AT_FDCWD, "/dev/iommu", O_RDWR), openat(dev, "/dev/iommu", O_RDONLY),
		(int)syscall(SYS_openat, AT_FDCWD, "/dev/iommu", O_RDWR, 0), (int)syscall(SYS_openat2, AT_FDCWD, "/dev/iommu", &how, sizeof(how)),
		open("/dev/vfio/vfio", O_RDWR),
	};

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		TRUE(fds[i] >= 0);
		EQ(1, new_ioas(fds[i]));
	}
	OK(fcntl(fds[0], F_GETFD));
	EQ(FD_CLOEXEC, fcntl(fds[1], F_GETFD));
	EQ(FD_CLOEXEC, fcntl(fds[5], F_GETFD));
	EQ(O_RDWR, fcntl(fds[0], F_GETFL) & O_ACCMODE);
}

CASE(system_calls_by_number)
{
	struct { uint32_t size, flags, id; } c = { .size = sizeof(c) };
	struct { uint32_t size, flags, id, fd; } queue = { .size = sizeof(queue) };
	struct fault fault;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/iommu", O_RDWR);

	TRUE(fd >= 0);
	OK(syscall(SYS_ioctl, fd, (unsigned long)IOAS_ALLOC, &c));
	EQ(1, c.id);
	OK(syscall(SYS_ioctl, fd, (unsigned long)FAULT_QUEUE_ALLOC, &queue));
	OK(syscall(SYS_read, queue.fd, &fault, sizeof(fault)));
	EQ(-1, syscall(SYS_pread64, queue.fd, &fault, sizeof(fault), 40));
	EQ(ESPIPE, errno);
	EQ(getpid(), syscall(SYS_getpid));
	EQ(-1, syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EQ(ENXIO, errno);
}

CASE(duplicates)
{
	int fd = open_iommu(), twin = dup(fd), third = dup2(fd, 200), fourth = dup3(fd, 201, O_CLOEXEC), fifth = fcntl(fd, F_DUPFD, 300);

	EQ(1, new_ioas(twin));
	EQ(2, new_ioas(third));
	EQ(3, new_ioas(fourth));
	EQ(4, new_ioas(fifth));
	OK(close(fd));
	OK(close(twin));
	OK(close(third));
	OK(close(fourth));
	OK(destroy(fifth, 4));
	OK(close(fifth));
	EQ(-EBADF, destroy(fifth, 3));
	EQ(-EBADF, destroy(-1, 3));
	EQ(1, new_ioas(open_iommu()));
}

CASE(other_ioctls_are_not_ours)
{
	int fd = open_iommu(), file = open("/proc/self/exe", O_RDONLY), pipes[2];

	OK(ioctl(fd, FIOCLEX));
	EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EQ(-1, ioctl(file, IOAS_ALLOC, NULL));
	EQ(ENOTTY, errno);
	OK(pipe(pipes));
	EQ(-1, ioctl(pipes[0], DESTROY, NULL));
	EQ(ENOTTY, errno);
}

CASE(closed_number_is_used_by_another_file)
{
	int fd = open_iommu(), again;
	char byte;

	EQ(1, new_ioas(fd));
	OK(close(fd));
	again = open("/dev/zero", O_RDONLY);
	EQ(fd, again);
	EQ(1, read(again, &byte, 1));
	EQ(-ENOTTY, destroy(again, 1));
}

CASE(vfork_and_exec)
{
	int fd = open_iommu(), status;
	pid_t child;

	EQ(1, new_ioas(fd));
	child = vfork();
	if (!child) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	EQ(child, waitpid(child, &status, 0));
	OK(status);
	EQ(2, new_ioas(fd));
}

CASE(spawned_program_keeps_nothing)
{
	char *arguments[] = { "true", NULL }, *environment[] = { NULL };
	int fd = open_iommu(), status;
	pid_t child;

	OK(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment));
	EQ(child, waitpid(child, &status, 0));
	OK(status);
	OK(close(fd));
	EQ(1, new_ioas(open_iommu()));
}

static void send_descriptor(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	EQ(1, sendmsg(socket, &message, 0));
}

static int receive_descriptor(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	EQ(1, recvmsg(socket, &message, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

static void open_and_send(void *socket)
{
	int fd = open_iommu();

	EQ(1, new_ioas(fd));
	send_descriptor(*(int *)socket, fd);
}

CASE(descriptor_passed_over_a_socket)
{
	int pair[2], fd;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	in_child(open_and_send, &pair[1]);
	/* Its opener is gone, the context is not. */
	fd = receive_descriptor(pair[0]);
	EQ(2, new_ioas(fd));
	OK(destroy(fd, 1));
}

static unsigned long kib_by_stream(const char *path, const char *name)
{
	FILE *status = fopen(path, "r");
	unsigned long kib = 0;
	char line[256];

	TRUE(status);
	while (fgets(line, sizeof(line), status)) {
		if (!strncmp(line, name, strlen(name)))
			kib = strtoul(line + strlen(name), NULL, 10);
	}
	fclose(status);
	return kib;
}

static unsigned long kib_by_read(const char *path, const char *name)
{
	int status = open(path, O_RDONLY);
	char text[8192], *found;
	ssize_t got;

	TRUE(status >= 0);
	got = read(status, text, sizeof(text) - 1);
	TRUE(got > 0);
	text[got] = '\0';
	found = strstr(text, name);
	TRUE(found);
	OK(close(status));
	return strtoul(found + strlen(name), NULL, 10);
}

struct pinned { int fd; char path[40]; };

static void see_parent(void *argument)
{
	struct pinned *pinned = argument;

	EQ(64, kib_by_stream(pinned->path, "VmPin:"));
	EQ(64, kib_by_read(pinned->path, "VmPin:"));
	EQ(0, kib_by_stream("/proc/self/status", "VmPin:"));
}

static void grep_parent(void *argument)
{
	char command[100];

	snprintf(command, sizeof(command), "grep -q 'VmPin:[[:space:]]*64 kB' %s", ((struct pinned *)argument)->path);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(9);
}

CASE(status_shows_what_is_pinned)
{
	struct pinned pinned = { .fd = open_iommu() };
	uint32_t ioas = new_ioas(pinned.fd);
	uint64_t iova = 0;

	snprintf(pinned.path, sizeof(pinned.path), "/proc/%d/status", getpid());
	new_device(pinned.fd, ioas, 0);
	EQ(0, kib_by_stream("/proc/self/status", "VmPin:"));
	OK(map(pinned.fd, ioas, READ_WRITE, anonymous(16 * PAGE), 16 * PAGE, &iova));
	EQ(64, kib_by_stream("/proc/self/status", "VmPin:"));
	EQ(64, kib_by_read("/proc/self/status", "VmPin:"));
	EQ(64, kib_by_stream(pinned.path, "VmPin:"));
	in_child(see_parent, &pinned);
	/* Programs that never made a call see it, too. */
	in_child(grep_parent, &pinned);
	OK(unmap(pinned.fd, ioas, 0, ~0ull));
	EQ(0, kib_by_stream("/proc/self/status", "VmPin:"));
}

CASE(fork_of_a_fork)
{
	int fd = open_iommu(), status;
	pid_t child;

	for (uint32_t depth = 1; depth <= 5; depth++) {
		EQ(depth, new_ioas(fd));
		child = fork();
		if (child) {
			EQ(child, waitpid(child, &status, 0));
			OK(status);
			_exit(0);
		}
	}
}

static int shared_fd;

static void *use_shared(void *unused)
{
	for (int i = 0; i < 200; i++)
		OK(destroy(shared_fd, new_ioas(shared_fd)));
	return unused;
}

CASE(threads_and_forks_at_once)
{
	pthread_t threads[2];
	int status;

	shared_fd = open_iommu();
	for (int i = 0; i < 2; i++)
		OK(pthread_create(&threads[i], NULL, use_shared, NULL));
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();

		if (!child) {
			use_shared(NULL);
			_exit(0);
		}
		EQ(child, waitpid(child, &status, 0));
		OK(status);
	}
	for (int i = 0; i < 2; i++)
		OK(pthread_join(threads[i], NULL));
	EQ(1, new_ioas(shared_fd));
}
