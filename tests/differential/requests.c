// Layouts of the commands: request number, length, length of the first version, and every field by name.
#include "fuzz.h"
#include <string.h>

#define FIELDS(...) (const struct field[]){ __VA_ARGS__, { 0 } }
#define TEST_WORDS { "size", 0, 4 }, { "op", 4, 4 }, { "id", 8, 4 }, { "__reserved", 12, 4 }, { "u0", 16, 4 }, { "u4", 20, 4 }, { "u8", 24, 4 }, { "u12", 28, 4 }, { "u16", 32, 4 }, \
	{ "u20", 36, 4 }, { "u24", 40, 4 }, { "u28", 44, 4 }, { "u32", 48, 4 }, { "u36", 52, 4 }, { "u40", 56, 4 }, { "u44", 60, 4 }, { "u48", 64, 4 }, { "u52", 68, 4 }

const struct request requests[] = {
	{ 0x3b80, "DESTROY", 8, 8, FIELDS({ "size", 0, 4 }, { "id", 4, 4 }) },
	{ 0x3b81, "IOAS_ALLOC", 12, 12, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "out_ioas_id", 8, 4 }) },
	{ 0x3b82, "IOAS_ALLOW_IOVAS", 24, 24, FIELDS({ "size", 0, 4 }, { "ioas_id", 4, 4 }, { "num_iovas", 8, 4 }, { "__reserved", 12, 4 }, { "allowed_iovas", 16, 8 }) },
	{ 0x3b83, "IOAS_COPY", 40, 40, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "dst_ioas_id", 8, 4 }, { "src_ioas_id", 12, 4 }, { "length", 16, 8 }, { "dst_iova", 24, 8 }, { "src_iova", 32, 8 }) },
	{ 0x3b84, "IOAS_IOVA_RANGES", 32, 32, FIELDS({ "size", 0, 4 }, { "ioas_id", 4, 4 }, { "num_iovas", 8, 4 }, { "__reserved", 12, 4 }, { "allowed_iovas", 16, 8 }, { "out_iova_alignment", 24, 8 }) },
	{ 0x3b85, "IOAS_MAP", 40, 40, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "ioas_id", 8, 4 }, { "__reserved", 12, 4 }, { "user_va", 16, 8 }, { "length", 24, 8 }, { "iova", 32, 8 }) },
	{ 0x3b86, "IOAS_UNMAP", 24, 24, FIELDS({ "size", 0, 4 }, { "ioas_id", 4, 4 }, { "iova", 8, 8 }, { "length", 16, 8 }) },
	{ 0x3b87, "OPTION", 24, 24, FIELDS({ "size", 0, 4 }, { "option_id", 4, 4 }, { "op", 8, 2 }, { "__reserved", 10, 2 }, { "object_id", 12, 4 }, { "val64", 16, 8 }) },
	{ 0x3b88, "VFIO_IOAS", 12, 12, FIELDS({ "size", 0, 4 }, { "ioas_id", 4, 4 }, { "op", 8, 2 }, { "__reserved", 10, 2 }) },
	{ 0x3b89, "HWPT_ALLOC", 48, 24, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "dev_id", 8, 4 }, { "pt_id", 12, 4 }, { "out_hwpt_id", 16, 4 }, { "__reserved", 20, 4 }, { "data_type", 24, 4 }, { "data_len", 28, 4 },
		{ "data_uptr", 32, 8 }, { "fault_id", 40, 4 }, { "__reserved2", 44, 4 }) },
	{ 0x3b8a, "GET_HW_INFO", 40, 32, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "dev_id", 8, 4 }, { "data_len", 12, 4 }, { "data_uptr", 16, 8 }, { "out_data_type", 24, 4 }, { "out_max_pasid_log2", 28, 1 },
		{ "__reserved0", 29, 1 }, { "__reserved1", 30, 1 }, { "__reserved2", 31, 1 }, { "out_capabilities", 32, 8 }) },
	{ 0x3b8b, "HWPT_SET_DIRTY_TRACKING", 16, 16, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "hwpt_id", 8, 4 }, { "__reserved", 12, 4 }) },
	{ 0x3b8c, "HWPT_GET_DIRTY_BITMAP", 48, 48, FIELDS({ "size", 0, 4 }, { "hwpt_id", 4, 4 }, { "flags", 8, 4 }, { "__reserved", 12, 4 }, { "iova", 16, 8 }, { "length", 24, 8 }, { "page_size", 32, 8 }, { "data", 40, 8 }) },
	{ 0x3b8d, "HWPT_INVALIDATE", 32, 32, FIELDS({ "size", 0, 4 }, { "hwpt_id", 4, 4 }, { "data_uptr", 8, 8 }, { "data_type", 16, 4 }, { "entry_len", 20, 4 }, { "entry_num", 24, 4 }, { "__reserved", 28, 4 }) },
	{ 0x3b8e, "FAULT_QUEUE_ALLOC", 16, 16, FIELDS({ "size", 0, 4 }, { "flags", 4, 4 }, { "out_fault_id", 8, 4 }, { "out_fault_fd", 12, 4 }) },
	{ 0x3ba0, "TEST", 72, 68, FIELDS(TEST_WORDS) },
	{ 0x3b70, "VFIO_IOMMU_GET_INFO", 24, 0, FIELDS({ "argsz", 0, 4 }, { "flags", 4, 4 }, { "iova_pgsizes", 8, 8 }, { "cap_offset", 16, 4 }, { "pad", 20, 4 }) },
	{ 0x3b71, "VFIO_IOMMU_MAP_DMA", 32, 0, FIELDS({ "argsz", 0, 4 }, { "flags", 4, 4 }, { "vaddr", 8, 8 }, { "iova", 16, 8 }, { "size", 24, 8 }) },
	{ 0x3b72, "VFIO_IOMMU_UNMAP_DMA", 24, 0, FIELDS({ "argsz", 0, 4 }, { "flags", 4, 4 }, { "iova", 8, 8 }, { "size", 16, 8 }) },
	{ 0 },
};

void call_start(struct call *c, u32 number)
{
	memset(c, 0, sizeof *c);
	c->looked_up = c->made_at = -1;
	for (c->request = requests; c->request->number != number; c->request++)
		;
}
