/* dma-bufs and memory files as sources of a mapping. */
#include "iommufd.h"

static int get_buffer_with(int fd, uint32_t length, uint32_t open_flags)
{
	struct test get = { .size = sizeof(get), .op = DMABUF_GET, .word = { length, open_flags } };

	return call(fd, TEST, &get);
}

static int get_buffer(int fd, uint32_t length) { return get_buffer_with(fd, length, O_CLOEXEC); }

static int set_revoked(int fd, int buffer, uint32_t revoked) { return test_words(fd, DMABUF_REVOKE, 0, (uint32_t)buffer, revoked, 0); }

CASE(get_rules)
{
	int fd = open_iommu(), buffer;

	EQ(-EINVAL, get_buffer(fd, 0));
	EQ(-EINVAL, get_buffer(fd, 512 * PAGE + 1));
	EQ(-EINVAL, get_buffer(fd, ~0u));
	buffer = get_buffer(fd, 512 * PAGE);
	TRUE(buffer >= 0);
	EQ(FD_CLOEXEC, fcntl(buffer, F_GETFD));
	OK(close(buffer));
	buffer = get_buffer_with(fd, PAGE, O_RDWR);
	TRUE(buffer >= 0);
	EQ(0, fcntl(buffer, F_GETFD));
	OK(close(buffer));
	TRUE(get_buffer(fd, 1) >= 0);
}

CASE(map_rules)
{
	int fd = open_iommu(), buffer = get_buffer(fd, 4 * PAGE), odd = get_buffer(fd, PAGE + 1), file = memory_file(PAGE);
	uint32_t ioas = new_ioas(fd);
	uint64_t iova = 0;

	EQ(-EOPNOTSUPP, map_file(fd, 0, 8, -1, 0, 0, &iova));
	iova = ~0ull;
	EQ(-EOVERFLOW, map_file(fd, 0, 0, -1, 0, 0, &iova));
	iova = 0;
	EQ(-EOVERFLOW, map_file(fd, 0, 0, -1, 0, ~0ull, &iova));
	EQ(-EINVAL, map_file(fd, 0, 0, -1, 0, 0, &iova));
	EQ(-ENOENT, map_file(fd, 0, READ_WRITE, -1, 0, 0, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, -1, 0, 0, &iova));
	EQ(-EOVERFLOW, map_file(fd, ioas, READ_WRITE, -1, ~0ull, 2, &iova));
	EQ(-EBADF, map_file(fd, ioas, READ_WRITE, -1, 0, PAGE, &iova));
	EQ(-EBADF, map_file(fd, ioas, READ_WRITE, 999, 0, PAGE, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, buffer, 0, 4 * PAGE + 1, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, buffer, 4 * PAGE, 1, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, buffer, PAGE, 4 * PAGE, &iova));
	OK(map_file(fd, ioas, READ_WRITE, buffer, 0, 4 * PAGE, &iova));
	OK(map_file(fd, ioas, READ_WRITE, buffer, PAGE, 3 * PAGE, &iova));
	OK(map_file(fd, ioas, READ_WRITE, odd, 0, 2 * PAGE, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, odd, 0, 3 * PAGE, &iova));
	/* A memory file's length counts when it is pinned. */
	OK(map_file(fd, ioas, READ_WRITE, file, 0, 2 * PAGE, &iova));
	OK(unmap(fd, ioas, 0, ~0ull));
	new_device(fd, ioas, 0);
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, file, 0, 2 * PAGE, &iova));
	OK(map_file(fd, ioas, READ_WRITE, file, 0, PAGE, &iova));
	EQ(-EINVAL, map_file(fd, ioas, READ_WRITE, buffer, 100, PAGE, &iova));
}

CASE(memory_file_cut_short)
{
	int fd = open_iommu(), file = memory_file(2 * PAGE), disk = open("/proc/self/exe", O_RDONLY);
	uint32_t ioas = new_ioas(fd);
	uint64_t iova = MOCK_START;
	struct device device;

	OK(map_file(fd, ioas, READ_WRITE | FIXED, file, 0, 2 * PAGE, &iova));
	OK(ftruncate(file, PAGE));
	EQ(-EINVAL, add_device(fd, ioas, 0, &device));
	OK(ftruncate(file, 2 * PAGE));
	OK(add_device(fd, ioas, 0, &device));
	iova = 0;
	EQ(-EINVAL, map_file(fd, ioas, READABLE, disk, 0, PAGE, &iova));
}

CASE(memory_file_is_shared)
{
	int fd = open_iommu(), file = memory_file(4 * PAGE);
	char *memory = map_shared(file, 4 * PAGE);
	uint32_t ioas = new_ioas(fd);
	struct device device = new_device(fd, ioas, 0);
	uint64_t iova = 0, by_address = 0;

	OK(map_file(fd, ioas, READ_WRITE, file, PAGE, 2 * PAGE, &iova));
	OK(check_map(fd, device.hwpt, iova, 2 * PAGE, memory + PAGE));
	EQ(-EINVAL, check_map(fd, device.hwpt, iova, 2 * PAGE, memory));
	OK(check_refs(fd, memory, PAGE, 0));
	OK(check_refs(fd, memory + PAGE, 2 * PAGE, 1));
	/* The same pages by address are pages of another source: a second pin. */
	OK(map(fd, ioas, READ_WRITE, memory, 4 * PAGE, &by_address));
	OK(check_refs(fd, memory + PAGE, 2 * PAGE, 2));
	OK(unmap(fd, ioas, iova, 2 * PAGE));
	OK(check_refs(fd, memory, 4 * PAGE, 1));
	/* The descriptor is needed no more once mapped. */
	OK(map_file(fd, ioas, READ_WRITE, file, 0, PAGE, &iova));
	OK(close(file));
	OK(check_map(fd, device.hwpt, iova, PAGE, memory));
}

/* Needs two huge pages; without any the case has nothing to say. */
CASE(memory_file_of_huge_pages)
{
	const uint64_t huge = 2 << 20;
	int fd = open_iommu(), file = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	uint32_t ioas = new_ioas(fd);
	struct device device = new_device(fd, ioas, 0);
	uint64_t iova = 0, by_address = 0;
	char *memory;

	if (file < 0 || ftruncate(file, (off_t)(2 * huge)))
		return;
	memory = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
	if (memory == MAP_FAILED)
		return;
	OK(map(fd, ioas, READ_WRITE, memory + PAGE, 2 * PAGE, &by_address));
	OK(check_map(fd, device.hwpt, by_address, 2 * PAGE, memory + PAGE));
	OK(map_file(fd, ioas, READ_WRITE, file, 0, 2 * huge, &iova));
	EQ(0, iova % huge);
	OK(check_map(fd, device.hwpt, iova, 2 * huge, memory));
	/* Pins of pages that are parts of huge ones are not counted. */
	OK(check_refs(fd, memory, 2 * huge, 77));
	OK(unmap(fd, ioas, 0, ~0ull));
	OK(map_file(fd, ioas, READ_WRITE, file, huge + PAGE, PAGE, &iova));
	OK(check_map(fd, device.hwpt, iova, PAGE, memory + huge + PAGE));
}

CASE(revoke_unmaps)
{
	int fd = open_iommu(), buffer = get_buffer(fd, 4 * PAGE);
	uint32_t ioas = new_ioas(fd);
	struct device device = new_device(fd, ioas, 0);
	uint64_t iova = 0, second = 0;

	OK(map_file(fd, ioas, READ_WRITE, buffer, 0, 4 * PAGE, &iova));
	OK(set_revoked(fd, buffer, 1));
	OK(set_revoked(fd, buffer, 1));
	EQ(-ENODEV, map_file(fd, ioas, READ_WRITE, buffer, 0, PAGE, &second));
	/* A table that comes now gets nothing of it, and that is no error. */
	OK(destroy(fd, new_hwpt(fd, device.dev, ioas, 0)));
	OK(set_revoked(fd, buffer, 0));
	OK(map_file(fd, ioas, READ_WRITE, buffer, 0, PAGE, &second));
	OK(destroy(fd, new_hwpt(fd, device.dev, ioas, 0)));
	OK(unmap(fd, ioas, iova, 4 * PAGE));
	OK(unmap(fd, ioas, second, PAGE));
	OK(close(buffer));
}

CASE(revoke_rules)
{
	int fd = open_iommu(), buffer = get_buffer(fd, PAGE), file = memory_file(PAGE);

	EQ(-EBADF, set_revoked(fd, 999, 1));
	TRUE(set_revoked(fd, file, 1) < 0);
	TRUE(set_revoked(fd, fd, 1) < 0);
	OK(set_revoked(fd, buffer, 1));
	OK(set_revoked(fd, buffer, 0));
}

CASE(no_access_reads_it)
{
	int fd = open_iommu(), buffer = get_buffer(fd, 4 * PAGE);
	uint32_t ioas = new_ioas(fd);
	int access = new_access(fd, ioas);
	struct test pin = { .size = sizeof(pin), .op = ACCESS_PAGES, .id = (uint32_t)access, .quad = { 0, 0, PAGE } };
	struct test rw = { .size = sizeof(rw), .op = ACCESS_RW, .id = (uint32_t)access, .quad = { 0, 16 } };
	char bytes[16];
	uint64_t iova = 0;

	OK(map_file(fd, ioas, READABLE, buffer, 0, 4 * PAGE, &iova));
	pin.quad[1] = rw.quad[0] = iova;
	rw.quad[2] = (uintptr_t)bytes;
	EQ(-EINVAL, call(fd, TEST, &pin));
	EQ(-EINVAL, call(fd, TEST, &rw));
	rw.word[6] = 1;
	EQ(-EPERM, call(fd, TEST, &rw));
	OK(unmap(fd, ioas, iova, 4 * PAGE));
	OK(close(access));
}

CASE(buffer_outlives_its_descriptor)
{
	int fd = open_iommu(), buffer = get_buffer(fd, 4 * PAGE);
	uint32_t ioas = new_ioas(fd);
	struct device device;
	uint64_t iova = MOCK_START;

	OK(map_file(fd, ioas, READ_WRITE | FIXED, buffer, 0, 4 * PAGE, &iova));
	OK(close(buffer));
	OK(add_device(fd, ioas, 0, &device));
	OK(destroy(fd, device.stdev));
	OK(unmap(fd, ioas, iova, 4 * PAGE));
}

CASE(buffer_is_charged_to_nobody)
{
	int fd = open_iommu(), buffer = get_buffer(fd, 4 * PAGE);
	uint32_t ioas = new_ioas(fd);
	struct rlimit none = { 0, RLIM_INFINITY };
	uint64_t iova = 0;

	setrlimit(RLIMIT_MEMLOCK, &none);
	new_device(fd, ioas, 0);
	OK(map_file(fd, ioas, READ_WRITE, buffer, 0, 4 * PAGE, &iova));
}
