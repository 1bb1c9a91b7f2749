// The container calls of VFIO.
#include "fuzz.h"

static void get_info(int file)
{
	struct call c;
	call_start(&c, 0x3b70);
	u64 length = chance(100) ? rnd(24) : chance(500) ? 24 + rnd(100) : chance(500) ? 72 : 88;
	set(&c, "argsz", length);
	// The chain goes behind the structure, which the call itself is told of.
	c.tail = length > 24 ? (u32)length - 24 : 0;
	call_make(&c, file);
}

static void map(int file)
{
	struct call c;
	call_start(&c, 0x3b71);
	u64 length = pick_length();
	set(&c, "argsz", chance(30) ? rnd(40) : 32);
	set(&c, "flags", chance(30) ? 1u << rnd(32) : chance(30) ? 0 : 1 + rnd(3));
	set(&c, "vaddr", pick_memory(length));
	set(&c, "iova", pick_iova());
	set(&c, "size", length);
	struct context *x = &S->contexts[S->file[file].context];
	if (call_make(&c, file) == 0)
		add_area(x, (struct area){ x->compat, get(&c, "iova"), get(&c, "size"), get(&c, "vaddr"), slot });
}

static void unmap(int file)
{
	struct context *x = &S->contexts[S->file[file].context];
	struct call c;
	call_start(&c, 0x3b72);
	struct area *a = chance(800) ? pick_area(x, x->compat) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length();
	if (a && chance(400) && length > PAGE) {                  // a piece, or more than the area
		iova += rnd(length / PAGE) * PAGE;
		length = PAGE * (1 + rnd(6));
	}
	bool all = chance(30);
	set(&c, "argsz", chance(30) ? rnd(32) : 24);
	set(&c, "flags", chance(20) ? 1u << rnd(32) : all ? 2 : 0);
	set(&c, "iova", all && chance(800) ? 0 : iova);
	set(&c, "size", all && chance(800) ? 0 : length);
	if (call_make(&c, file) == 0)
		drop_areas(x, x->compat, all ? 0 : iova, all ? UINT64_MAX : iova + length - 1);
}

void step_vfio(int file)
{
	struct context *x = &S->contexts[S->file[file].context];
	bool ready = pick_object(x, IOAS) && x->compat;
	if (!ready && provide(file, x, IOAS))
		return;
	if (chance(ready ? 30 : 900)) {
		struct object *o = pick_object(x, IOAS);
		if (o)
			x->compat = o->id;
		struct call c;
		call_start(&c, 0x3b88);
		set(&c, "op", 1);
		set(&c, "ioas_id", x->compat);
		call_make(&c, file);
		return;
	}
	switch (rnd(12)) {
	case 0: call_value(file, 0x3b64, "VFIO_GET_API_VERSION", chance(500) ? 0 : edge()); break;
	case 1: call_value(file, 0x3b65, "VFIO_CHECK_EXTENSION", chance(50) ? edge() : rnd(14)); break;
	case 2: call_value(file, 0x3b66, "VFIO_SET_IOMMU", chance(50) ? edge() : chance(100) ? rnd(10) : 1 + 2 * rnd(2)); break;
	case 3: get_info(file); break;
	case 4: case 5: case 6: case 7: map(file); break;
	default: unmap(file);
	}
}
