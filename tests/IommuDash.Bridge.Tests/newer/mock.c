/* What devices of the mock IOMMU say of themselves, and the page tables that can be asked for. */
#include "iommufd.h"

static int hw_info(int fd, struct hw_info *info)
{
	info->size = sizeof(*info);
	return call(fd, GET_HW_INFO, info);
}

CASE(hw_info_refuses_in_order)
{
	struct setup s = new_setup(0);
	uint32_t data[2];

#define INFO(error, ...) do { struct hw_info i = { __VA_ARGS__ }; EQ(error, hw_info(s.fd, &i)); } while (0)
	INFO(-EOPNOTSUPP, .flags = 2);
	INFO(-EOPNOTSUPP, .flags = 1u << 31);
	INFO(-EOPNOTSUPP, .reserved = { 0, 0, 1 });
	INFO(-EOPNOTSUPP, .reserved = { 1 });
	INFO(-ENOENT, .flags = 1, .type = MOCK_HW_INFO + 1);
	INFO(-ENOENT, .dev_id = s.ioas);
	INFO(-EOPNOTSUPP, .flags = 1, .type = MOCK_HW_INFO + 1, .dev_id = s.device.dev);
	INFO(-EOPNOTSUPP, .flags = 1, .type = 1, .dev_id = s.device.dev);
	INFO(-EFAULT, .dev_id = s.device.dev, .data_len = 8);
	INFO(-EFAULT, .dev_id = s.device.dev, .data_len = 8, .data = 1);
	INFO(0, .flags = 1, .type = MOCK_HW_INFO, .dev_id = s.device.dev);
	INFO(0, .flags = 1, .type = 0, .dev_id = s.device.dev);
	/* Without the flag the type asked for is not looked at. */
	INFO(0, .type = 77, .dev_id = s.device.dev, .data_len = 8, .data = (uintptr_t)data);
	EQ(0, data[0]);
	EQ(0xdeadbeef, data[1]);
}

CASE(hw_info_answers)
{
	struct setup s = new_setup(DEVICE_PASID);
	struct device no_dirty = new_device(s.fd, s.ioas, NO_DIRTY);
	uint32_t data[4] = { 1, 2, 3, 4 };
	struct hw_info info = { .dev_id = s.device.dev, .data_len = 16, .data = (uintptr_t)data };

	OK(hw_info(s.fd, &info));
	EQ(8, info.data_len);
	EQ(MOCK_HW_INFO, info.type);
	EQ(20, info.max_pasid_log2);
	/* Dirty tracking, and no address translation service; PASID bits are those of PCI devices. */
	EQ(1 | 8, info.capabilities);
	EQ(0, data[2]);
	EQ(0, data[3]);
	data[1] = 2;
	info = (struct hw_info){ .dev_id = no_dirty.dev, .data_len = 4, .data = (uintptr_t)data };
	OK(hw_info(s.fd, &info));
	EQ(8, info.data_len);
	EQ(2, data[1]);
	EQ(8, info.capabilities);
	EQ(0, info.max_pasid_log2);
}

CASE(hw_info_of_the_first_version)
{
	struct setup s = new_setup(0);
	struct hw_info info = { .size = 32, .dev_id = s.device.dev, .capabilities = 77 };

	OK(call(s.fd, GET_HW_INFO, &info));
	EQ(MOCK_HW_INFO, info.type);
	EQ(77, info.capabilities);
	info = (struct hw_info){ .size = 31, .dev_id = s.device.dev };
	EQ(-EINVAL, call(s.fd, GET_HW_INFO, &info));
}

CASE(device_flags)
{
	int fd = open_iommu();
	uint32_t ioas = new_ioas(fd), id;
	struct device device;

	EQ(-EINVAL, add_device(fd, ioas, 2, &device));
	EQ(-EINVAL, add_device(fd, 0, 8, &device));
	EQ(-EINVAL, add_device(fd, ioas, 1u << 31, &device));
	EQ(-ENOENT, add_device(fd, 0, NO_DIRTY, &device));
	OK(add_device(fd, ioas, NO_DIRTY | DEVICE_PASID, &device));
	EQ(ioas + 1, device.stdev);
	EQ(-EOPNOTSUPP, alloc_hwpt(fd, device.dev, ioas, DIRTY_TRACKING, 0, 0, NULL, 0, &id));
}

CASE(operations)
{
	int fd = open_iommu();
	struct { struct test t; uint32_t more; } c = { .t = { .size = 72, .op = 24 } };

	EQ(-EOPNOTSUPP, call(fd, TEST, &c));
	c.t.op = 0;
	EQ(-EOPNOTSUPP, call(fd, TEST, &c));
	c.t.op = ~0u;
	EQ(-EOPNOTSUPP, call(fd, TEST, &c));
	c.t.op = SET_TEMP_MEMORY_LIMIT;
	c.t.word[0] = 11;
	EQ(-EINVAL, call(fd, TEST, &c));
	c.t.word[0] = 65536;
	c.t.size = 68;
	OK(call(fd, TEST, &c));
	c.t.size = 67;
	EQ(-EINVAL, call(fd, TEST, &c));
	c.t.size = 76;
	c.more = 1;
	EQ(-E2BIG, call(fd, TEST, &c));
	c.more = 0;
	OK(call(fd, TEST, &c));
}

CASE(reserving_wraps)
{
	int fd = open_iommu();
	uint32_t ioas = new_ioas(fd);
	struct test t = { .size = sizeof(t), .op = ADD_RESERVED, .id = 0, .quad = { 6, 0 } };
	char *memory;
	uint64_t iova = 0;

	EQ(-EINVAL, call(fd, TEST, &t));
	t.quad[1] = ~0ull;
	EQ(-EOVERFLOW, call(fd, TEST, &t));
	t.quad[1] = 0xffffffffffff8001;
	EQ(-ENOENT, call(fd, TEST, &t));
	t.id = ioas;
	OK(call(fd, TEST, &t));
	/* An address that asks for an alignment of eight pages. */
	memory = (char *)(((uintptr_t)anonymous(16 * PAGE) + 8 * PAGE - 1) & ~(8 * PAGE - 1));
	EQ(-ENOSPC, map(fd, ioas, READ_WRITE, memory, 5 * PAGE, &iova));
}

CASE(page_table_types)
{
	struct setup s = new_setup(0);
	uint32_t ioas = new_ioas(s.fd), data[3] = { 0, 0, 0 }, id, huge;

#define PAGING(error, flags, type, length) EQ(error, alloc_hwpt(s.fd, s.device.dev, ioas, flags, 0, type, data, length, &id))
	PAGING(-EINVAL, 0, 0, 4);
	PAGING(-EINVAL, 0, MOCK_HWPT_DATA, 0);
	PAGING(-EOPNOTSUPP, 16, MOCK_HWPT_DATA, 3);
	PAGING(-EOPNOTSUPP, 0, MOCK_HWPT_DATA + 1, 3);
	PAGING(-EINVAL, 0, MOCK_HWPT_DATA, 3);
	PAGING(-EINVAL, 0, MOCK_HWPT_DATA, 12);
	data[1] = 2;
	PAGING(-EOPNOTSUPP, 0, MOCK_HWPT_DATA, 8);
	/* The first version of the data ends before the type. */
	PAGING(0, 0, MOCK_HWPT_DATA, 4);
	EQ(2048, iova_alignment(s.fd, ioas));
	data[1] = 1;
	PAGING(0, 0, MOCK_HWPT_DATA, 8);
	huge = id;
	EQ(4096, iova_alignment(s.fd, ioas));
	OK(destroy(s.fd, huge));
	EQ(2048, iova_alignment(s.fd, ioas));
}

static void mark_and_read(int fd, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page, const uint8_t *in, uint8_t *out, uint64_t marked)
{
	struct test mark = { .size = sizeof(mark), .op = MARK_DIRTY, .id = hwpt, .quad = { 0, iova, length, page, (uintptr_t)in } };
	struct { uint32_t size, hwpt, flags, reserved; uint64_t iova, length, page, data; } get = { sizeof(get), hwpt, 0, 0, iova, length, page, (uintptr_t)out };

	OK(call(fd, TEST, &mark));
	EQ(marked, mark.quad[5]);
	OK(call(fd, HWPT_GET_DIRTY_BITMAP, &get));
}

CASE(dirty_bits_of_small_and_huge_leaves)
{
	struct setup s = new_setup(0);
	struct { uint32_t size, flags, hwpt, reserved; } track = { sizeof(track), 1, 0, 0 };
	struct { uint32_t iotlb, type; } data = { 0, 1 };
	uint32_t ioas = new_ioas(s.fd);
	uint64_t iova = MOCK_START, length = 16 * PAGE;
	uint8_t in[1024] = { 0x55, 0x55, 0x55, 0x55 }, out[1024] = { 0 };

	/* 4 KiB leaves of two slots of 2 KiB: every second bit goes in and comes out. */
	OK(set_option(s.fd, 1, ioas, 0));
	OK(map(s.fd, ioas, READ_WRITE | FIXED, anonymous(length), length, &iova));
	track.hwpt = new_hwpt(s.fd, s.device.dev, ioas, DIRTY_TRACKING);
	OK(call(s.fd, HWPT_SET_DIRTY_TRACKING, &track));
	mark_and_read(s.fd, track.hwpt, iova, length, 2048, in, out, 16);
	EQ(0, memcmp(in, out, sizeof(in)));
	/* Read and cleared. */
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	mark_and_read(s.fd, track.hwpt, iova, length, 2048, in, out, 0);
	EQ(0, memcmp(in, out, sizeof(in)));
	OK(alloc_hwpt(s.fd, s.device.dev, new_ioas(s.fd), DIRTY_TRACKING, 0, MOCK_HWPT_DATA, &data, sizeof(data), &track.hwpt));
	OK(call(s.fd, HWPT_SET_DIRTY_TRACKING, &track));
}

CASE(check_map_order)
{
	struct setup s = new_setup(0);
	char *memory = anonymous(2 * PAGE);
	uint64_t iova = 0;

	EQ(-ENOENT, check_map(s.fd, 0, 1, PAGE, memory));
	EQ(-EINVAL, check_map(s.fd, s.parent, 1, PAGE, memory));
	EQ(-EINVAL, check_map(s.fd, s.parent, MOCK_START, PAGE, memory));
	EQ(-EFAULT, check_map(s.fd, s.parent, MOCK_START, PAGE, (void *)PAGE));
	OK(check_map(s.fd, s.parent, MOCK_START, 0, memory));
	OK(map(s.fd, s.ioas, READ_WRITE, memory, 2 * PAGE, &iova));
	OK(check_map(s.fd, s.parent, iova, 2 * PAGE, memory));
	OK(check_map(s.fd, s.device.hwpt, iova + PAGE / 2, PAGE, memory + PAGE / 2));
	EQ(-EINVAL, check_map(s.fd, s.parent, iova, PAGE, memory + PAGE));
}

CASE(paging_table_with_faults)
{
	struct setup s = new_setup(0);
	struct fault fault;
	uint32_t queue_id, hwpt, id;
	int queue;

	queue_id = new_fault_queue(s.fd, &queue);
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.ioas, NEST_PARENT | FAULT_ID_VALID, queue_id, 0, NULL, 0, &id));
	EQ(-ENOENT, alloc_hwpt(s.fd, s.device.dev, s.ioas, FAULT_ID_VALID, 0, 0, NULL, 0, &id));
	OK(alloc_hwpt(s.fd, s.device.dev, s.ioas, FAULT_ID_VALID, queue_id, 0, NULL, 0, &hwpt));
	OK(replace(s.fd, s.device.stdev, hwpt));
	OK(trigger_fault(s.fd, s.device.dev, 0));
	EQ(40, read(queue, &fault, 40));
	EQ(2, fault.flags);
	/* A fault of a PASID falls back to a nested table only. */
	OK(trigger_fault(s.fd, s.device.dev, 1));
	EQ(0, read(queue, &fault, 40));
	OK(replace(s.fd, s.device.stdev, s.ioas));
	OK(destroy(s.fd, hwpt));
}
