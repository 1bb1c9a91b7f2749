/*
 * Does one step for each line of its input and answers each with one line: "0 VALUE", or "-1 ERRNO". So a test can look at the host between two calls.
 *   open | close | alloc | window IOAS | mock IOAS | map IOAS PAGES | file IOAS PAGES | unmap IOAS | destroy ID | access IOAS | rw ACCESS IOVA | poke BYTE | fork (the child goes on, and keeps everything but the memory's owner) | exit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int fd = -1;
static char *memory;

static int64_t call(uint32_t request, void *command)
{
	return ioctl(fd, request, command);
}

static int64_t alloc(void)
{
	struct { uint32_t size, flags, id; } command = { sizeof(command), 0, 0 };

	return call(0x3b81, &command) ? -1 : (int64_t)command.id;
}

static int64_t destroy(uint32_t id)
{
	struct { uint32_t size, id; } command = { sizeof(command), id };

	return call(0x3b80, &command);
}

/* A mock device attached to an IOAS; the answer is its hw_pagetable. */
static int64_t mock(uint32_t ioas)
{
	struct { uint32_t size, op, id, reserved, stdev, hwpt, idev, rest[11]; } command = { .size = 72, .op = 2, .id = ioas };

	return call(0x3ba0, &command) ? -1 : (int64_t)command.hwpt;
}

/* Only where the mock's page table reaches. */
static int64_t window(uint32_t ioas)
{
	uint64_t range[2] = { 16 << 20, 0x7fffffff };
	struct { uint32_t size, ioas, count, reserved; uint64_t ranges; } command = { sizeof(command), ioas, 1, 0, (uintptr_t)range };

	return call(0x3b82, &command);
}

static int64_t map(uint32_t ioas, uint64_t pages)
{
	struct { uint32_t size, flags, ioas, reserved; uint64_t user, length, iova; } command = { sizeof(command), 6, ioas, 0, 0, pages * 4096, 0 };

	memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	command.user = (uintptr_t)memory;
	return call(0x3b85, &command) ? -1 : (int64_t)command.iova;
}

static int64_t file(uint32_t ioas, uint64_t pages)
{
	struct { uint32_t size, flags, ioas; int32_t fd; uint64_t start, length, iova; } command = { sizeof(command), 6, ioas, memfd_create("steps", 0), 0, pages * 4096, 0 };

	if (ftruncate(command.fd, (off_t)(pages * 4096)))
		return -1;
	return call(0x3b8f, &command) ? -1 : (int64_t)command.iova;
}

static int64_t unmap(uint32_t ioas)
{
	struct { uint32_t size, ioas; uint64_t iova, length; } command = { sizeof(command), ioas, 0, UINT64_MAX };

	return call(0x3b86, &command) ? -1 : (int64_t)command.length;
}

/* A file of an emulated device that does not pin. */
static int64_t access_file(uint32_t ioas)
{
	struct { uint32_t size, op, id, reserved, fd, flags, rest[12]; } command = { .size = 72, .op = 5, .id = ioas };

	return call(0x3ba0, &command) ? -1 : (int64_t)command.fd;
}

static int64_t rw(uint32_t access, uint64_t iova)
{
	char bytes[16];
	struct { uint32_t size, op, id, reserved; uint64_t iova, length, user; uint32_t flags, rest[7]; } command = { 72, 8, access, 0, iova, sizeof(bytes), (uintptr_t)bytes, 0, { 0 } };

	return call(0x3ba0, &command);
}

static int64_t leave_to_child(void)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready) || (child = fork()) < 0)
		return -1;
	if (child)
		_exit(0);
	/* The parent is gone once its end is. */
	close(ready[1]);
	return read(ready[0], &byte, 1);
}

int main(void)
{
	char line[128], word[32];
	unsigned long long a, b;

	while (fgets(line, sizeof(line), stdin)) {
		int64_t result = -1;

		a = b = 0;
		sscanf(line, "%31s %llu %llu", word, &a, &b);
		errno = 0;
		if (!strcmp(word, "open")) result = fd = open("/dev/iommu", O_RDWR);
		else if (!strcmp(word, "close")) result = close(fd);
		else if (!strcmp(word, "alloc")) result = alloc();
		else if (!strcmp(word, "mock")) result = mock((uint32_t)a);
		else if (!strcmp(word, "window")) result = window((uint32_t)a);
		else if (!strcmp(word, "map")) result = map((uint32_t)a, b);
		else if (!strcmp(word, "file")) result = file((uint32_t)a, b);
		else if (!strcmp(word, "unmap")) result = unmap((uint32_t)a);
		else if (!strcmp(word, "destroy")) result = destroy((uint32_t)a);
		else if (!strcmp(word, "access")) result = access_file((uint32_t)a);
		else if (!strcmp(word, "rw")) result = rw((uint32_t)a, b);
		else if (!strcmp(word, "fork")) result = leave_to_child();
		else if (!strcmp(word, "poke")) result = memory[0] = (char)a;
		else if (!strcmp(word, "exit")) return (int)a;
		printf("%d %lld\n", result < 0 ? -1 : 0, result < 0 ? (long long)errno : (long long)result);
		fflush(stdout);
	}
	return 0;
}
