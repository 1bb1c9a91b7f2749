/* Times calls through the preload library: for each row the median, over batches, of nanoseconds a call. Prints "NAME NANOSECONDS" a line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BATCH 50
#define WARM_UP 40
#define BATCHES 200

static int fd;
static struct { uint32_t size, flags, id; } ioas = { 12, 0, 0 };
static struct { uint32_t size, option; uint16_t op, reserved; uint32_t object; uint64_t value; } option = { 24, 1, 1, 0, 0, 0 };
static struct { uint32_t size, flags, ioas, reserved; uint64_t va, length, iova; } map = { 40, 7, 0, 0, 0, 4096, 1 << 24 };
static struct { uint32_t size, ioas; uint64_t iova, length; } unmap = { 24, 0, 1 << 24, 4096 };
static struct { uint32_t size, op, id, reserved, words[14]; } mock = { 72, 2, 0, 0, { 0 } };

static int must(int result)
{
	if (result < 0) {
		perror("ioctl");
		exit(1);
	}
	return result;
}

static void null_call(void) { must(ioctl(fd, 0x3b64)); }
static void get_option(void) { must(ioctl(fd, 0x3b87, &option)); }

static void map_and_unmap(void)
{
	must(ioctl(fd, 0x3b85, &map));
	unmap.length = 4096;
	must(ioctl(fd, 0x3b86, &unmap));
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void row(const char *name, void (*what)(void), int calls)
{
	static double samples[BATCHES];

	for (int i = -WARM_UP; i < BATCHES; i++) {
		uint64_t start = now();

		for (int j = 0; j < BATCH; j++)
			what();
		if (i >= 0)
			samples[i] = (double)(now() - start) / (BATCH * calls);
	}
	qsort(samples, BATCHES, sizeof(*samples), compare);
	printf("%s %.0f\n", name, samples[BATCHES / 2]);
}

int main(void)
{
	fd = must(open("/dev/iommu", O_RDWR));
	must(ioctl(fd, 0x3b81, &ioas));
	option.object = map.ioas = unmap.ioas = mock.id = ioas.id;
	must(ioctl(fd, 0x3ba0, &mock));
	map.va = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	row("bridge/round-trip", null_call, 1);
	row("bridge/OPTION", get_option, 1);
	row("bridge/IOAS_MAP+UNMAP/4K", map_and_unmap, 2);
	return 0;
}
