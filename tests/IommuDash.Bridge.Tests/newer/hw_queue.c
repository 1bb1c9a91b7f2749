/* Hardware queues of a vIOMMU: what they refuse, the guest memory they pin and lock, and the order they go in. */
#include "iommufd.h"

/* Two pages of memory at neighbouring addresses of the nesting parent, each an area of its own. */
struct guest { struct setup s; char *memory; uint64_t iova; };

static struct guest new_guest(void)
{
	struct guest g = { .s = new_setup(0), .memory = anonymous(16 * PAGE), .iova = MOCK_START };

	memset(g.memory, 1, 16 * PAGE);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t iova = g.iova + i * PAGE;

		OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + i * PAGE, PAGE, &iova));
	}
	return g;
}

static int queue(struct guest *g, uint32_t index, uint64_t iova, uint64_t length, uint32_t *id)
{
	return alloc_hw_queue(g->s.fd, g->s.viommu, MOCK_HW_QUEUE, index, iova, length, id);
}

CASE(alloc_refuses_in_order)
{
	struct guest g = new_guest();
	struct hw_queue_alloc flags = { sizeof(flags), 1, 0, MOCK_HW_QUEUE, 0, 0, 0, 0 };
	uint32_t id;

	EQ(-EOPNOTSUPP, call(g.s.fd, HW_QUEUE_ALLOC, &flags));
	flags.size = 39;
	EQ(-EINVAL, call(g.s.fd, HW_QUEUE_ALLOC, &flags));
	EQ(-EOPNOTSUPP, alloc_hw_queue(g.s.fd, 0, 0, 0, 0, 0, &id));
	EQ(-EINVAL, alloc_hw_queue(g.s.fd, 0, 1, 0, ~0ull, 0, &id));
	EQ(-EOVERFLOW, alloc_hw_queue(g.s.fd, 0, 1, 0, ~0ull, 2, &id));
	EQ(-ENOENT, alloc_hw_queue(g.s.fd, 0, 1, 0, g.iova, PAGE, &id));
	EQ(-ENOENT, alloc_hw_queue(g.s.fd, g.s.parent, MOCK_HW_QUEUE, 0, g.iova, PAGE, &id));
	EQ(-EOPNOTSUPP, alloc_hw_queue(g.s.fd, g.s.viommu, 1, 0, g.iova, PAGE, &id));
	EQ(-ENOENT, queue(&g, 2, g.iova + 2 * PAGE, PAGE, &id));
	EQ(-ENOENT, queue(&g, 0, g.iova + PAGE, PAGE + 1, &id));
	EQ(-EINVAL, queue(&g, 2, g.iova, PAGE, &id));
	EQ(-EINVAL, queue(&g, ~0u, g.iova, PAGE, &id));
	EQ(-EIO, queue(&g, 1, g.iova, PAGE, &id));
	OK(queue(&g, 0, g.iova, PAGE, &id));
	EQ(g.s.viommu + 1, id);
	EQ(-EEXIST, queue(&g, 0, g.iova, PAGE, &id));
}

CASE(length_near_the_end_of_the_space)
{
	struct guest g = new_guest();
	uint32_t id;

	/* Rounded to pages it would not fit 64 bits. */
	EQ(-ERANGE, queue(&g, 0, 1, ~0ull - 1, &id));
	EQ(-ENOENT, queue(&g, 0, ~0ull - PAGE + 1, PAGE, &id));
}

CASE(refused_queue_leaves_nothing)
{
	struct guest g = new_guest();
	uint32_t id;

	EQ(-EIO, queue(&g, 1, g.iova, PAGE, &id));
	OK(check_refs(g.s.fd, g.memory, 2 * PAGE, 1));
	OK(unmap(g.s.fd, g.s.ioas, g.iova, 2 * PAGE));
	OK(check_refs(g.s.fd, g.memory, 2 * PAGE, 0));
	EQ(g.s.viommu + 1, new_ioas(g.s.fd));
	OK(destroy(g.s.fd, g.s.viommu));
}

CASE(permissions)
{
	struct guest g = new_guest();
	uint64_t write_only = g.iova + 4 * PAGE, read_only = g.iova + 5 * PAGE;
	uint32_t id;

	OK(map(g.s.fd, g.s.ioas, WRITEABLE | FIXED, g.memory + 4 * PAGE, PAGE, &write_only));
	OK(map(g.s.fd, g.s.ioas, READABLE | FIXED, g.memory + 5 * PAGE, PAGE, &read_only));
	EQ(-EPERM, queue(&g, 0, write_only, PAGE, &id));
	OK(queue(&g, 0, read_only, PAGE, &id));
}

CASE(memory_must_be_contiguous)
{
	struct guest g = new_guest();
	uint64_t high = g.iova + 4 * PAGE, low = g.iova + 5 * PAGE, both = g.iova + 8 * PAGE;
	uint32_t id;

	/* Two pages in order, then the same two the other way round. */
	OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + 8 * PAGE, 2 * PAGE, &both));
	OK(queue(&g, 0, both, 2 * PAGE, &id));
	OK(destroy(g.s.fd, id));
	OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + 9 * PAGE, PAGE, &high));
	OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + 8 * PAGE, PAGE, &low));
	EQ(-EFAULT, queue(&g, 0, high, 2 * PAGE, &id));
	OK(queue(&g, 0, high, PAGE, &id));
	EQ(-EFAULT, queue(&g, 1, low - 1, 2, &id));
}

CASE(area_is_locked_while_it_lives)
{
	struct guest g = new_guest();
	uint64_t copied = g.iova + 8 * PAGE;
	struct { uint32_t size, flags, dst, src; uint64_t length, dst_iova, src_iova; } copy = { sizeof(copy), READ_WRITE | FIXED, g.s.ioas, g.s.ioas, PAGE, copied, g.iova };
	uint32_t id, second;

	OK(queue(&g, 0, g.iova, PAGE, &id));
	OK(check_refs(g.s.fd, g.memory, 2 * PAGE, 1));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, g.iova, PAGE / 2));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, 0, ~0ull));
	EQ(-EBUSY, destroy(g.s.fd, g.s.ioas));
	EQ(-EBUSY, destroy(g.s.fd, g.s.viommu));
	/* Its neighbour is free to go, and a copy is no part of it. */
	OK(unmap(g.s.fd, g.s.ioas, g.iova + PAGE, PAGE));
	OK(call(g.s.fd, IOAS_COPY, &copy));
	OK(unmap(g.s.fd, g.s.ioas, copied, PAGE));
	/* A second queue in the other half of the page. */
	OK(queue(&g, 1, g.iova + PAGE / 2, PAGE / 2, &second));
	EQ(-EBUSY, destroy(g.s.fd, id));
	OK(destroy(g.s.fd, second));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
	OK(destroy(g.s.fd, id));
	OK(unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
	OK(check_refs(g.s.fd, g.memory, 2 * PAGE, 0));
	OK(destroy(g.s.fd, g.s.viommu));
}

CASE(unmap_stops_at_the_locked_area)
{
	struct guest g = new_guest();
	uint32_t id;

	OK(queue(&g, 0, g.iova + PAGE, PAGE, &id));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, g.iova, 2 * PAGE));
	/* What came before it is gone. */
	OK(check_refs(g.s.fd, g.memory, PAGE, 0));
	OK(check_refs(g.s.fd, g.memory + PAGE, PAGE, 1));
	EQ(-ENOENT, unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
}

CASE(queue_over_two_areas)
{
	struct guest g = new_guest();
	uint64_t iova = g.iova + 4 * PAGE;
	uint32_t id;

	OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + 4 * PAGE, 4 * PAGE, &iova));
	OK(queue(&g, 0, iova, 4 * PAGE, &id));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, iova, 4 * PAGE));
	OK(destroy(g.s.fd, id));
	OK(queue(&g, 0, iova + 100, 3 * PAGE, &id));
	OK(destroy(g.s.fd, id));
	OK(unmap(g.s.fd, g.s.ioas, iova, 4 * PAGE));
}

CASE(alignment_while_it_lives)
{
	struct guest g = new_guest();
	uint64_t small = g.iova + 6 * PAGE + PAGE / 2;
	uint32_t id;

	EQ(PAGE / 2, iova_alignment(g.s.fd, g.s.ioas));
	OK(queue(&g, 0, g.iova, PAGE, &id));
	EQ(PAGE, iova_alignment(g.s.fd, g.s.ioas));
	EQ(-EINVAL, map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + PAGE / 2, PAGE / 2, &small));
	OK(destroy(g.s.fd, id));
	EQ(PAGE / 2, iova_alignment(g.s.fd, g.s.ioas));
	OK(map(g.s.fd, g.s.ioas, READ_WRITE | FIXED, g.memory + PAGE / 2, PAGE / 2, &small));
	EQ(-EADDRINUSE, queue(&g, 0, g.iova, PAGE, &id));
}

CASE(device_and_close_do_not_wait_for_it)
{
	struct guest g = new_guest();
	uint32_t id, second;

	OK(queue(&g, 0, g.iova, PAGE, &id));
	OK(queue(&g, 1, g.iova + PAGE, PAGE, &second));
	OK(destroy(g.s.fd, g.s.device.stdev));
	EQ(-EBUSY, destroy(g.s.fd, id));
	OK(close(g.s.fd));
	g.s.fd = open_iommu();
	OK(check_refs(g.s.fd, g.memory, 16 * PAGE, 0));
	EQ(1, new_ioas(g.s.fd));
}

CASE(queues_of_two_viommus_are_apart)
{
	struct guest g = new_guest();
	uint32_t id, second, other = new_viommu(g.s.fd, g.s.device.dev, g.s.parent);

	OK(queue(&g, 0, g.iova, PAGE, &id));
	EQ(-EIO, alloc_hw_queue(g.s.fd, other, MOCK_HW_QUEUE, 1, g.iova, PAGE, &second));
	OK(alloc_hw_queue(g.s.fd, other, MOCK_HW_QUEUE, 0, g.iova, PAGE, &second));
	OK(destroy(g.s.fd, id));
	EQ(-EBUSY, unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
	OK(destroy(g.s.fd, second));
	OK(unmap(g.s.fd, g.s.ioas, g.iova, PAGE));
}
