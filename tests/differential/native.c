// The calls of iommufd proper.
#include "fuzz.h"

enum { FIXED = 1, WRITEABLE = 2, READABLE = 4, UNKNOWN_FLAG = 8 };

u64 buffer(u64 length)
{
	u64 base = arenas[BUFFER].base;
	if (chance((int)S->rubbish)) {
		switch (rnd(4)) {
		case 0: return 0;
		case 1: return base + (arenas[BUFFER].pages - 1) * PAGE;          // hole
		case 2: return base + (arenas[BUFFER].pages - 1) * PAGE - (1 + rnd(length + 8));
		default: return arenas[READONLY].base + rnd(64);
		}
	}
	return base + rnd(2 * PAGE) / 8 * 8 + (chance(100) ? rnd(8) : 0);
}

void put(u64 address, u64 value, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		if (rights_at(address + (u64)i) & 2)
			*(u8 *)(address + (u64)i) = (u8)(value >> 8 * i);
	}
}

static void destroy(int file, struct context *x)
{
	struct call c;
	call_start(&c, 0x3b80);
	u32 id = pick_id(x, ANY);
	struct object *o = chance(600) ? pick_object(x, rnd(KINDS)) : 0;
	if (o)
		id = o->id;
	set(&c, "id", id);
	long result = call_make(&c, file);
	id = (u32)get(&c, "id");
	if (result == 0 || result == -2)
		drop_object(x, id);
}

void make_ioas(int file, struct context *x)
{
	struct call c;
	call_start(&c, 0x3b81);
	set(&c, "flags", chance(20) ? 1u << rnd(32) : 0);
	if (call_make(&c, file) == 0)
		add_object(x, (u32)get(&c, "out_ioas_id"), IOAS, 0);
}

static void ranges_in(u64 address, u64 count)
{
	u64 start = chance(800) ? WINDOW + rnd(32) * PAGE : pick_iova();
	for (u64 i = 0; i < count; i++) {
		u64 last = start + (1 + rnd(96)) * PAGE - 1;
		if (chance(30))
			last = chance(500) ? start : edge();
		put(address + 16 * i, start, 8);
		put(address + 16 * i + 8, last, 8);
		start = chance(50) ? edge() : last + 1 + rnd(8) * PAGE;
	}
}

static void allow_iovas(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	call_start(&c, 0x3b82);
	u64 count = chance(400) ? 0 : 1 + rnd(4);
	u64 address = buffer(16 * count);
	ranges_in(address, count);
	set(&c, "ioas_id", pick_id(x, IOAS));
	set(&c, "num_iovas", count);
	set(&c, "allowed_iovas", address);
	range(&c, address, 16 * count, IN);
	call_make(&c, file);
}

static void iova_ranges(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	call_start(&c, 0x3b84);
	u64 count = rnd(5);
	u64 address = buffer(16 * count);
	set(&c, "ioas_id", pick_id(x, IOAS));
	set(&c, "num_iovas", count);
	set(&c, "allowed_iovas", address);
	range(&c, address, 16 * count, OUT);
	call_make(&c, file);
}

static u64 map_flags(void)
{
	if (chance(15))
		return rnd(8) | (chance(300) ? UNKNOWN_FLAG << rnd(28) : 0);
	return (chance(800) ? FIXED : 0) | (chance(700) ? WRITEABLE | READABLE : chance(700) ? READABLE : WRITEABLE);
}

void make_area(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	call_start(&c, 0x3b85);
	u64 length = pick_length();
	set(&c, "flags", map_flags());
	set(&c, "ioas_id", pick_id(x, IOAS));
	set(&c, "user_va", pick_memory(length));
	set(&c, "length", length);
	set(&c, "iova", pick_iova());
	if (call_make(&c, file) == 0)
		add_area(x, (struct area){ (u32)get(&c, "ioas_id"), get(&c, "iova"), get(&c, "length"), get(&c, "user_va"), slot });
}

static void copy(int file, struct context *x)
{
	if (!pick_area(x, 0) && !chance(80)) {
		make_area(file, x);
		return;
	}
	struct call c;
	call_start(&c, 0x3b83);
	struct area *a = chance(900) ? pick_area(x, 0) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length();
	u32 source = a ? a->ioas : pick_id(x, IOAS);
	u64 inside = a && chance(200) && length > PAGE ? rnd(length / PAGE) * PAGE + (chance(200) ? GRANULE : 0) : 0;
	if (chance(150) && length > inside + PAGE)
		length = inside + PAGE * (1 + rnd((length - inside) / PAGE));
	u64 flags = map_flags();
	if (chance(30)) {                                         // the ordinal of an area in place of an address
		flags |= 1 << 16;
		iova = rnd(6) | rnd(4) * PAGE << 32;
		inside = 0;
	}
	set(&c, "flags", flags);
	set(&c, "dst_ioas_id", pick_id(x, IOAS));
	set(&c, "src_ioas_id", source);
	set(&c, "src_iova", iova + inside);
	set(&c, "length", chance(30) ? pick_length() : length - inside);
	set(&c, "dst_iova", pick_iova());
	u64 va = a ? a->va + inside : 0;
	if (call_make(&c, file) == 0)
		add_area(x, (struct area){ (u32)get(&c, "dst_ioas_id"), get(&c, "dst_iova"), get(&c, "length"), va, a ? a->slot : slot });
}

static void unmap(int file, struct context *x)
{
	if (!pick_area(x, 0) && !chance(80)) {
		make_area(file, x);
		return;
	}
	struct call c;
	call_start(&c, 0x3b86);
	struct area *a = chance(850) ? pick_area(x, 0) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length();
	if (chance(30)) {
		iova = 0;
		length = UINT64_MAX;
	} else if (chance(150)) {
		iova -= rnd(4) * PAGE;
		length += rnd(24) * PAGE;
	} else if (chance(60)) {
		iova += rnd(2) * GRANULE;
		length -= rnd(2) * GRANULE;
	}
	set(&c, "ioas_id", a ? a->ioas : pick_id(x, IOAS));
	set(&c, "iova", iova);
	set(&c, "length", length);
	call_make(&c, file);
	// Whatever the answer: areas may have gone before it failed. One forgotten too early is merely used less.
	if (c.result == 0)
		drop_areas(x, (u32)get(&c, "ioas_id"), iova, length == UINT64_MAX ? length : iova + length - 1);
}

static void option(int file, struct context *x)
{
	struct call c;
	call_start(&c, 0x3b87);
	u64 id = chance(50) ? rnd(4) : chance(700);
	set(&c, "option_id", id);
	set(&c, "op", chance(30) ? rnd(4) : rnd(2));
	set(&c, "object_id", id == 0 ? (chance(50) ? 1 : 0) : pick_id(x, IOAS));
	set(&c, "val64", chance(50) ? edge() : rnd(2));
	call_make(&c, file);
}

void charge_to_memory(int file)
{
	struct call c;
	call_start(&c, 0x3b87);
	set(&c, "op", 0);
	set(&c, "val64", 1);
	call_make(&c, file);
}

static void vfio_ioas(int file, struct context *x)
{
	struct call c;
	call_start(&c, 0x3b88);
	set(&c, "op", chance(30) ? rnd(5) : chance(150) ? 2 : rnd(2));
	set(&c, "ioas_id", pick_id(x, IOAS));
	call_make(&c, file);
}

void make_hwpt(int file, struct context *x, enum kind kind)
{
	struct call c;
	call_start(&c, 0x3b89);
	bool nested = kind == NESTED || kind == FAULT_NESTED;
	u64 flags = kind == FAULT_NESTED || (nested && chance(30)) ? 4 : nested ? 0 : kind == PARENT ? 1 : kind == DIRTY_HWPT ? 2 : chance(100) ? 3 : 0;
	if (chance(40))
		flags = chance(500) ? rnd(16) : 1u << rnd(32);
	u32 parent = pick_id(x, nested ? PARENT : IOAS);
	set(&c, "flags", flags);
	set(&c, "dev_id", pick_id(x, DEVICE));
	set(&c, "pt_id", parent);
	set(&c, "fault_id", flags & 4 ? pick_id(x, FAULT) : chance(30) ? rnd(9) : 0);
	if (nested ? !chance(20) : chance(20)) {
		u64 length = chance(40) ? rnd(10) : 4, address = buffer(length);
		put(address, rnd(3), 4);
		put(address + 4, 0, 8);
		set(&c, "data_type", chance(20) ? rnd(3) : chance(20) ? 0xdeae : 0xdead);
		set(&c, "data_len", chance(20) ? (u32)edge() : length);
		set(&c, "data_uptr", address);
		range(&c, address, get(&c, "data_len") < 256 ? get(&c, "data_len") : 256, IN);
	}
	if (call_make(&c, file) == 0)
		add_object(x, (u32)get(&c, "out_hwpt_id"), nested ? (flags & 4 ? FAULT_NESTED : NESTED) : flags & 1 ? PARENT : flags & 2 ? DIRTY_HWPT : HWPT, parent);
}

static void hwpt_alloc(int file, struct context *x)
{
	static const enum kind kinds[] = { HWPT, PARENT, DIRTY_HWPT, NESTED, FAULT_NESTED };
	enum kind kind = kinds[rnd(5)];
	if (!provide(file, x, kind == FAULT_NESTED ? FAULT : DEVICE) && !(kind >= NESTED && provide(file, x, PARENT)))
		make_hwpt(file, x, kind);
}

static void hw_info(int file, struct context *x)
{
	if (provide(file, x, DEVICE))
		return;
	struct call c;
	call_start(&c, 0x3b8a);
	u64 length = chance(20) ? (u32)edge() % (64 << 10) : rnd(5) * 4, address = buffer(length);
	for (u64 i = 0; i < length && i < 64; i++)
		put(address + i, 0xa5, 1);
	set(&c, "flags", chance(30) ? 1u << (1 + rnd(31)) : 0);
	set(&c, "dev_id", pick_id(x, DEVICE));
	set(&c, "data_len", length);
	set(&c, "data_uptr", address);
	set(&c, "out_data_type", chance(50) ? rnd(4) : 0);
	range(&c, address, length, OUT);
	call_make(&c, file);
}

static void set_dirty(int file, struct context *x)
{
	if (provide(file, x, DIRTY_HWPT))
		return;
	struct call c;
	call_start(&c, 0x3b8b);
	set(&c, "flags", chance(30) ? 1u << rnd(32) : chance(800));
	set(&c, "hwpt_id", pick_id(x, chance(850) ? DIRTY_HWPT : HWPT));
	set(&c, "__reserved", chance(20));
	call_make(&c, file);
}

static void get_dirty(int file, struct context *x)
{
	if (provide(file, x, DIRTY_HWPT))
		return;
	struct call c;
	call_start(&c, 0x3b8c);
	struct object *o = pick_object(x, DIRTY_HWPT);
	struct area *a = o && chance(900) ? pick_area(x, o->of) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length(), page = chance(40) ? edge() : chance(100) ? 3 * GRANULE : (u64)GRANULE << rnd(3);
	if (a && chance(200))
		length += rnd(16) * PAGE;
	if (a && chance(100) && length > 2 * PAGE) {
		iova += PAGE;
		length -= PAGE;
	}
	u64 low = page & -page, bytes = low ? length / low / 8 + 1 : 0;
	u64 address = buffer(bytes);
	for (u64 i = 0; i < 64; i++)
		put(address + i, chance(50) ? rnd(256) : 0, 1);
	set(&c, "hwpt_id", o && chance(900) ? o->id : pick_id(x, HWPT));
	set(&c, "flags", chance(20) ? 1u << rnd(32) : chance(300));
	set(&c, "iova", iova);
	set(&c, "length", length);
	set(&c, "page_size", page);
	set(&c, "data", address);
	range(&c, address, bytes > 1024 ? 1024 : bytes, OUT);
	call_make(&c, file);
}

static void invalidate(int file, struct context *x)
{
	if (provide(file, x, NESTED))
		return;
	struct call c;
	call_start(&c, 0x3b8d);
	u64 count = rnd(4), length = chance(60) ? rnd(20) : 8, address = buffer(count * length);
	for (u64 i = 0; i < count; i++) {
		for (u64 j = 0; j < length; j++)
			put(address + i * length + j, 0, 1);
		put(address + i * length, chance(60) ? rnd(4) : chance(200), 4);
		put(address + i * length + 4, chance(60) ? rnd(8) : rnd(4), 4);
	}
	set(&c, "hwpt_id", pick_id(x, NESTED));
	set(&c, "data_uptr", address);
	set(&c, "data_type", chance(40) ? 0xdadbeef : 0xdeadbeef);
	set(&c, "entry_len", chance(20) ? (u32)edge() : length);
	set(&c, "entry_num", chance(20) ? (u32)edge() : count);
	u64 bytes = get(&c, "entry_len") * get(&c, "entry_num");
	range(&c, address, bytes < 24 * PAGE ? bytes : 24 * PAGE, IN);
	call_make(&c, file);
}

void make_fault(int file, struct context *x)
{
	struct call c;
	call_start(&c, 0x3b8e);
	set(&c, "flags", chance(30) ? 1u << rnd(32) : 0);
	c.made_at = 12;
	c.makes = FAULT_FILE;
	if (call_make(&c, file))
		return;
	S->file[c.made].id = (u32)get(&c, "out_fault_id");
	add_object(x, (u32)get(&c, "out_fault_id"), FAULT, 0);
}

static void unknown(int file)
{
	u32 number = chance(600) ? 0x3b8f + (u32)rnd(0x11) : chance(500) ? 0x3b00 + (u32)rnd(0xf0) : (u32)edge();
	if (number - 0x3b80 < 0xf || number == 0x3ba0 || number - 0x3b64 < 3 || number - 0x3b70 < 3 || (number & 0xff00) != 0x3b00)
		number = 0x3b95 + (u32)rnd(11);
	call_value(file, number, 0, chance(300) ? arenas[ARGS].base + 2 * PAGE : arenas[ARGS].base);
}

void step_native(int file)
{
	struct context *x = &S->contexts[S->file[file].context];
	static void (*const steps[])(int, struct context *) = { destroy, make_ioas, allow_iovas, copy, iova_ranges, make_area, unmap, option, vfio_ioas, hwpt_alloc, hw_info, set_dirty, get_dirty, invalidate, make_fault };
	static const u8 weights[] = { 36, 12, 14, 70, 14, 150, 90, 20, 12, 60, 12, 25, 30, 35, 10, 6 };
	u64 sum = 0;
	for (unsigned i = 0; i < sizeof weights; i++)
		sum += weights[i];
	u64 n = rnd(sum);
	unsigned i = 0;
	while (n >= weights[i])
		n -= weights[i++];
	if (i == sizeof weights - 1)
		unknown(file);
	else
		steps[i](file, x);
}
