/* Attaching page tables to process address space ids of a device: plain, nested, with faults, and the rules between them and the requester id. */
#include "iommufd.h"

#define WIDTH_LOG2 20

/* A device whose requester id is attached to a PASID-compatible table, and two more such tables. */
struct pasids { int fd; uint32_t ioas, rid, a, b, plain; struct device device; };

static struct pasids new_pasids(void)
{
	struct pasids p = { .fd = open_iommu() };

	p.ioas = new_ioas(p.fd);
	p.device = new_device(p.fd, p.ioas, DEVICE_PASID);
	p.rid = new_hwpt(p.fd, p.device.dev, p.ioas, PASID);
	p.a = new_hwpt(p.fd, p.device.dev, p.ioas, PASID);
	p.b = new_hwpt(p.fd, p.device.dev, p.ioas, PASID);
	p.plain = new_hwpt(p.fd, p.device.dev, p.ioas, 0);
	OK(replace(p.fd, p.device.stdev, p.rid));
	return p;
}

static int attach(struct pasids *p, uint32_t pasid, uint32_t pt) { return test_words(p->fd, PASID_ATTACH, p->device.stdev, pasid, pt, 0); }
static int switch_to(struct pasids *p, uint32_t pasid, uint32_t pt) { return test_words(p->fd, PASID_REPLACE, p->device.stdev, pasid, pt, 0); }
static int detach(struct pasids *p, uint32_t pasid) { return test_words(p->fd, PASID_DETACH, p->device.stdev, pasid, 0, 0); }
static int check(struct pasids *p, uint32_t pasid, uint32_t hwpt) { return test_words(p->fd, PASID_CHECK_HWPT, p->device.stdev, pasid, hwpt, 0); }

CASE(hw_info_tells_the_width)
{
	struct pasids p = new_pasids();
	struct device plain = new_device(p.fd, p.ioas, 0);
	struct hw_info info = { .size = sizeof(info), .dev_id = p.device.dev };

	OK(call(p.fd, GET_HW_INFO, &info));
	EQ(WIDTH_LOG2, info.max_pasid_log2);
	info = (struct hw_info){ .size = sizeof(info), .dev_id = plain.dev };
	OK(call(p.fd, GET_HW_INFO, &info));
	EQ(0, info.max_pasid_log2);
}

CASE(device_without_pasids)
{
	struct pasids p = { .fd = open_iommu() };
	uint32_t hwpt;

	p.ioas = new_ioas(p.fd);
	p.device = new_device(p.fd, p.ioas, 0);
	hwpt = new_hwpt(p.fd, p.device.dev, p.ioas, PASID);
	OK(replace(p.fd, p.device.stdev, hwpt));
	EQ(-EINVAL, attach(&p, 100, hwpt));
	OK(check(&p, 100, 0));
	OK(detach(&p, 100));
}

CASE(requester_id_must_be_compatible)
{
	struct pasids p = { .fd = open_iommu() };
	uint32_t hwpt;

	p.ioas = new_ioas(p.fd);
	p.device = new_device(p.fd, p.ioas, DEVICE_PASID);
	hwpt = new_hwpt(p.fd, p.device.dev, p.ioas, PASID);
	EQ(-EINVAL, attach(&p, 100, hwpt));
	OK(replace(p.fd, p.device.stdev, hwpt));
	OK(attach(&p, 100, hwpt));
	OK(detach(&p, 100));
	OK(replace(p.fd, p.device.stdev, p.ioas));
	EQ(-EINVAL, attach(&p, 100, hwpt));
}

CASE(lookups_come_first)
{
	struct pasids p = new_pasids();

	EQ(-ENOENT, test_words(p.fd, PASID_ATTACH, 0, 100, 0, 0));
	EQ(-ENOENT, test_words(p.fd, PASID_ATTACH, p.ioas, 100, p.a, 0));
	EQ(-ENOENT, test_words(p.fd, PASID_REPLACE, 0, 100, p.a, 0));
	EQ(-ENOENT, test_words(p.fd, PASID_DETACH, p.device.dev, 100, 0, 0));
	EQ(-ENOENT, test_words(p.fd, PASID_CHECK_HWPT, 0, 100, 0, 0));
	EQ(-ENOENT, attach(&p, 100, 0));
	EQ(-ENOENT, attach(&p, 100, 1000));
	EQ(-EINVAL, attach(&p, 100, p.device.dev));
	EQ(-EINVAL, attach(&p, 100, p.device.stdev));
	EQ(-ENOENT, switch_to(&p, 100, 1000));
	EQ(-ENOENT, check(&p, 100, 1000));
	EQ(-ENOENT, check(&p, 100, p.ioas));
}

CASE(attach_rules)
{
	struct pasids p = new_pasids();

	EQ(-EINVAL, attach(&p, 100, p.plain));
	EQ(-EINVAL, attach(&p, 100, p.ioas));
	OK(check(&p, 100, 0));
	EQ(-EINVAL, check(&p, 100, p.a));
	OK(attach(&p, 100, p.a));
	OK(check(&p, 100, p.a));
	EQ(-EINVAL, check(&p, 100, p.b));
	EQ(-EINVAL, check(&p, 100, 0));
	/* Attached is attached, to whatever. */
	EQ(-EBUSY, attach(&p, 100, p.a));
	EQ(-EBUSY, attach(&p, 100, p.b));
	OK(check(&p, 101, 0));
	OK(attach(&p, 101, p.a));
	OK(attach(&p, 102, p.b));
	EQ(-EBUSY, destroy(p.fd, p.a));
	OK(detach(&p, 100));
	OK(detach(&p, 100));
	EQ(-EBUSY, destroy(p.fd, p.a));
	OK(detach(&p, 101));
	OK(destroy(p.fd, p.a));
	OK(detach(&p, 102));
}

CASE(width)
{
	struct pasids p = new_pasids();

	OK(attach(&p, (1 << WIDTH_LOG2) - 1, p.a));
	EQ(-EINVAL, attach(&p, 1 << WIDTH_LOG2, p.a));
	OK(detach(&p, (1 << WIDTH_LOG2) - 1));
	OK(attach(&p, 1, p.a));
	OK(detach(&p, 1));
}

CASE(replace_rules)
{
	struct pasids p = new_pasids();

	EQ(-EINVAL, switch_to(&p, 100, p.a));
	OK(attach(&p, 100, p.a));
	OK(switch_to(&p, 100, p.a));
	OK(switch_to(&p, 100, p.b));
	OK(check(&p, 100, p.b));
	OK(destroy(p.fd, p.a));
	EQ(-EINVAL, switch_to(&p, 100, p.plain));
	EQ(-EINVAL, switch_to(&p, 100, p.ioas));
	OK(check(&p, 100, p.b));
	EQ(-EINVAL, switch_to(&p, 101, p.b));
	OK(detach(&p, 100));
	EQ(-EINVAL, switch_to(&p, 100, p.b));
	OK(destroy(p.fd, p.b));
}

CASE(requester_id_moves_while_pasids_are_attached)
{
	struct pasids p = new_pasids();

	OK(attach(&p, 100, p.a));
	EQ(-EINVAL, replace(p.fd, p.device.stdev, p.plain));
	EQ(-EINVAL, replace(p.fd, p.device.stdev, p.ioas));
	OK(check(&p, 0, p.rid));
	OK(replace(p.fd, p.device.stdev, p.b));
	OK(check(&p, 0, p.b));
	OK(check(&p, 100, p.a));
	OK(detach(&p, 100));
	OK(replace(p.fd, p.device.stdev, p.plain));
	OK(replace(p.fd, p.device.stdev, p.ioas));
}

CASE(switch_that_fails_keeps_the_old_table)
{
	struct pasids p = new_pasids();

	OK(attach(&p, 1024, p.a));
	EQ(-ENOMEM, switch_to(&p, 1024, p.b));
	OK(check(&p, 1024, p.a));
	OK(destroy(p.fd, new_hwpt(p.fd, p.device.dev, p.ioas, PASID)));
	OK(switch_to(&p, 1024, p.b));
	OK(check(&p, 1024, p.b));
	OK(destroy(p.fd, p.a));
	OK(detach(&p, 1024));
	OK(check(&p, 1024, 0));
	/* Being blocked has made it as new. */
	OK(attach(&p, 1024, p.b));
	OK(detach(&p, 1024));
	OK(attach(&p, 1024, p.b));
	OK(detach(&p, 1024));
}

CASE(flags_of_tables)
{
	struct pasids p = new_pasids();
	uint32_t parent = new_hwpt(p.fd, p.device.dev, p.ioas, PASID | NEST_PARENT), dirty = new_hwpt(p.fd, p.device.dev, p.ioas, PASID | DIRTY_TRACKING), nested;

	OK(attach(&p, 1, parent));
	OK(attach(&p, 2, dirty));
	nested = new_nested(p.fd, p.device.dev, parent, 0, 0);
	EQ(-EINVAL, attach(&p, 3, nested));
	nested = new_nested(p.fd, p.device.dev, parent, PASID, 0);
	OK(attach(&p, 3, nested));
	OK(check(&p, 3, nested));
	EQ(-EBUSY, destroy(p.fd, nested));
	OK(switch_to(&p, 3, parent));
	OK(destroy(p.fd, nested));
	for (uint32_t pasid = 1; pasid <= 3; pasid++)
		OK(detach(&p, pasid));
}

static struct fault next_fault(int queue)
{
	struct fault fault = { 0 };

	EQ(sizeof(fault), read(queue, &fault, sizeof(fault)));
	return fault;
}

CASE(faults_go_to_the_table_of_the_pasid)
{
	struct pasids p = new_pasids();
	struct fault fault;
	struct response answer;
	int queue, other;
	uint32_t parent = new_hwpt(p.fd, p.device.dev, p.ioas, PASID | NEST_PARENT), first = new_fault_queue(p.fd, &queue), second = new_fault_queue(p.fd, &other);
	uint32_t nested = new_nested(p.fd, p.device.dev, parent, PASID | FAULT_ID_VALID, first), paging;

	OK(alloc_hwpt(p.fd, p.device.dev, p.ioas, PASID | FAULT_ID_VALID, second, 0, NULL, 0, &paging));
	OK(attach(&p, 100, nested));
	OK(attach(&p, 200, paging));
	OK(trigger_fault(p.fd, p.device.dev, 100));
	OK(trigger_fault(p.fd, p.device.dev, 200));
	/* Nothing is attached for this one, and the requester id is on no nested table: answered at once. */
	OK(trigger_fault(p.fd, p.device.dev, 300));
	fault = next_fault(queue);
	EQ(100, fault.pasid);
	EQ(p.device.dev, fault.dev_id);
	answer = (struct response){ fault.cookie, 1 };
	EQ(sizeof(answer), write(queue, &answer, sizeof(answer)));
	fault = next_fault(other);
	EQ(200, fault.pasid);
	EQ(0, read(queue, &fault, sizeof(fault)));
	EQ(0, read(other, &fault, sizeof(fault)));
	/* Detaching answers what is pending, read or not. */
	OK(trigger_fault(p.fd, p.device.dev, 100));
	OK(trigger_fault(p.fd, p.device.dev, 100));
	fault = next_fault(queue);
	OK(detach(&p, 100));
	EQ(0, read(queue, &fault, sizeof(fault)));
	answer = (struct response){ fault.cookie, 0 };
	EQ(-1, write(queue, &answer, sizeof(answer)));
	EQ(EINVAL, errno);
	OK(destroy(p.fd, nested));
	OK(detach(&p, 200));
	EQ(-EBUSY, destroy(p.fd, first));
	OK(close(queue));
	OK(destroy(p.fd, first));
}

CASE(fault_of_an_unattached_pasid_goes_to_a_nested_requester_id)
{
	struct pasids p = new_pasids();
	int queue;
	uint32_t parent = new_hwpt(p.fd, p.device.dev, p.ioas, PASID | NEST_PARENT), id = new_fault_queue(p.fd, &queue);

	OK(replace(p.fd, p.device.stdev, new_nested(p.fd, p.device.dev, parent, PASID | FAULT_ID_VALID, id)));
	OK(attach(&p, 100, p.a));
	OK(trigger_fault(p.fd, p.device.dev, 300));
	EQ(300, next_fault(queue).pasid);
	OK(trigger_fault(p.fd, p.device.dev, 0));
	EQ(2, next_fault(queue).flags);
	OK(detach(&p, 100));
}

CASE(nested_of_a_viommu)
{
	struct pasids p = new_pasids();
	uint32_t parent = new_hwpt(p.fd, p.device.dev, p.ioas, PASID | NEST_PARENT), viommu = new_viommu(p.fd, p.device.dev, parent), nested, vdevice;

	nested = new_nested(p.fd, p.device.dev, viommu, 0, 0);
	EQ(-EINVAL, attach(&p, 100, nested));
	nested = new_nested(p.fd, p.device.dev, viommu, PASID, 0);
	OK(alloc_vdevice(p.fd, viommu, p.device.dev, 0x99, &vdevice));
	OK(attach(&p, 100, nested));
	OK(check(&p, 100, nested));
	OK(switch_to(&p, 100, p.a));
	OK(replace(p.fd, p.device.stdev, nested));
	OK(switch_to(&p, 100, nested));
	OK(replace(p.fd, p.device.stdev, p.rid));
	OK(detach(&p, 100));
	OK(destroy(p.fd, nested));
	EQ(-EBUSY, destroy(p.fd, viommu));
}

CASE(two_devices_share_a_table)
{
	struct pasids p = new_pasids();
	struct device other = new_device(p.fd, p.rid, DEVICE_PASID);

	OK(attach(&p, 100, p.a));
	OK(test_words(p.fd, PASID_ATTACH, other.stdev, 100, p.b, 0));
	OK(test_words(p.fd, PASID_CHECK_HWPT, other.stdev, 100, p.b, 0));
	OK(check(&p, 100, p.a));
	OK(test_words(p.fd, PASID_REPLACE, other.stdev, 100, p.a, 0));
	OK(detach(&p, 100));
	EQ(-EBUSY, destroy(p.fd, p.a));
	OK(test_words(p.fd, PASID_DETACH, other.stdev, 100, 0, 0));
	OK(destroy(p.fd, p.a));
}

CASE(close_with_pasids_attached)
{
	struct pasids p = new_pasids();

	OK(attach(&p, 100, p.a));
	OK(attach(&p, 1024, p.b));
	OK(close(p.fd));
	EQ(1, new_ioas(open_iommu()));
}
