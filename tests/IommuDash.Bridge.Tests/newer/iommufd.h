/*
 * The calls of /dev/iommu and of its selftest command as functions that return 0 (or more) or -errno.
 * Own definitions: the system's headers may be older than the calls.
 */
#ifndef IOMMUFD_H
#define IOMMUFD_H

#include "harness.h"

enum {
	DESTROY = 0x3b80, IOAS_ALLOC, IOAS_ALLOW_IOVAS, IOAS_COPY, IOAS_IOVA_RANGES, IOAS_MAP, IOAS_UNMAP, OPTION, VFIO_IOAS, HWPT_ALLOC, GET_HW_INFO,
	HWPT_SET_DIRTY_TRACKING, HWPT_GET_DIRTY_BITMAP, HWPT_INVALIDATE, FAULT_QUEUE_ALLOC, IOAS_MAP_FILE, VIOMMU_ALLOC, VDEVICE_ALLOC, IOAS_CHANGE_PROCESS,
	VEVENTQ_ALLOC, HW_QUEUE_ALLOC, TEST = 0x3ba0,
};

enum { FIXED = 1, WRITEABLE = 2, READABLE = 4, READ_WRITE = 6 };
enum { NEST_PARENT = 1, DIRTY_TRACKING = 2, FAULT_ID_VALID = 4, PASID = 8 };
enum { NO_DIRTY = 1, DEVICE_PASID = 4 };

#define MOCK_START (1ull << 24)
#define MOCK_VIOMMU 0xdeadbeefu
#define MOCK_VEVENTQ 0xbeefbeefu
#define MOCK_HW_QUEUE 0xdeadbeefu
#define MOCK_HWPT_DATA 0xdeadu
#define MOCK_INVALIDATE 0xdeadbeefu
#define MOCK_HW_INFO 0xfeedbeefu

enum test_op {
	ADD_RESERVED = 1, MOCK_DOMAIN, MD_CHECK_MAP, MD_CHECK_REFS, CREATE_ACCESS, DESTROY_ACCESS_PAGES, ACCESS_PAGES, ACCESS_RW, SET_TEMP_MEMORY_LIMIT,
	MOCK_DOMAIN_REPLACE, ACCESS_REPLACE_IOAS, MOCK_DOMAIN_FLAGS, MARK_DIRTY, MD_CHECK_IOTLB, TRIGGER_IOPF, DEV_CHECK_CACHE, TRIGGER_VEVENT,
	PASID_ATTACH, PASID_REPLACE, PASID_DETACH, PASID_CHECK_HWPT, DMABUF_GET, DMABUF_REVOKE,
};

struct test {
	uint32_t size, op, id, reserved;
	union {
		uint32_t word[12];
		uint64_t quad[6];
	};
	uint32_t last;
};
_Static_assert(sizeof(struct test) == 72, "the selftest's command has 72 bytes");

struct hw_info { uint32_t size, flags, dev_id, data_len; uint64_t data; uint32_t type; uint8_t max_pasid_log2, reserved[3]; uint64_t capabilities; };
struct hwpt_alloc { uint32_t size, flags, dev_id, pt_id, out_hwpt_id, reserved, data_type, data_len; uint64_t data; uint32_t fault_id, reserved2; };
struct viommu_alloc { uint32_t size, flags, type, dev_id, hwpt_id, out_viommu_id, data_len, reserved; uint64_t data; };
struct viommu_data { uint32_t in_data, out_data; uint64_t mmap_offset, mmap_length; };
struct vdevice_alloc { uint32_t size, viommu_id, dev_id, out_vdevice_id; uint64_t virt_id; };
struct veventq_alloc { uint32_t size, flags, viommu_id, type, depth, out_veventq_id, out_fd, reserved; };
struct hw_queue_alloc { uint32_t size, flags, viommu_id, type, index, out_hw_queue_id; uint64_t iova, length; };
struct map_file { uint32_t size, flags, ioas_id; int32_t fd; uint64_t start, length, iova; };
struct invalidate { uint32_t size, id; uint64_t data; uint32_t type, entry_len, entry_num, reserved; };
struct fault { uint32_t flags, dev_id, pasid, grpid, perm, reserved; uint64_t addr; uint32_t length, cookie; };
struct response { uint32_t cookie, code; };
struct vevent { uint32_t flags, sequence, virt_id; };

static int call(int fd, unsigned long request, void *argument)
{
	int result = ioctl(fd, request, argument);

	return result < 0 ? -errno : result;
}

static int open_iommu(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	TRUE(fd >= 0);
	return fd;
}

static int destroy(int fd, uint32_t id)
{
	struct { uint32_t size, id; } c = { sizeof(c), id };

	return call(fd, DESTROY, &c);
}

static uint32_t new_ioas(int fd)
{
	struct { uint32_t size, flags, id; } c = { .size = sizeof(c) };

	OK(call(fd, IOAS_ALLOC, &c));
	return c.id;
}

/* With FIXED at *iova, else *iova says where it landed. */
static int map(int fd, uint32_t ioas, uint32_t flags, void *memory, uint64_t length, uint64_t *iova)
{
	struct { uint32_t size, flags, ioas, reserved; uint64_t va, length, iova; } c = { sizeof(c), flags, ioas, 0, (uintptr_t)memory, length, *iova };
	int result = call(fd, IOAS_MAP, &c);

	*iova = c.iova;
	return result;
}

static int map_file(int fd, uint32_t ioas, uint32_t flags, int file, uint64_t start, uint64_t length, uint64_t *iova)
{
	struct map_file c = { sizeof(c), flags, ioas, file, start, length, *iova };
	int result = call(fd, IOAS_MAP_FILE, &c);

	*iova = c.iova;
	return result;
}

static int unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct { uint32_t size, ioas; uint64_t iova, length; } c = { sizeof(c), ioas, iova, length };

	return call(fd, IOAS_UNMAP, &c);
}

static int set_option(int fd, uint32_t option, uint32_t object, uint64_t value)
{
	struct { uint32_t size, option; uint16_t op, reserved; uint32_t object; uint64_t value; } c = { sizeof(c), option, 0, 0, object, value };

	return call(fd, OPTION, &c);
}

static int alloc_hwpt(int fd, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t fault, uint32_t data_type, const void *data, uint32_t data_len, uint32_t *id)
{
	struct hwpt_alloc c = { sizeof(c), flags, dev, pt, 0, 0, data_type, data_len, (uintptr_t)data, fault, 0 };
	int result = call(fd, HWPT_ALLOC, &c);

	*id = c.out_hwpt_id;
	return result;
}

static uint32_t new_hwpt(int fd, uint32_t dev, uint32_t pt, uint32_t flags)
{
	uint32_t id;

	OK(alloc_hwpt(fd, dev, pt, flags, 0, 0, NULL, 0, &id));
	return id;
}

/* A guest's table on a nesting parent or a vIOMMU; all its iotlb slots hold 0xbadbeef. */
static uint32_t new_nested(int fd, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t fault)
{
	uint32_t iotlb = 0xbadbeef, id;

	OK(alloc_hwpt(fd, dev, pt, flags, fault, MOCK_HWPT_DATA, &iotlb, sizeof(iotlb), &id));
	return id;
}

static uint32_t new_fault_queue(int fd, int *queue)
{
	struct { uint32_t size, flags, id, fd; } c = { .size = sizeof(c) };

	OK(call(fd, FAULT_QUEUE_ALLOC, &c));
	*queue = (int)c.fd;
	return c.id;
}

static int alloc_viommu(int fd, uint32_t flags, uint32_t type, uint32_t dev, uint32_t hwpt, void *data, uint32_t data_len, uint32_t *id)
{
	struct viommu_alloc c = { sizeof(c), flags, type, dev, hwpt, 0, data_len, 0, (uintptr_t)data };
	int result = call(fd, VIOMMU_ALLOC, &c);

	*id = c.out_viommu_id;
	return result;
}

static uint32_t new_viommu(int fd, uint32_t dev, uint32_t parent)
{
	uint32_t id;

	OK(alloc_viommu(fd, 0, MOCK_VIOMMU, dev, parent, NULL, 0, &id));
	return id;
}

static int alloc_vdevice(int fd, uint32_t viommu, uint32_t dev, uint64_t virt_id, uint32_t *id)
{
	struct vdevice_alloc c = { sizeof(c), viommu, dev, 0, virt_id };
	int result = call(fd, VDEVICE_ALLOC, &c);

	*id = c.out_vdevice_id;
	return result;
}

static int alloc_veventq(int fd, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *id, int *queue)
{
	struct veventq_alloc c = { .size = sizeof(c), .viommu_id = viommu, .type = type, .depth = depth };
	int result = call(fd, VEVENTQ_ALLOC, &c);

	*id = c.out_veventq_id;
	*queue = (int)c.out_fd;
	return result;
}

static int alloc_hw_queue(int fd, uint32_t viommu, uint32_t type, uint32_t index, uint64_t iova, uint64_t length, uint32_t *id)
{
	struct hw_queue_alloc c = { sizeof(c), 0, viommu, type, index, 0, iova, length };
	int result = call(fd, HW_QUEUE_ALLOC, &c);

	*id = c.out_hw_queue_id;
	return result;
}

/* *count: entries in, entries done out. */
static int invalidate(int fd, uint32_t id, uint32_t type, const void *entries, uint32_t entry_len, uint32_t *count)
{
	struct invalidate c = { sizeof(c), id, (uintptr_t)entries, type, entry_len, *count, 0 };
	int result = call(fd, HWPT_INVALIDATE, &c);

	*count = c.entry_num;
	return result;
}

static int test_words(int fd, uint32_t op, uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	struct test t = { .size = sizeof(t), .op = op, .id = id, .word = { a, b, c } };

	return call(fd, TEST, &t);
}

struct device { uint32_t stdev, hwpt, dev; };

static int add_device(int fd, uint32_t pt, uint32_t flags, struct device *made)
{
	struct test t = { .size = sizeof(t), .op = flags ? MOCK_DOMAIN_FLAGS : MOCK_DOMAIN, .id = pt, .word = { 0, 0, 0, flags } };
	int result = call(fd, TEST, &t);

	*made = (struct device){ t.word[0], t.word[1], t.word[2] };
	return result;
}

static struct device new_device(int fd, uint32_t pt, uint32_t flags)
{
	struct device made;

	OK(add_device(fd, pt, flags, &made));
	return made;
}

static int replace(int fd, uint32_t stdev, uint32_t pt) { return test_words(fd, MOCK_DOMAIN_REPLACE, stdev, pt, 0, 0); }

static int check_map(int fd, uint32_t hwpt, uint64_t iova, uint64_t length, const void *memory)
{
	struct test t = { .size = sizeof(t), .op = MD_CHECK_MAP, .id = hwpt, .quad = { iova, length, (uintptr_t)memory } };

	return call(fd, TEST, &t);
}

/* Every page of the range must be pinned so many times. */
static int check_refs(int fd, const void *memory, uint64_t length, uint32_t refs)
{
	struct test t = { .size = sizeof(t), .op = MD_CHECK_REFS, .quad = { length, (uintptr_t)memory, refs } };

	return call(fd, TEST, &t);
}

static int trigger_fault(int fd, uint32_t dev, uint32_t pasid)
{
	struct test t = { .size = sizeof(t), .op = TRIGGER_IOPF, .word = { dev, pasid, 2, 3, 0xdeadbeaf } };

	return call(fd, TEST, &t);
}

static int trigger_vevent(int fd, uint32_t dev) { return test_words(fd, TRIGGER_VEVENT, 0, dev, 0, 0); }

static int new_access(int fd, uint32_t ioas)
{
	struct test t = { .size = sizeof(t), .op = CREATE_ACCESS, .id = ioas, .word = { 0, 1 } };

	OK(call(fd, TEST, &t));
	return (int)t.word[0];
}

static void *anonymous(uint64_t length)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	TRUE(memory != MAP_FAILED);
	return memory;
}

static int memory_file(uint64_t length)
{
	int file = memfd_create("memory", MFD_CLOEXEC);

	TRUE(file >= 0);
	OK(ftruncate(file, (off_t)length));
	return file;
}

static void *map_shared(int file, uint64_t length)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	TRUE(memory != MAP_FAILED);
	return memory;
}

static uint64_t iova_alignment(int fd, uint32_t ioas)
{
	struct { uint64_t start, last; } range[4];
	struct { uint32_t size, ioas, count, reserved; uint64_t ranges, alignment; } c = { sizeof(c), ioas, 4, 0, (uintptr_t)range, 0 };

	OK(call(fd, IOAS_IOVA_RANGES, &c));
	return c.alignment;
}

/* What most cases start from: an IOAS, a device on it, a nesting parent and a vIOMMU on that. */
struct setup { int fd; uint32_t ioas, parent, viommu; struct device device; };

static struct setup new_setup(uint32_t device_flags)
{
	struct setup s = { .fd = open_iommu() };

	s.ioas = new_ioas(s.fd);
	s.device = new_device(s.fd, s.ioas, device_flags);
	s.parent = new_hwpt(s.fd, s.device.dev, s.ioas, NEST_PARENT);
	s.viommu = new_viommu(s.fd, s.device.dev, s.parent);
	return s;
}

#endif
