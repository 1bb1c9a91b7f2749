/* Whole scenarios of the newer objects made to fail at their first, second, … point until one runs through. A failed run leaves nothing: no pin, no object, and the same context goes on. */
#include "iommufd.h"

#define MOST_POINTS 400

static int nth_fd;

/* Points still to pass when failing was switched off, or -1 while it is on. */
static int left;

static void write_count(int count)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", count);

	EQ(length, pwrite(nth_fd, text, (size_t)length, 0));
}

static void fail_at(int point)
{
	left = -1;
	write_count(point);
}

/* From here on nothing fails: undoing is no part of a scenario. */
static void stop_failing(void)
{
	char text[16] = { 0 };

	if (left >= 0)
		return;
	TRUE(pread(nth_fd, text, sizeof(text) - 1, 0) > 0);
	left = atoi(text);
	write_count(0);
}

/* The scenario returns 0 when all of it succeeded, and undoes what it made either way. Its calls must not succeed at a point that fails. */
static void each_point(int (*scenario)(struct setup *, char *), int least)
{
	struct setup s = new_setup(DEVICE_PASID);
	char *memory = anonymous(16 * PAGE);
	uint32_t next = new_ioas(s.fd);
	int point = 0, met;

	OK(destroy(s.fd, next));
	nth_fd = open("/proc/self/fail-nth", O_RDWR);
	TRUE(nth_fd >= 0);
	do {
		int result;

		TRUE(++point < MOST_POINTS);
		fail_at(point);
		result = scenario(&s, memory);
		stop_failing();
		met = left == 0;
		TRUE(met || result == 0);
		/* Ids are free again and pages unpinned. */
		OK(unmap(s.fd, s.ioas, 0, ~0ull));
		EQ(next, new_ioas(s.fd));
		OK(destroy(s.fd, next));
		OK(check_refs(s.fd, memory, 16 * PAGE, 0));
	} while (met);
	TRUE(point > least);
}

static void undo(int fd, uint32_t id)
{
	stop_failing();
	OK(destroy(fd, id));
}

static int make_viommu(struct setup *s, char *memory)
{
	struct viommu_data data = { .in_data = 1 };
	uint32_t viommu, vdevice;
	int result = alloc_viommu(s->fd, 0, MOCK_VIOMMU, s->device.dev, s->parent, &data, sizeof(data), &viommu);

	if (result)
		return result;
	result = alloc_vdevice(s->fd, viommu, s->device.dev, 1, &vdevice);
	if (!result)
		undo(s->fd, vdevice);
	undo(s->fd, viommu);
	return result;
}

static int make_nested(struct setup *s, char *memory)
{
	uint32_t iotlb = 1, nested, vdevice, count = 1, entry[3] = { 1, 7, 0 };
	int result = alloc_vdevice(s->fd, s->viommu, s->device.dev, 7, &vdevice);

	if (result)
		return result;
	result = alloc_hwpt(s->fd, s->device.dev, s->viommu, PASID, 0, MOCK_HWPT_DATA, &iotlb, sizeof(iotlb), &nested);
	if (!result) {
		result = replace(s->fd, s->device.stdev, nested);
		if (!result)
			result = invalidate(s->fd, s->viommu, MOCK_INVALIDATE, entry, sizeof(entry), &count);
		stop_failing();
		OK(replace(s->fd, s->device.stdev, s->ioas));
		undo(s->fd, nested);
	}
	undo(s->fd, vdevice);
	return result;
}

static int make_veventq(struct setup *s, char *memory)
{
	uint32_t id;
	int queue, result = alloc_veventq(s->fd, s->viommu, MOCK_VEVENTQ, 2, &id, &queue);

	if (result)
		return result;
	stop_failing();
	OK(close(queue));
	undo(s->fd, id);
	return 0;
}

static int make_hw_queue(struct setup *s, char *memory)
{
	uint64_t iova = MOCK_START;
	uint32_t id;
	int result = map(s->fd, s->ioas, READ_WRITE | FIXED, memory, 4 * PAGE, &iova);

	if (!result)
		result = alloc_hw_queue(s->fd, s->viommu, MOCK_HW_QUEUE, 0, MOCK_START, 4 * PAGE, &id);
	else {
		stop_failing();
		return result;
	}
	if (!result)
		undo(s->fd, id);
	stop_failing();
	OK(unmap(s->fd, s->ioas, MOCK_START, 4 * PAGE));
	return result;
}

static int attach_pasid(struct setup *s, char *memory)
{
	uint32_t hwpt, stdev = s->device.stdev;
	int result = alloc_hwpt(s->fd, s->device.dev, s->ioas, PASID, 0, 0, NULL, 0, &hwpt);

	if (result)
		return result;
	result = replace(s->fd, stdev, hwpt);
	if (!result)
		result = test_words(s->fd, PASID_ATTACH, stdev, 200, hwpt, 0);
	if (!result) {
		result = test_words(s->fd, PASID_REPLACE, stdev, 200, hwpt, 0);
		stop_failing();
		OK(test_words(s->fd, PASID_DETACH, stdev, 200, 0, 0));
	}
	stop_failing();
	OK(replace(s->fd, stdev, s->ioas));
	undo(s->fd, hwpt);
	return result;
}

static int map_memory_file(struct setup *s, char *memory)
{
	uint64_t iova = MOCK_START;
	int file = memory_file(8 * PAGE), result = map_file(s->fd, s->ioas, READ_WRITE | FIXED, file, 0, 8 * PAGE, &iova);

	stop_failing();
	if (!result)
		OK(unmap(s->fd, s->ioas, MOCK_START, 8 * PAGE));
	OK(close(file));
	return result;
}

static int map_buffer(struct setup *s, char *memory)
{
	struct test get = { .size = sizeof(get), .op = DMABUF_GET, .word = { 4 * PAGE, O_CLOEXEC } };
	uint64_t iova = MOCK_START;
	int buffer = call(s->fd, TEST, &get), result;

	if (buffer < 0)
		return buffer;
	result = map_file(s->fd, s->ioas, READ_WRITE | FIXED, buffer, 0, 4 * PAGE, &iova);
	stop_failing();
	if (!result)
		OK(unmap(s->fd, s->ioas, MOCK_START, 4 * PAGE));
	OK(close(buffer));
	return result;
}

static int take_faults(struct setup *s, char *memory)
{
	struct { uint32_t size, flags, id, fd; } c = { .size = sizeof(c) };
	uint32_t hwpt;
	int result = call(s->fd, FAULT_QUEUE_ALLOC, &c);

	if (result)
		return result;
	result = alloc_hwpt(s->fd, s->device.dev, s->ioas, FAULT_ID_VALID, c.id, 0, NULL, 0, &hwpt);
	if (!result) {
		result = replace(s->fd, s->device.stdev, hwpt);
		if (!result)
			result = trigger_fault(s->fd, s->device.dev, 0);
		stop_failing();
		OK(replace(s->fd, s->device.stdev, s->ioas));
		undo(s->fd, hwpt);
	}
	stop_failing();
	OK(close((int)c.fd));
	undo(s->fd, c.id);
	return result;
}

CASE(viommu_and_vdevice) { each_point(make_viommu, 6); }
CASE(nested_table_and_invalidation) { each_point(make_nested, 8); }
CASE(event_queue) { each_point(make_veventq, 4); }
CASE(hardware_queue) { each_point(make_hw_queue, 8); }
CASE(pasid) { each_point(attach_pasid, 8); }
CASE(memory_files) { each_point(map_memory_file, 4); }
CASE(dma_buffers) { each_point(map_buffer, 4); }
CASE(fault_queue) { each_point(take_faults, 6); }
