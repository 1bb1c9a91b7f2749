/* What a program may do with the descriptor of /dev/iommu. One scenario a run, named by the first argument; exit code 0 = as on Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdint.h>

#define CHECK(what) do { if (!(what)) { fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #what, errno); _exit(1); } } while (0)

static uint32_t alloc_ioas(int fd)
{
	struct { uint32_t size, flags, id; } command = { sizeof(command), 0, 0 };

	return ioctl(fd, 0x3b81, &command) ? 0 : command.id;
}

static int destroy(int fd, uint32_t id)
{
	struct { uint32_t size, id; } command = { sizeof(command), id };

	return ioctl(fd, 0x3b80, &command);
}

static int open_iommu(int flags)
{
	int fd = open("/dev/iommu", O_RDWR | flags);

	CHECK(fd >= 0);
	return fd;
}

static int shared_fd;

static void *churn(void *unused)
{
	for (int i = 0; i < 300; i++) {
		uint32_t id = alloc_ioas(shared_fd);

		CHECK(id);
		CHECK(!destroy(shared_fd, id));
	}
	return unused;
}

static void threads(void)
{
	pthread_t thread[4];

	shared_fd = open_iommu(0);
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread[i], NULL, churn, NULL));
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(alloc_ioas(shared_fd) == 1);
}

static void in_child(void (*what)(int), int fd)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (!child) {
		what(fd);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void use_second(int fd) { CHECK(alloc_ioas(fd) == 2); }
static void close_it(int fd) { CHECK(!close(fd)); }

static void forks(void)
{
	int fd = open_iommu(0);

	CHECK(alloc_ioas(fd) == 1);
	in_child(use_second, fd);
	CHECK(alloc_ioas(fd) == 3);
	in_child(close_it, fd);
	CHECK(alloc_ioas(fd) == 4);
}

static void dups(void)
{
	int fd = open_iommu(0), twin = dup(fd);

	CHECK(alloc_ioas(fd) == 1);
	CHECK(!close(fd));
	CHECK(alloc_ioas(twin) == 2);
	CHECK(!close(twin));
	CHECK(!alloc_ioas(twin) && errno == EBADF);
	/* The host of this test allows one context: the last close has ended the first before the next can open. */
	fd = open_iommu(0);
	CHECK(alloc_ioas(fd) == 1);
}

static void after_exec(const char *closed, const char *kept)
{
	CHECK(!alloc_ioas(atoi(closed)));
	CHECK(alloc_ioas(atoi(kept)) == 2);
}

static void execs(const char *self)
{
	char kept[16], closed[16];
	int fd = open_iommu(0), twin = fcntl(fd, F_DUPFD_CLOEXEC, 20);

	CHECK(alloc_ioas(twin) == 1);
	snprintf(kept, sizeof(kept), "%d", fd);
	snprintf(closed, sizeof(closed), "%d", twin);
	execl(self, self, "after-exec", closed, kept, NULL);
	CHECK(!"exec");
}

static void crash(void)
{
	int fd = open_iommu(0);

	CHECK(alloc_ioas(fd) == 1);
	raise(9);
}

/* The server is stopped meanwhile. */
static void orphan(void)
{
	int fd = open_iommu(0);

	CHECK(alloc_ioas(fd) == 1);
	printf("open\n");
	fflush(stdout);
	while (alloc_ioas(fd))
		;
	CHECK(errno == EIO || errno == ENOMEM);
	while (errno != EIO)
		alloc_ioas(fd);
}

/* Without a mapping under it, a pointer is EFAULT, also where the program itself would die of it. */
static void pointers(void)
{
	int fd = open_iommu(0);
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK(ioctl(fd, 0x3b81, NULL) == -1 && errno == EFAULT);
	CHECK(ioctl(fd, 0x3b81, page) == -1 && errno == EINVAL);
	CHECK(ioctl(fd, 0x3b64) == 0);
}

struct fault_queue { uint32_t size, flags, id, fd; };

static void events(void)
{
	struct fault_queue queue = { .size = sizeof(queue) };
	struct pollfd wait = { .events = POLLIN | POLLOUT };
	int fd = open_iommu(0);
	char buffer[40];

	CHECK(!ioctl(fd, 0x3b8e, &queue));
	CHECK(fcntl((int)queue.fd, F_GETFD) == FD_CLOEXEC);
	wait.fd = (int)queue.fd;
	CHECK(poll(&wait, 1, 0) == 1 && wait.revents == POLLOUT);
	CHECK(read((int)queue.fd, buffer, sizeof(buffer)) == 0);
	CHECK(read((int)queue.fd, buffer, 3) == -1 && errno == ESPIPE);
	/* The first response is looked at although the second cannot be read. */
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && !munmap(pages + 4096, 4096));
	CHECK(write((int)queue.fd, pages + 4096 - 8, 16) == -1 && errno == EINVAL);
	CHECK(write((int)queue.fd, pages + 4096 - 4, 16) == -1 && errno == EFAULT);
	CHECK(destroy(fd, queue.id) == -1 && errno == EBUSY);
	CHECK(!close((int)queue.fd));
	CHECK(!destroy(fd, queue.id));
}

/* The n-th point of a call fails, n = 1, 2, ... until it succeeds; no failure leaves an object. */
static void fail_nth(void)
{
	int fd = open_iommu(0), nth = open("/proc/self/fail-nth", O_RDWR), points = 0;
	char text[16];
	uint32_t id = 0;

	CHECK(nth >= 0);
	while (!id) {
		snprintf(text, sizeof(text), "%d", points + 1);
		CHECK(pwrite(nth, text, strlen(text), 0) == (ssize_t)strlen(text));
		id = alloc_ioas(fd);
		CHECK(id == 1 || (!id && (errno == EFAULT || errno == ENOMEM)));
		CHECK(pread(nth, text, sizeof(text), 0) == 2);
		CHECK(id || text[0] == '0');
		points += !id;
	}
	/* Two reads, an allocation, a write. */
	CHECK(points >= 4);
}

/* A memfd is mapped by descriptor; with a domain there, what does not lie inside it cannot be pinned. */
static void memory_file(void)
{
	struct { uint32_t size, flags, ioas_id; int32_t fd; uint64_t start, length, iova; } map = { sizeof(map), 6, 0, 0, 0, 8192, 0 };
	struct { uint32_t size, op, id, reserved, stdev, hwpt, idev, rest[11]; } mock = { .size = 72, .op = 2 };
	struct { uint32_t size, op, id, reserved; uint64_t iova, length, uptr, rest[4]; } check = { .size = 72, .op = 3 };
	int fd = open_iommu(0), memory = memfd_create("memory", 0), disk = open("/proc/self/exe", O_RDONLY);
	char *shown;

	CHECK(memory >= 0 && !ftruncate(memory, 8192));
	shown = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	CHECK(shown != MAP_FAILED);
	mock.id = map.ioas_id = alloc_ioas(fd);
	CHECK(!ioctl(fd, 0x3ba0, &mock));
	map.fd = 1000;
	CHECK(ioctl(fd, 0x3b8f, &map) == -1 && errno == EBADF);
	map.fd = disk;
	CHECK(ioctl(fd, 0x3b8f, &map) == -1 && errno == EINVAL);
	map.fd = memory;
	map.length = 12288;
	CHECK(ioctl(fd, 0x3b8f, &map) == -1 && errno == EINVAL);
	map.length = 8192;
	CHECK(!ioctl(fd, 0x3b8f, &map));
	/* The pages are the same whether named by descriptor or by address. */
	check.id = mock.hwpt;
	check.iova = map.iova;
	check.length = 8192;
	check.uptr = (uintptr_t)shown;
	CHECK(!ioctl(fd, 0x3ba0, &check));
}

struct mock { uint32_t size, op, id, reserved, stdev, hwpt, idev, rest[11]; };

/* A driver's window is mapped through the descriptor, only whole and shared, and holds its object until munmap. */
static void window(void)
{
	struct mock mock = { .size = 72, .op = 2 };
	struct { uint32_t size, flags, dev, pt, out, reserved, type, len; uint64_t data; } parent = { sizeof(parent), 1 };
	struct { uint32_t in, out; uint64_t offset, length; } data = { .in = 0x1badcafe };
	struct { uint32_t size, flags, type, dev, hwpt, out, len, reserved; uint64_t data; } viommu = { sizeof(viommu), 0, 0xdeadbeef };
	int fd = open_iommu(0);
	uint32_t *seen;

	mock.id = parent.pt = alloc_ioas(fd);
	CHECK(!ioctl(fd, 0x3ba0, &mock));
	parent.dev = viommu.dev = mock.idev;
	CHECK(!ioctl(fd, 0x3b89, &parent));
	viommu.hwpt = parent.out;
	viommu.data = (uintptr_t)&data;
	viommu.len = sizeof(data);
	CHECK(!ioctl(fd, 0x3b90, &viommu));
	CHECK(data.out == data.in && data.length == 8192);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)data.offset) == MAP_FAILED && errno == ENXIO);
	CHECK(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, (off_t)data.offset) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, (off_t)data.offset) == MAP_FAILED && errno == EPERM);
	seen = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)data.offset);
	CHECK(seen != MAP_FAILED && *seen == data.in);
	CHECK(destroy(fd, viommu.out) == -1 && errno == EBUSY);
	CHECK(!munmap(seen, 8192));
	CHECK(!destroy(fd, viommu.out));
}

static unsigned long status_pages(const char *name)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	CHECK(status);
	while (fgets(line, sizeof(line), status)) {
		if (!strncmp(line, name, strlen(name)))
			kib = strtoul(line + strlen(name), NULL, 10);
	}
	fclose(status);
	return kib / 4;
}

/* What a program has pinned shows in its status, as VmPin; there are 16 pages of it. */
static void status(void)
{
	struct mock mock = { .size = 72, .op = 2 };
	struct { uint32_t size, flags, ioas_id, reserved; uint64_t user_va, length, iova; } map = { sizeof(map), 6, 0, 0, 0, 65536, 0 };
	int fd = open_iommu(0);

	map.user_va = (uintptr_t)mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mock.id = map.ioas_id = alloc_ioas(fd);
	CHECK(!ioctl(fd, 0x3ba0, &mock));
	CHECK(status_pages("VmPin:") == 0);
	CHECK(!ioctl(fd, 0x3b85, &map));
	CHECK(status_pages("VmPin:") == 16);
	CHECK(!close(fd));
	CHECK(status_pages("VmPin:") == 0);
}

int main(int argc, char **argv)
{
	const char *scenario = argc > 1 ? argv[1] : "";

	if (!strcmp(scenario, "threads")) threads();
	else if (!strcmp(scenario, "forks")) forks();
	else if (!strcmp(scenario, "dups")) dups();
	else if (!strcmp(scenario, "execs")) execs("/proc/self/exe");
	else if (!strcmp(scenario, "after-exec")) after_exec(argv[2], argv[3]);
	else if (!strcmp(scenario, "crash")) crash();
	else if (!strcmp(scenario, "orphan")) orphan();
	else if (!strcmp(scenario, "pointers")) pointers();
	else if (!strcmp(scenario, "events")) events();
	else if (!strcmp(scenario, "window")) window();
	else if (!strcmp(scenario, "status")) status();
	else if (!strcmp(scenario, "memory-file")) memory_file();
	else if (!strcmp(scenario, "fail-nth")) fail_nth();
	else return 2;
	return 0;
}
