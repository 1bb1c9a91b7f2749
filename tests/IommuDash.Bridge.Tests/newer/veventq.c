/* Event queues of a vIOMMU: what they refuse, their records, lost events, and their descriptor. */
#include "iommufd.h"
#include <sys/epoll.h>
#include <sys/uio.h>

/* A device attached to a nested table of the vIOMMU, known to the guest by an id. */
static struct setup new_guest(uint64_t virt_id)
{
	struct setup s = new_setup(0);
	uint32_t vdevice;

	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, virt_id, &vdevice));
	OK(replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, s.viommu, 0, 0)));
	return s;
}

static int new_queue(struct setup *s, uint32_t depth, uint32_t *id)
{
	int queue;

	OK(alloc_veventq(s->fd, s->viommu, MOCK_VEVENTQ, depth, id, &queue));
	return queue;
}

static void trigger(struct setup *s, int times)
{
	while (times--)
		OK(trigger_vevent(s->fd, s->device.dev));
}

static ssize_t get(int queue, void *buffer, size_t count)
{
	ssize_t bytes = read(queue, buffer, count);

	return bytes < 0 ? -errno : bytes;
}

static void expect_normal(int queue, uint32_t sequence, uint32_t virt_id)
{
	struct vevent event = { ~0u, ~0u, ~0u };

	EQ(12, get(queue, &event, sizeof(event)));
	EQ(0, event.flags);
	EQ(sequence, event.sequence);
	EQ(virt_id, event.virt_id);
}

static void expect_lost(int queue, uint32_t sequence)
{
	struct vevent event = { ~0u, ~0u, ~0u };

	EQ(8, get(queue, &event, sizeof(event)));
	EQ(1, event.flags);
	EQ(sequence, event.sequence);
	EQ(~0u, event.virt_id);
}

static int is_ready(int queue)
{
	struct pollfd wait = { .fd = queue, .events = POLLIN };
	int ready = poll(&wait, 1, 0);

	TRUE(ready == 0 || (ready == 1 && wait.revents == POLLIN));
	return ready;
}

CASE(alloc_refuses_in_order)
{
	struct setup s = new_setup(0);
	struct veventq_alloc c = { .size = sizeof(c) };

#define TRY(error, ...) do { struct veventq_alloc t = { .size = sizeof(t), __VA_ARGS__ }; EQ(error, call(s.fd, VEVENTQ_ALLOC, &t)); c = t; } while (0)
	TRY(-EOPNOTSUPP, .flags = 1, .type = MOCK_VEVENTQ);
	TRY(-EOPNOTSUPP, .type = 0);
	TRY(-EOPNOTSUPP, .type = MOCK_VEVENTQ, .reserved = 1);
	TRY(-EINVAL, .type = MOCK_VEVENTQ);
	TRY(-EINVAL, .type = MOCK_VEVENTQ, .depth = (1 << 19) + 1);
	TRY(-ENOENT, .type = MOCK_VEVENTQ, .depth = 1);
	TRY(-ENOENT, .type = MOCK_VEVENTQ, .depth = 1, .viommu_id = s.parent);
	TRY(0, .type = MOCK_VEVENTQ, .depth = 1 << 19, .viommu_id = s.viommu);
	EQ(s.viommu + 1, c.out_veventq_id);
	TRY(-EEXIST, .type = MOCK_VEVENTQ, .depth = 1, .viommu_id = s.viommu);
	/* Nobody asks whether events of a type will ever come. */
	TRY(0, .type = 1, .depth = 1, .viommu_id = s.viommu);
	EQ(s.viommu + 2, c.out_veventq_id);
	OK(close((int)c.out_fd));
	OK(destroy(s.fd, c.out_veventq_id));
	TRY(0, .type = 1, .depth = 1, .viommu_id = s.viommu);
	c.size = 28;
	c.type = 2;
	OK(call(s.fd, VEVENTQ_ALLOC, &c));
	c.size = 27;
	EQ(-EINVAL, call(s.fd, VEVENTQ_ALLOC, &c));
}

CASE(trigger_refuses_in_order)
{
	struct setup s = new_setup(0);
	uint32_t vdevice, id;
	int queue;

	EQ(-ENOENT, trigger_vevent(s.fd, 0));
	EQ(-ENOENT, trigger_vevent(s.fd, s.ioas));
	EQ(-ENOENT, trigger_vevent(s.fd, s.device.dev));
	/* A table of the parent itself has no vIOMMU. */
	OK(replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, s.parent, 0, 0)));
	EQ(-ENOENT, trigger_vevent(s.fd, s.device.dev));
	OK(alloc_vdevice(s.fd, s.viommu, s.device.dev, 0x99, &vdevice));
	OK(replace(s.fd, s.device.stdev, new_nested(s.fd, s.device.dev, s.viommu, 0, 0)));
	EQ(-EOPNOTSUPP, trigger_vevent(s.fd, s.device.dev));
	queue = new_queue(&s, 1, &id);
	trigger(&s, 1);
	/* What found no queue was not counted. */
	expect_normal(queue, 0, 0x99);
	OK(replace(s.fd, s.device.stdev, s.ioas));
	EQ(-ENOENT, trigger_vevent(s.fd, s.device.dev));
	OK(close(queue));
	OK(destroy(s.fd, id));
}

CASE(events_come_in_order)
{
	struct setup s = new_guest(0x99);
	struct device other = new_device(s.fd, s.ioas, 0);
	uint32_t id, vdevice;
	int queue = new_queue(&s, 8, &id);

	OK(alloc_vdevice(s.fd, s.viommu, other.dev, 0x88, &vdevice));
	OK(replace(s.fd, other.stdev, new_nested(s.fd, other.dev, s.viommu, 0, 0)));
	EQ(0, is_ready(queue));
	trigger(&s, 1);
	EQ(1, is_ready(queue));
	OK(trigger_vevent(s.fd, other.dev));
	trigger(&s, 1);
	expect_normal(queue, 0, 0x99);
	expect_normal(queue, 1, 0x88);
	EQ(1, is_ready(queue));
	expect_normal(queue, 2, 0x99);
	EQ(0, is_ready(queue));
	trigger(&s, 1);
	expect_normal(queue, 3, 0x99);
}

CASE(lost_events_move_to_the_tail)
{
	struct setup s = new_guest(0x99);
	uint32_t id;
	int queue = new_queue(&s, 2, &id);

	trigger(&s, 2);
	expect_normal(queue, 0, 0x99);
	expect_normal(queue, 1, 0x99);
	trigger(&s, 3);
	expect_normal(queue, 2, 0x99);
	expect_normal(queue, 3, 0x99);
	expect_lost(queue, 4);
	EQ(0, is_ready(queue));
	/* Several are lost: one record, with the last one's number. */
	trigger(&s, 6);
	expect_normal(queue, 5, 0x99);
	expect_normal(queue, 6, 0x99);
	expect_lost(queue, 10);
	trigger(&s, 1);
	expect_normal(queue, 11, 0x99);
}

CASE(lost_record_gives_way_to_a_normal_one)
{
	struct setup s = new_guest(7);
	uint32_t id;
	int queue = new_queue(&s, 2, &id);

	trigger(&s, 3);
	expect_normal(queue, 0, 7);
	trigger(&s, 1);
	/* The gap alone says that 2 was lost. */
	expect_normal(queue, 1, 7);
	expect_normal(queue, 3, 7);
	EQ(0, is_ready(queue));
}

CASE(queue_of_one)
{
	struct setup s = new_guest(7);
	uint32_t id;
	int queue = new_queue(&s, 1, &id);

	trigger(&s, 100);
	expect_normal(queue, 0, 7);
	expect_lost(queue, 99);
	EQ(0, get(queue, (char[8]){ 0 }, 8));
}

CASE(read_lengths)
{
	struct setup s = new_guest(7);
	uint32_t id;
	int queue = new_queue(&s, 2, &id);
	char buffer[64];

	EQ(-EINVAL, get(queue, buffer, 0));
	EQ(-EINVAL, get(queue, buffer, 7));
	EQ(0, get(queue, buffer, 8));
	EQ(0, get(queue, buffer, 64));
	trigger(&s, 3);
	/* A record that does not fit stays where it is. */
	EQ(-EINVAL, get(queue, buffer, 8));
	EQ(-EINVAL, get(queue, buffer, 11));
	EQ(12, get(queue, buffer, 23));
	EQ(-EINVAL, get(queue, buffer, 8));
	EQ(12, get(queue, buffer, 19));
	EQ(-EINVAL, get(queue, buffer, 7));
	EQ(8, get(queue, buffer, 8));
	trigger(&s, 3);
	EQ(12 + 12 + 8, get(queue, buffer, 64));
	EQ(0, get(queue, buffer, 64));
	trigger(&s, 2);
	EQ(24, get(queue, buffer, 31));
}

CASE(read_into_nowhere)
{
	struct setup s = new_guest(7);
	uint32_t id, record[2];
	int queue = new_queue(&s, 2, &id);

	trigger(&s, 1);
	EQ(-EFAULT, get(queue, (void *)8, 12));
	EQ(1, is_ready(queue));
	expect_normal(queue, 0, 7);
	EQ(-1, pread(queue, record, 8, 4));
	EQ(ESPIPE, errno);
}

CASE(descriptor)
{
	struct setup s = new_guest(7);
	struct epoll_event wait = { .events = EPOLLIN };
	struct vevent event[2];
	struct iovec parts[2] = { { &event[0], 12 }, { &event[1], 12 } };
	uint32_t id;
	int queue = new_queue(&s, 4, &id), poller = epoll_create1(0), twin;

	EQ(FD_CLOEXEC, fcntl(queue, F_GETFD));
	EQ(-1, write(queue, event, 8));
	EQ(EBADF, errno);
	EQ(-1, lseek(queue, 0, SEEK_CUR));
	EQ(ESPIPE, errno);
	OK(epoll_ctl(poller, EPOLL_CTL_ADD, queue, &wait));
	EQ(0, epoll_wait(poller, &wait, 1, 0));
	trigger(&s, 2);
	EQ(1, epoll_wait(poller, &wait, 1, 1000));
	EQ(24, readv(queue, parts, 2));
	EQ(1, event[1].sequence);
	EQ(0, epoll_wait(poller, &wait, 1, 0));
	twin = dup3(queue, 100, O_CLOEXEC);
	EQ(100, twin);
	OK(close(queue));
	EQ(-EBUSY, destroy(s.fd, id));
	trigger(&s, 1);
	expect_normal(twin, 2, 7);
	OK(close(twin));
	EQ(-EBUSY, destroy(s.fd, s.viommu));
	OK(destroy(s.fd, id));
	EQ(-EOPNOTSUPP, trigger_vevent(s.fd, s.device.dev));
}

struct shared { struct setup s; int queue; };

static void read_two(void *argument)
{
	struct shared *shared = argument;

	expect_normal(shared->queue, 0, 7);
	expect_normal(shared->queue, 1, 7);
	trigger(&shared->s, 1);
}

CASE(child_reads_too)
{
	struct shared shared = { .s = new_guest(7) };
	uint32_t id;

	shared.queue = new_queue(&shared.s, 4, &id);
	trigger(&shared.s, 2);
	in_child(read_two, &shared);
	EQ(1, is_ready(shared.queue));
	expect_normal(shared.queue, 2, 7);
}

static void *wait_for_event(void *queue)
{
	struct pollfd wait = { .fd = *(int *)queue, .events = POLLIN };

	EQ(1, poll(&wait, 1, 20000));
	expect_normal(*(int *)queue, 0, 7);
	return NULL;
}

CASE(poll_wakes_a_waiter)
{
	struct setup s = new_guest(7);
	pthread_t waiter;
	uint32_t id;
	int queue = new_queue(&s, 4, &id);

	OK(pthread_create(&waiter, NULL, wait_for_event, &queue));
	trigger(&s, 1);
	OK(pthread_join(waiter, NULL));
}

CASE(queue_outlives_the_context)
{
	struct setup s = new_guest(7);
	uint32_t id;
	int queue = new_queue(&s, 4, &id);

	trigger(&s, 1);
	OK(close(s.fd));
	EQ(1, is_ready(queue));
	expect_normal(queue, 0, 7);
	EQ(0, get(queue, (uint32_t[2]){ 0 }, 8));
	OK(close(queue));
	EQ(1, new_ioas(open_iommu()));
}
