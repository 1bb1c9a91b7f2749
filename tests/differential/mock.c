// TEST: the mock IOMMU's devices and looks behind the scenes. Words of the union are named by their offset in it.
#include "fuzz.h"

static void start(struct call *c, u32 op, u32 id)
{
	call_start(c, 0x3ba0);
	set(c, "op", op);
	set(c, "id", id);
}

static void word(struct call *c, int offset, u64 value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		c->bytes[16 + offset + i] = (u8)(value >> 8 * i);
}

static u32 read_word(const struct call *c, int offset)
{
	u32 value = 0;
	for (int i = 3; i >= 0; i--)
		value = value << 8 | c->bytes[16 + offset + i];
	return value;
}

static void add_reserved(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	start(&c, 1, pick_id(x, IOAS));
	u64 at = chance(900) ? (chance(500) ? WINDOW + (96 + rnd(64)) * PAGE : pick_iova()) : edge();
	word(&c, 0, at, 8);
	word(&c, 8, chance(50) ? edge() : (1 + rnd(4)) * PAGE, 8);
	call_make(&c, file);
}

void make_device(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	u32 pt = pick_id(x, chance(700) ? IOAS : chance(700) ? HWPT : NESTED);
	bool flags = chance(400);
	start(&c, flags ? 12 : 2, pt);
	word(&c, 12, chance(30) ? 1u << rnd(32) : chance(300) ? 1 : chance(S->huge ? 300 : 0) ? 2 : 0, 4);
	if (call_make(&c, file))
		return;
	struct object *o = 0;
	for (int i = 0; i < x->object_count; i++) {
		if (x->objects[i].id == pt)
			o = &x->objects[i];
	}
	bool automatic = !o || o->kind == IOAS;
	add_object(x, read_word(&c, 8), DEVICE, 0);
	add_object(x, read_word(&c, 0), STDEV, read_word(&c, 8));
	if (automatic)
		add_object(x, read_word(&c, 4), HWPT, pt);
}

static void replace(int file, struct context *x)
{
	if (provide(file, x, STDEV))
		return;
	struct call c;
	u32 id = pick_id(x, STDEV);
	start(&c, 10, id);
	bool nested = chance(350);
	if (nested && provide(file, x, NESTED))
		return;
	u32 pt = pick_id(x, nested ? (chance(500) ? FAULT_NESTED : NESTED) : chance(600) ? IOAS : HWPT);
	word(&c, 0, pt, 4);
	if (call_make(&c, file))
		return;
	if (read_word(&c, 0) != pt)
		add_object(x, read_word(&c, 0), HWPT, pt);
	for (int i = 0; i < x->object_count; i++) {
		if (x->objects[i].id == id)
			x->objects[i].on = read_word(&c, 0);
	}
}

static void check_map(int file, struct context *x)
{
	if (provide(file, x, HWPT))
		return;
	struct call c;
	struct object *o = pick_object(x, HWPT);
	struct area *a = o && chance(950) ? pick_area(x, o->of) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length(), va = a ? a->va : pick_memory(length);
	if (a && chance(200) && length > PAGE) {
		u64 skip = rnd(length / GRANULE) * GRANULE;
		iova += skip;
		va += skip;
		length = chance(500) ? GRANULE : length - skip;
	}
	if (chance(30))
		length = chance(500) ? 0 : pick_length();
	start(&c, 3, o && chance(950) ? o->id : pick_id(x, HWPT));
	word(&c, 0, iova, 8);
	word(&c, 8, length, 8);
	word(&c, 16, chance(30) ? pick_memory(length) : va, 8);
	call_make(&c, file);
}

static void check_refs(int file, struct context *x)
{
	struct call c;
	struct area *a = chance(800) ? pick_area(x, 0) : 0;
	u64 length = a ? a->length : PAGE * (1 + rnd(4)), va = a ? a->va : pick_memory(length);
	if (chance(950)) {
		va &= -(u64)PAGE;
		length = (length + PAGE - 1) & -(u64)PAGE;
	}
	if (chance(700))
		length = PAGE;
	u32 id = chance(500) ? 0 : pick_id(x, ANY);
	// Guessing until it is right tells how often a page is pinned.
	for (u32 refs = 0; refs < 8; refs++) {
		start(&c, 4, id);
		word(&c, 0, length > 64 * PAGE ? PAGE : length, 8);
		word(&c, 8, va, 8);
		word(&c, 16, refs, 4);
		if (call_make(&c, file) != -5)
			break;
	}
}

static void create_access(int file, struct context *x)
{
	if (provide(file, x, IOAS))
		return;
	struct call c;
	start(&c, 5, pick_id(x, IOAS));
	word(&c, 4, chance(30) ? 1u << rnd(32) : chance(850), 4);
	c.made_at = 16;
	c.makes = ACCESS_FILE;
	if (call_make(&c, file) == 0)
		S->file[c.made].id = (u32)get(&c, "id");
}

// An open access of this process, mostly.
static int access_file(void)
{
	int found = 0, seen = 0;
	for (int i = 0; i < S->open_count; i++) {
		int f = S->open_files[i];
		if (S->slots[slot].fds[f] >= 0 && (S->file[f].kind == ACCESS_FILE || chance(5)) && rnd((u64)++seen) == 0)
			found = f;
	}
	return chance((int)S->rubbish) ? 0 : found;
}

// As provide, for an access file.
static bool provide_access(int file, struct context *x)
{
	for (int i = 0; i < S->open_count; i++) {
		if (S->file[S->open_files[i]].kind == ACCESS_FILE && S->slots[slot].fds[S->open_files[i]] >= 0)
			return false;
	}
	if (!chance(80))
		create_access(file, x);
	return true;
}

// An area the access can see, mostly.
static struct area *pick_seen(int access)
{
	return access && !chance(50) ? pick_area(&S->contexts[S->file[access].context], S->file[access].id) : 0;
}

static int start_access(struct call *c, u32 op)
{
	int access = access_file();
	int fd = access ? S->slots[slot].fds[access] : chance(500) ? (int)edge() : -2;
	start(c, op, (u32)fd);
	c->looked_up = fd;
	return access;
}

static void access_pages(int file, struct context *x)
{
	if (provide_access(file, x))
		return;
	struct call c;
	int access = start_access(&c, 7);
	struct area *a = pick_seen(access);
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length();
	if (a && chance(300) && length > PAGE) {
		u64 skip = rnd(length / PAGE) * PAGE;
		iova += skip;
		length = chance(600) ? PAGE : length - skip;
	} else if (a && chance(100)) {
		length += PAGE * (1 + rnd(4));
	}
	u64 va = a ? a->va + (iova - a->iova) : 0;
	if (access && S->file[access].last.length && chance(200)) {
		iova = S->file[access].last.iova;
		length = S->file[access].last.length;
		va = 0;
	}
	u32 flags = chance(20) ? 1u << rnd(32) : chance(500);
	if (chance(20)) {
		flags |= 1 << 16;
		iova = rnd(6) | rnd(4) * PAGE << 32;
	}
	word(&c, 0, flags, 4);
	word(&c, 8, iova, 8);
	word(&c, 16, length, 8);
	word(&c, 24, chance(700) ? va : 0, 8);
	if (call_make(&c, file) == 0 && access) {
		S->file[access].items = read_word(&c, 4) + 1;
		S->file[access].last.iova = iova;
		S->file[access].last.length = length;
	}
}

static void destroy_access_pages(int file, struct context *x)
{
	if (provide_access(file, x))
		return;
	struct call c;
	int access = start_access(&c, 6);
	u64 items = access ? S->file[access].items : 0;
	word(&c, 0, items && !chance(50) ? items - 1 - rnd(items < 6 ? items : 6) : edge(), 4);
	call_make(&c, file);
}

static void access_rw(int file, struct context *x)
{
	if (provide_access(file, x))
		return;
	struct call c;
	struct area *a = pick_seen(start_access(&c, 8));
	u64 iova = a ? a->iova : pick_iova(), length = chance(30) ? edge() : a && chance(500) ? a->length : rnd(3 * PAGE);
	if (a)
		iova += rnd(a->length);
	if (a && chance(800) && a->iova + a->length - iova < length)
		length = a->iova + a->length - iova;
	u64 address = buffer(length < PAGE ? length : PAGE);
	u32 flags = chance(20) ? 1u << rnd(32) : (u32)chance(500) | (chance(400) ? 4 : 0);
	if (chance(20)) {
		flags |= 1 << 16;
		iova = rnd(6) | rnd(4) * PAGE << 32;
	}
	word(&c, 0, iova, 8);
	word(&c, 8, length, 8);
	word(&c, 16, address, 8);
	word(&c, 24, flags, 4);
	range(&c, address, length, SINK);
	call_make(&c, file);
}

static void memory_limit(int file)
{
	struct call c;
	start(&c, 9, 0);
	word(&c, 0, chance(100) ? rnd(20) : chance(400) ? 65536 : 16 + rnd(200), 4);
	call_make(&c, file);
}

static void access_replace(int file, struct context *x)
{
	if (provide_access(file, x))
		return;
	struct call c;
	int access = start_access(&c, 11);
	word(&c, 0, pick_id(access ? &S->contexts[S->file[access].context] : x, IOAS), 4);
	if (call_make(&c, file) == 0)
		S->file[access].id = read_word(&c, 0);
}

static void dirty(int file, struct context *x)
{
	if (provide(file, x, DIRTY_HWPT))
		return;
	struct call c;
	struct object *o = pick_object(x, chance(950) ? DIRTY_HWPT : HWPT);
	struct area *a = o && chance(950) ? pick_area(x, o->of) : 0;
	u64 iova = a ? a->iova : pick_iova(), length = a ? a->length : pick_length(), page = chance(20) ? edge() : chance(100) ? PAGE : GRANULE;
	if (a && chance(200))
		length += rnd(8) * PAGE;
	u64 bytes = page ? length / page / 8 + 1 : 0, address = buffer(bytes < PAGE ? bytes : PAGE);
	for (u64 i = 0; i < 64; i++)
		put(address + i, chance(500) ? rnd(256) : 0, 1);
	start(&c, 13, o && chance(950) ? o->id : pick_id(x, HWPT));
	word(&c, 0, chance(20), 4);
	word(&c, 8, iova, 8);
	word(&c, 16, length, 8);
	word(&c, 24, page, 8);
	word(&c, 32, address, 8);
	range(&c, address, bytes, IN);
	call_make(&c, file);
}

static void check_iotlb(int file, struct context *x)
{
	if (provide(file, x, NESTED))
		return;
	struct call c;
	start(&c, 14, pick_id(x, NESTED));
	word(&c, 0, chance(30) ? rnd(10) : rnd(4), 4);
	word(&c, 4, rnd(3), 4);
	call_make(&c, file);
}

static void trigger_fault(int file, struct context *x)
{
	if (provide(file, x, chance(500) ? FAULT_NESTED : STDEV))
		return;
	// A device whose faults somebody will see.
	u32 device = pick_id(x, DEVICE);
	for (int i = 0; i < x->object_count; i++) {
		for (int j = 0; j < x->object_count && x->objects[i].kind == STDEV; j++) {
			if (x->objects[j].id == x->objects[i].on && x->objects[j].kind == FAULT_NESTED && chance(700))
				device = x->objects[i].of;
		}
	}
	struct call c;
	start(&c, 15, chance(500) ? 0 : pick_id(x, ANY));
	word(&c, 0, device, 4);
	word(&c, 4, chance(400) ? 0 : rnd(3), 4);
	word(&c, 8, rnd(8), 4);
	word(&c, 12, rnd(16), 4);
	word(&c, 16, chance(100) ? edge() : 0xdeadb000 + rnd(PAGE), 8);
	call_make(&c, file);
}

static void unknown(int file, struct context *x)
{
	struct call c;
	start(&c, chance(700) ? 16 + (u32)rnd(12) : chance(500) ? 0 : (u32)edge(), pick_id(x, ANY));
	if (get(&c, "op") - 1 < 15)
		set(&c, "op", 99);
	call_make(&c, file);
}

void step_test(int file)
{
	struct context *x = &S->contexts[S->file[file].context];
	int live = 0;
	for (int i = 0; i < x->object_count; i++)
		live += x->objects[i].kind == STDEV;
	switch (rnd(40)) {
	case 0: add_reserved(file, x); break;
	case 1: case 2: case 3: if (live < 3) make_device(file, x); else replace(file, x); break;
	case 4: case 5: case 6: replace(file, x); break;
	case 7: case 8: case 9: case 10: check_map(file, x); break;
	case 11: case 12: case 13: check_refs(file, x); break;
	case 14: create_access(file, x); break;
	case 15: case 16: case 17: case 18: case 19: access_pages(file, x); break;
	case 20: case 21: case 22: destroy_access_pages(file, x); break;
	case 23: case 24: case 25: case 26: access_rw(file, x); break;
	case 27: memory_limit(file); break;
	case 28: access_replace(file, x); break;
	case 29: case 30: case 31: case 32: dirty(file, x); break;
	case 33: case 34: case 35: check_iotlb(file, x); break;
	case 36: case 37: case 38: trigger_fault(file, x); break;
	default: unknown(file, x);
	}
}

// Reads and answers of a fault queue.
void step_events(void)
{
	int found = 0, seen = 0;
	for (int i = 0; i < S->open_count; i++) {
		int f = S->open_files[i];
		if (S->file[f].kind == FAULT_FILE && S->slots[slot].fds[f] >= 0 && rnd((u64)++seen) == 0)
			found = f;
	}
	if (!found)
		return;
	u32 *cookie = &S->file[found].items;
	if (chance(500)) {
		u64 count = chance(50) ? rnd(100) : 40 * rnd(4), address = buffer(count);
		if (transfer(found, true, count, address) >= 40)
			*cookie = *(u32 *)(address + 36);
		return;
	}
	u64 count = chance(50) ? rnd(30) : 8 * rnd(4), address = buffer(count);
	for (u64 i = 0; i < count; i += 8) {
		put(address + i, chance(50) ? edge() : *cookie && chance(800) ? 1 + rnd(*cookie) : 1 + rnd(4), 4);
		put(address + i + 4, chance(30) ? edge() : rnd(2), 4);
	}
	transfer(found, false, count, address);
}
