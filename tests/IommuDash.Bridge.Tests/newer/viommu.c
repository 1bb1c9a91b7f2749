/* vIOMMUs, what guests have on them (nested tables, devices, invalidation), and windows mapped through the context's descriptor. */
#include "iommufd.h"

CASE(alloc_refuses_in_order)
{
	struct setup s = new_setup(0);
	uint32_t plain = new_hwpt(s.fd, s.device.dev, s.ioas, 0), id, nested;

	/* Each call is wrong in everything that comes after, too. */
	EQ(-EOPNOTSUPP, alloc_viommu(s.fd, 1, MOCK_VIOMMU, 0, 0, NULL, 0, &id));
	EQ(-EOPNOTSUPP, alloc_viommu(s.fd, 0, 0, 0, 0, NULL, 0, &id));
	EQ(-ENOENT, alloc_viommu(s.fd, 0, 0xdead, 0, 0, NULL, 0, &id));
	EQ(-ENOENT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.ioas, s.parent, NULL, 0, &id));
	EQ(-ENOENT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.stdev, s.parent, NULL, 0, &id));
	EQ(-EOPNOTSUPP, alloc_viommu(s.fd, 0, 0xdead, s.device.dev, 0, NULL, 0, &id));
	EQ(-EOPNOTSUPP, alloc_viommu(s.fd, 0, 1, s.device.dev, s.parent, NULL, 0, &id));
	EQ(-ENOENT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, 0, NULL, 4, &id));
	EQ(-ENOENT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.ioas, NULL, 0, &id));
	nested = new_nested(s.fd, s.device.dev, s.parent, 0, 0);
	EQ(-ENOENT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, nested, NULL, 0, &id));
	EQ(-EINVAL, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, plain, NULL, 4, &id));
	EQ(-EINVAL, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.device.hwpt, NULL, 0, &id));
}

CASE(alloc_structure_lengths)
{
	struct setup s = new_setup(0);
	struct { struct viommu_alloc c; uint32_t tail; } c = { .c = { .size = 24, .type = MOCK_VIOMMU, .dev_id = s.device.dev, .hwpt_id = s.parent } };

	OK(call(s.fd, VIOMMU_ALLOC, &c));
	OK(destroy(s.fd, c.c.out_viommu_id));
	c.c.size = 23;
	EQ(-EINVAL, call(s.fd, VIOMMU_ALLOC, &c));
	c.c.size = 44;
	c.tail = 1;
	EQ(-E2BIG, call(s.fd, VIOMMU_ALLOC, &c));
	c.tail = 0;
	OK(call(s.fd, VIOMMU_ALLOC, &c));
	OK(destroy(s.fd, c.c.out_viommu_id));
	/* The reserved word is not looked at. */
	c.c.size = 40;
	c.c.reserved = 7;
	OK(call(s.fd, VIOMMU_ALLOC, &c));
	EQ(-EFAULT, call(s.fd, VIOMMU_ALLOC, NULL));
}

CASE(alloc_data)
{
	struct setup s = new_setup(0);
	struct { struct viommu_data d; uint64_t more; } data = { .d = { .in_data = 0x1badcafe } };
	uint32_t id, next;

	EQ(-EINVAL, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.parent, &data, 7, &id));
	EQ(-EINVAL, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.parent, &data, 32, &id));
	EQ(-EFAULT, alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.parent, NULL, 24, &id));
	OK(alloc_viommu(s.fd, 0, MOCK_VIOMMU, s.device.dev, s.parent, &data, 24, &id));
	EQ(0x1badcafe, data.d.out_data);
	TRUE(data.d.mmap_offset >= PAGE);
	EQ(2 * PAGE, data.d.mmap_length);
	/* Refused calls have left no object behind. */
	EQ(s.viommu + 1, id);
	next = new_viommu(s.fd, s.device.dev, s.parent);
	EQ(id + 1, next);
}

CASE(destroy_order)
{
	struct setup s = new_setup(0);
	uint32_t nested, vdevice;

	EQ(-EBUSY, destroy(s.fd, s.parent));
	nested = new_nested(s.fd, s.device.dev, s.viommu, 0, 0);
	EQ(-EBUSY, destroy(s.fd, s.viommu));
	OK(destroy(s.fd, nested));
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	EQ(-EBUSY, destroy(s.fd, s.viommu));
	OK(destroy(s.fd, vdevice));
	OK(destroy(s.fd, s.viommu));
	EQ(-ENOENT, destroy(s.fd, s.viommu));
	OK(destroy(s.fd, s.parent));
	EQ(-EBUSY, destroy(s.fd, s.ioas));
	EQ(-EBUSY, destroy(s.fd, s.device.dev));
	OK(destroy(s.fd, s.device.stdev));
	OK(destroy(s.fd, s.ioas));
}

CASE(close_destroys_all)
{
	struct setup s = new_setup(0);
	uint32_t vdevice;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	OK(replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, s.viommu, 0, 0)));
	OK(close(s.fd));
	s.fd = open_iommu();
	EQ(1, new_ioas(s.fd));
}

CASE(vdevice_refuses_in_order)
{
	struct setup s = new_setup(0);
	struct device other = new_device(s.fd, s.ioas, 0);
	uint32_t id, second, other_viommu = new_viommu(s.fd, s.device.dev, s.parent);

	EQ(-ENOENT, alloc_vdevice(s.fd, 0, 0, 1, &id));
	EQ(-ENOENT, alloc_vdevice(s.fd, s.parent, s.device.dev, 1, &id));
	EQ(-ENOENT, alloc_vdevice(s.fd, s.viommu, 0, 1, &id));
	EQ(-ENOENT, alloc_vdevice(s.fd, s.viommu, s.device.stdev, 1, &id));
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &id));
	/* One virtual device per device, whichever vIOMMU it is for. */
	EQ(-EEXIST, alloc_vdevice(s.fd, s.viommu, s.device.dev, 2, &second));
	EQ(-EEXIST, alloc_vdevice(s.fd, other_viommu, s.device.dev, 2, &second));
	/* One device per virtual id of a vIOMMU. */
	EQ(-EEXIST, alloc_vdevice(s.fd, s.viommu, other.dev, 1, &second));
	OK(alloc_vdevice(s.fd, other_viommu, other.dev, 1, &second));
	EQ(id + 1, second);
	OK(destroy(s.fd, second));
	OK(alloc_vdevice(s.fd, s.viommu, other.dev, ~0ull, &second));
	OK(destroy(s.fd, id));
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &id));
}

CASE(vdevice_tombstone)
{
	struct setup s = new_setup(0);
	uint32_t vdevice, again;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	OK(destroy(s.fd, s.device.stdev));
	EQ(-ENOENT, destroy(s.fd, vdevice));
	/* Its id is taken for good, while those of the device are free again; the last auto table went with it. */
	EQ(s.device.stdev, new_ioas(s.fd));
	EQ(s.device.dev, new_ioas(s.fd));
	EQ(s.device.hwpt, new_ioas(s.fd));
	TRUE(new_ioas(s.fd) > vdevice);
	/* The vIOMMU is held by it no more. */
	OK(destroy(s.fd, s.viommu));
	OK(destroy(s.fd, s.parent));
	again = new_ioas(s.fd);
	EQ(s.parent, again);
}

CASE(vdevice_destroyed_first_leaves_no_tombstone)
{
	struct setup s = new_setup(0);
	uint32_t vdevice;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	OK(destroy(s.fd, vdevice));
	EQ(vdevice, new_ioas(s.fd));
	OK(destroy(s.fd, s.device.stdev));
	OK(destroy(s.fd, vdevice));
}

CASE(tombstone_with_nested_attached)
{
	struct setup s = new_setup(0);
	uint32_t vdevice, nested;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	nested = new_nested(s.fd, s.device.dev, s.viommu, 0, 0);
	OK(replace(s.fd, s.device.stdev, nested));
	EQ(-EBUSY, destroy(s.fd, nested));
	OK(destroy(s.fd, s.device.stdev));
	OK(destroy(s.fd, nested));
	EQ(-ENOENT, destroy(s.fd, vdevice));
	OK(destroy(s.fd, s.viommu));
	OK(close(s.fd));
}

CASE(nested_refuses_in_order)
{
	struct setup s = new_setup(0);
	uint32_t data[3] = { 0xbadbeef }, id;

	EQ(-EINVAL, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, 0, data, 4, &id));
	EQ(-EINVAL, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA, data, 0, &id));
	EQ(-ENOENT, alloc_hwpt(s.fd, 0, s.viommu, 0, 0, MOCK_HWPT_DATA, data, 4, &id));
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, 0, NULL, 0, &id));
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.viommu, NEST_PARENT, 0, MOCK_HWPT_DATA, data, 4, &id));
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.viommu, DIRTY_TRACKING, 0, MOCK_HWPT_DATA, data, 4, &id));
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.viommu, 16, 0, MOCK_HWPT_DATA, data, 4, &id));
	EQ(-EOPNOTSUPP, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA + 1, data, 3, &id));
	EQ(-EINVAL, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA, data, 3, &id));
	EQ(-EINVAL, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA, data, 12, &id));
	EQ(-EFAULT, alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA, NULL, 4, &id));
	EQ(-ENOENT, alloc_hwpt(s.fd, s.device.dev, s.viommu, FAULT_ID_VALID, ~0u, MOCK_HWPT_DATA, data, 4, &id));
	EQ(-ENOENT, alloc_hwpt(s.fd, s.device.dev, s.viommu, FAULT_ID_VALID, s.ioas, MOCK_HWPT_DATA, data, 4, &id));
	OK(alloc_hwpt(s.fd, s.device.dev, s.viommu, 0, 0, MOCK_HWPT_DATA, data, 8, &id));
	EQ(s.viommu + 1, id);
	/* It is no parent, and no place for a vIOMMU. */
	EQ(-EINVAL, alloc_hwpt(s.fd, s.device.dev, id, 0, 0, MOCK_HWPT_DATA, data, 4, &id));
}

CASE(nested_attach_needs_the_vdevice)
{
	struct setup s = new_setup(0);
	struct device other = new_device(s.fd, s.ioas, 0), refused;
	uint32_t nested = new_nested(s.fd, s.device.dev, s.viommu, 0, 0), vdevice, next;

	EQ(-ENOENT, replace(s.fd, s.device.stdev, nested));
	EQ(-ENOENT, add_device(s.fd, nested, 0, &refused));
	OK(alloc_vdevice(s.fd, s.viommu, other.dev, 1, &vdevice));
	EQ(-ENOENT, replace(s.fd, s.device.stdev, nested));
	OK(replace(s.fd, other.stdev, nested));
	/* Two devices on it, then back to the parent and to the IOAS. */
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 2, &next));
	OK(replace(s.fd, s.device.stdev, nested));
	OK(replace(s.fd, s.device.stdev, nested));
	OK(replace(s.fd, s.device.stdev, s.parent));
	OK(replace(s.fd, s.device.stdev, s.ioas));
	OK(replace(s.fd, other.stdev, s.ioas));
	OK(destroy(s.fd, nested));
	EQ(-ENOENT, replace(s.fd, s.device.stdev, nested));
}

CASE(nested_of_another_viommu)
{
	struct setup s = new_setup(0);
	uint32_t second = new_viommu(s.fd, s.device.dev, s.parent), vdevice;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	EQ(-ENOENT, replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, second, 0, 0)));
	OK(replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, s.viommu, 0, 0)));
	/* Without it attached already, the virtual device may go. */
	OK(destroy(s.fd, vdevice));
}

CASE(nested_fault_round_trip)
{
	struct setup s = new_setup(0);
	struct response answer = { 0, 0 };
	struct pollfd wait = { .events = POLLIN };
	struct fault fault = { 0 };
	uint32_t vdevice, queue_id, nested;
	int queue;

	queue_id = new_fault_queue(s.fd, &queue);
	nested = new_nested(s.fd, s.device.dev, s.viommu, FAULT_ID_VALID, queue_id);
	EQ(-EBUSY, destroy(s.fd, queue_id));
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 1, &vdevice));
	OK(replace(s.fd, s.device.stdev, nested));
	wait.fd = queue;
	EQ(0, poll(&wait, 1, 0));
	OK(trigger_fault(s.fd, s.device.dev, 1));
	EQ(1, poll(&wait, 1, 1000));
	EQ(sizeof(fault), read(queue, &fault, sizeof(fault)));
	EQ(3, fault.flags);
	EQ(s.device.dev, fault.dev_id);
	EQ(1, fault.pasid);
	EQ(2, fault.grpid);
	EQ(3, fault.perm);
	EQ(0, poll(&wait, 1, 0));
	answer.cookie = fault.cookie;
	EQ(sizeof(answer), write(queue, &answer, sizeof(answer)));
	EQ(-1, write(queue, &answer, sizeof(answer)));
	EQ(EINVAL, errno);
	OK(replace(s.fd, s.device.stdev, s.ioas));
	OK(destroy(s.fd, nested));
	OK(close(queue));
	OK(destroy(s.fd, queue_id));
}

static void check_caches(struct setup *s, uint32_t dev, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t value[] = { a, b, c, d };

	for (uint32_t i = 0; i < 4; i++)
		OK(test_words(s->fd, DEV_CHECK_CACHE, dev, i, value[i], 0));
}

#define SET 0xbaddadu

CASE(invalidate_a_viommu)
{
	struct setup s = new_setup(0);
	struct { uint32_t flags, vdev, cache; } one[2] = { { 0, 0x99, 0 }, { 0, 0x99, 1 } };
	uint32_t vdevice, count;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 0x99, &vdevice));
	check_caches(&s, s.device.dev, SET, SET, SET, SET);
	EQ(-EINVAL, test_words(s.fd, DEV_CHECK_CACHE, s.device.dev, 4, 0, 0));
	EQ(-EINVAL, test_words(s.fd, DEV_CHECK_CACHE, s.device.dev, 0, 0, 0));
	EQ(-ENOENT, test_words(s.fd, DEV_CHECK_CACHE, s.ioas, 4, 0, 0));

#define REFUSED(error, type, entries, length, done) do { EQ(-(error), invalidate(s.fd, s.viommu, type, entries, length, &count)); EQ(done, count); } while (0)
	count = 0; REFUSED(EINVAL, 0xdadbeef, one, sizeof(*one), 0);
	count = 0; OK(invalidate(s.fd, s.viommu, MOCK_INVALIDATE, NULL, 0, &count));
	count = 1; REFUSED(EINVAL, 0xdadbeef, one, sizeof(*one), 0);
	count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, NULL, sizeof(*one), 0);
	count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, 0, 0);
	count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, PAGE + 1, 0);
	count = (1 << 19) + 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, sizeof(*one), 0);
	one[0].flags = 2; count = 1; REFUSED(EOPNOTSUPP, MOCK_INVALIDATE, one, sizeof(*one), 0);
	one[0].flags = 0; one[0].cache = 4; count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, sizeof(*one), 0);
	one[0].flags = 1; count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, sizeof(*one), 0);
	one[0].flags = 0; one[0].cache = 0; one[0].vdev = 9; count = 1; REFUSED(EINVAL, MOCK_INVALIDATE, one, sizeof(*one), 0);
	one[0].vdev = 0x99;
	check_caches(&s, s.device.dev, SET, SET, SET, SET);
	/* The second is wrong: one done. */
	one[1].flags = 2; count = 2; REFUSED(EOPNOTSUPP, MOCK_INVALIDATE, one, sizeof(*one), 1);
	check_caches(&s, s.device.dev, 0, SET, SET, SET);
	one[1].flags = 0; one[1].cache = 4; count = 2; REFUSED(EINVAL, MOCK_INVALIDATE, one, sizeof(*one), 1);
	one[0].cache = 1; one[1].cache = 2; count = 2; OK(invalidate(s.fd, s.viommu, MOCK_INVALIDATE, one, sizeof(*one), &count));
	EQ(2, count);
	check_caches(&s, s.device.dev, 0, 0, 0, SET);
	one[0].flags = 1; count = 1; OK(invalidate(s.fd, s.viommu, MOCK_INVALIDATE, one, sizeof(*one), &count));
	check_caches(&s, s.device.dev, 0, 0, 0, 0);
}

CASE(invalidate_entries_of_other_lengths)
{
	struct setup s = new_setup(0);
	struct { uint32_t flags, vdev, cache, more; } one[2] = { { 0, 0x99, 1, 0 }, { 0, 0x99, 2, 1 } };
	uint32_t vdevice, count = 2, first_only[2] = { 0, 0x99 };

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 0x99, &vdevice));
	/* The whole array is read before anything is done. */
	EQ(-E2BIG, invalidate(s.fd, s.viommu, MOCK_INVALIDATE, one, sizeof(*one), &count));
	EQ(0, count);
	count = 2;
	EQ(-EFAULT, invalidate(s.fd, s.viommu, MOCK_INVALIDATE, (void *)8, 12, &count));
	EQ(0, count);
	check_caches(&s, s.device.dev, SET, SET, SET, SET);
	one[1].more = 0; count = 2;
	OK(invalidate(s.fd, s.viommu, MOCK_INVALIDATE, one, sizeof(*one), &count));
	check_caches(&s, s.device.dev, SET, 0, 0, SET);
	/* What a short entry lacks is zero: cache 0. */
	count = 1;
	OK(invalidate(s.fd, s.viommu, MOCK_INVALIDATE, first_only, sizeof(first_only), &count));
	EQ(1, count);
	check_caches(&s, s.device.dev, 0, 0, 0, SET);
}

CASE(invalidate_targets)
{
	struct setup s = new_setup(0);
	uint32_t nested = new_nested(s.fd, s.device.dev, s.viommu, 0, 0), count = 1, entry[2] = { 0, 1 };
	struct invalidate reserved = { sizeof(reserved), nested, (uintptr_t)entry, MOCK_INVALIDATE, 8, 1, 1 };

	EQ(-EOPNOTSUPP, call(s.fd, HWPT_INVALIDATE, &reserved));
	EQ(0, reserved.entry_num);
	EQ(-ENOENT, invalidate(s.fd, 0, MOCK_INVALIDATE, entry, 8, &count));
	EQ(0, count);
	count = 1; EQ(-EINVAL, invalidate(s.fd, s.parent, MOCK_INVALIDATE, entry, 8, &count));
	count = 1; EQ(-EINVAL, invalidate(s.fd, s.ioas, MOCK_INVALIDATE, entry, 8, &count));
	count = 1; EQ(-EINVAL, invalidate(s.fd, s.device.dev, MOCK_INVALIDATE, entry, 8, &count));
	/* A nested table's own slots, one and all. */
	OK(test_words(s.fd, MD_CHECK_IOTLB, nested, 1, 0xbadbeef, 0));
	count = 1; OK(invalidate(s.fd, nested, MOCK_INVALIDATE, entry, 8, &count));
	EQ(1, count);
	OK(test_words(s.fd, MD_CHECK_IOTLB, nested, 1, 0, 0));
	OK(test_words(s.fd, MD_CHECK_IOTLB, nested, 2, 0xbadbeef, 0));
	entry[0] = 1;
	count = 1; OK(invalidate(s.fd, nested, MOCK_INVALIDATE, entry, 8, &count));
	OK(test_words(s.fd, MD_CHECK_IOTLB, nested, 2, 0, 0));
	count = 1; EQ(-EINVAL, invalidate(s.fd, nested, MOCK_INVALIDATE, entry, 9, &count));
	EQ(-ENOENT, test_words(s.fd, MD_CHECK_IOTLB, s.parent, 1, 0, 0));
}

struct window { struct setup s; uint32_t viommu; uint64_t offset, length; };

static struct window new_window(void)
{
	struct viommu_data data = { .in_data = 0x1badcafe };
	struct window w = { .s = new_setup(0) };

	OK(alloc_viommu(w.s.fd, 0, MOCK_VIOMMU, w.s.device.dev, w.s.parent, &data, sizeof(data), &w.viommu));
	w.offset = data.mmap_offset;
	w.length = data.mmap_length;
	return w;
}

static int try_map(struct window *w, uint64_t length, int prot, int flags, uint64_t offset)
{
	void *seen = mmap(NULL, length, prot, flags, w->s.fd, (off_t)offset);

	return seen == MAP_FAILED ? -errno : 0;
}

static volatile uint32_t *map_window(struct window *w)
{
	void *seen = mmap(NULL, w->length, PROT_READ | PROT_WRITE, MAP_SHARED, w->s.fd, (off_t)w->offset);

	TRUE(seen != MAP_FAILED);
	return seen;
}

CASE(window_refusals)
{
	struct window w = new_window();
	const int rw = PROT_READ | PROT_WRITE;

	EQ(-ENXIO, try_map(&w, w.length / 2, rw, MAP_SHARED, w.offset));
	EQ(-ENXIO, try_map(&w, w.length * 2, rw, MAP_SHARED, w.offset));
	EQ(-ENXIO, try_map(&w, w.length + 1, rw, MAP_SHARED, w.offset));
	EQ(-ENXIO, try_map(&w, w.length, rw, MAP_SHARED, 0));
	EQ(-ENXIO, try_map(&w, w.length, rw, MAP_SHARED, w.offset + PAGE));
	EQ(-ENXIO, try_map(&w, w.length / 2, rw, MAP_SHARED, w.offset + PAGE));
	EQ(-ENXIO, try_map(&w, w.length, rw, MAP_SHARED, w.offset + w.length));
	EQ(-EINVAL, try_map(&w, w.length, rw, MAP_SHARED, w.offset + 1));
	EQ(-EINVAL, try_map(&w, 0, rw, MAP_SHARED, w.offset));
	EQ(-EINVAL, try_map(&w, w.length, rw, MAP_PRIVATE, w.offset));
	EQ(-EINVAL, try_map(&w, w.length, rw | PROT_EXEC, MAP_PRIVATE, 0));
	EQ(-EPERM, try_map(&w, w.length, rw | PROT_EXEC, MAP_SHARED, 0));
	/* None of them holds it. */
	OK(destroy(w.s.fd, w.viommu));
	EQ(-ENXIO, try_map(&w, w.length, rw, MAP_SHARED, w.offset));
}

CASE(window_length_counts_in_pages)
{
	struct window w = new_window();
	void *seen = mmap(NULL, w.length - 1, PROT_READ, MAP_SHARED, w.s.fd, (off_t)w.offset);

	TRUE(seen != MAP_FAILED);
	EQ(0x1badcafe, *(uint32_t *)seen);
	OK(munmap(seen, w.length - 1));
	OK(destroy(w.s.fd, w.viommu));
}

CASE(window_is_one_memory)
{
	struct window w = new_window();
	volatile uint32_t *first = map_window(&w), *second = map_window(&w);

	EQ(0x1badcafe, *first);
	EQ(0, first[1]);
	EQ(0, first[PAGE / 4]);
	first[1] = 7;
	first[PAGE / 4] = 8;
	EQ(7, second[1]);
	EQ(8, second[PAGE / 4]);
	EQ(-EBUSY, destroy(w.s.fd, w.viommu));
	OK(munmap((void *)first, w.length));
	EQ(-EBUSY, destroy(w.s.fd, w.viommu));
	OK(munmap((void *)second, w.length));
	/* What was written stays in the device. */
	first = map_window(&w);
	EQ(7, first[1]);
	OK(munmap((void *)first, w.length));
	OK(destroy(w.s.fd, w.viommu));
}

CASE(window_unmapped_in_pieces)
{
	struct window w = new_window();
	char *seen = (char *)map_window(&w);

	OK(munmap(seen + PAGE, PAGE));
	OK(munmap(seen + PAGE, PAGE));
	EQ(-EBUSY, destroy(w.s.fd, w.viommu));
	OK(munmap(seen, PAGE));
	OK(destroy(w.s.fd, w.viommu));
}

CASE(window_replaced_by_another_mapping)
{
	struct window w = new_window();
	void *seen = (void *)map_window(&w);

	EQ((uintptr_t)seen, (uintptr_t)mmap(seen, w.length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK(destroy(w.s.fd, w.viommu));
}

CASE(window_outlives_the_descriptor)
{
	struct window w = new_window();
	volatile uint32_t *seen = map_window(&w);

	OK(close(w.s.fd));
	EQ(0x1badcafe, *seen);
	*seen = 1;
	OK(munmap((void *)seen, w.length));
	EQ(1, new_ioas(open_iommu()));
}

static void map_and_leave(void *window) { TRUE(map_window(window)); }

CASE(window_goes_with_its_process)
{
	struct window w = new_window();

	in_child(map_and_leave, &w);
	OK(destroy(w.s.fd, w.viommu));
}

static void see_and_unmap(void *seen)
{
	EQ(0x1badcafe, *(volatile uint32_t *)seen);
	OK(munmap(seen, 2 * PAGE));
}

CASE(window_unmapped_by_a_child_stays_the_parents)
{
	struct window w = new_window();
	volatile uint32_t *seen = map_window(&w);

	in_child(see_and_unmap, (void *)seen);
	EQ(-EBUSY, destroy(w.s.fd, w.viommu));
	OK(munmap((void *)seen, w.length));
	OK(destroy(w.s.fd, w.viommu));
}

CASE(windows_of_two_viommus)
{
	struct window w = new_window();
	struct viommu_data data = { .in_data = 5 };
	uint32_t second;

	OK(alloc_viommu(w.s.fd, 0, MOCK_VIOMMU, w.s.device.dev, w.s.parent, &data, sizeof(data), &second));
	TRUE(data.mmap_offset >= w.offset + w.length);
	EQ(0x1badcafe, *map_window(&w));
	w.offset = data.mmap_offset;
	EQ(5, *map_window(&w));
	EQ(-EBUSY, destroy(w.s.fd, w.viommu));
	EQ(-EBUSY, destroy(w.s.fd, second));
}
