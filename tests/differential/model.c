// What the answers so far told about each context, and how arguments are picked from it.
#include "fuzz.h"

u64 rnd(u64 below)
{
	S->random ^= S->random << 13;
	S->random ^= S->random >> 7;
	S->random ^= S->random << 17;
	return below ? (S->random * 0x2545f4914f6cdd1dull >> 16) % below : 0;
}

bool chance(int per_mille)
{
	return rnd(1000) < (u64)per_mille;
}

u64 edge(void)
{
	static const u64 edges[] = { 0, 1, 2, 511, 512, 1023, 1024, GRANULE - 1, GRANULE, GRANULE + 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 1 << 20, 2 << 20, (16 << 20) - PAGE, (16 << 20) - 1, 16 << 20, (16 << 20) + 1,
		(2ull << 30) - PAGE, (2ull << 30) - 1, 2ull << 30, (2ull << 30) + PAGE, UINT32_MAX, 1ull << 32, 1ull << 47, INT64_MAX, 1ull << 63, UINT64_MAX - 2 * PAGE, UINT64_MAX - PAGE, UINT64_MAX - PAGE + 1,
		UINT64_MAX - GRANULE, UINT64_MAX - 1, UINT64_MAX };
	return chance(100) ? rnd(UINT64_MAX) << rnd(40) : edges[rnd(sizeof edges / sizeof *edges)];
}

static bool fits(enum kind is, enum kind wanted)
{
	return is == wanted || wanted == ANY || (wanted == HWPT && (is == PARENT || is == DIRTY_HWPT)) || (wanted == NESTED && is == FAULT_NESTED);
}

struct object *pick_object(struct context *x, enum kind kind)
{
	int fitting = 0;
	for (int i = 0; i < x->object_count; i++)
		fitting += fits(x->objects[i].kind, kind);
	if (!fitting)
		return 0;
	u64 n = rnd((u64)fitting);
	for (int i = 0;; i++) {
		if (fits(x->objects[i].kind, kind) && n-- == 0)
			return &x->objects[i];
	}
}

u32 pick_id(struct context *x, enum kind kind)
{
	if (chance((int)S->rubbish)) {
		switch (rnd(4)) {
		case 0: return (u32)edge();
		case 1: return (u32)rnd(40);
		default: kind = ANY;
		}
	}
	struct object *found = pick_object(x, kind);
	return found ? found->id : (u32)rnd(12);
}

// Most calls want to meet something that lives.
bool provide(int file, struct context *x, enum kind kind)
{
	if (pick_object(x, kind) || chance(80))
		return false;
	if (kind != IOAS && kind != FAULT && provide(file, x, IOAS))
		return true;
	if ((kind == HWPT || kind == PARENT || kind == DIRTY_HWPT || kind == NESTED || kind == FAULT_NESTED) && provide(file, x, DEVICE))
		return true;
	if ((kind == NESTED || kind == FAULT_NESTED) && provide(file, x, PARENT))
		return true;
	if (kind == FAULT_NESTED && provide(file, x, FAULT))
		return true;
	switch (kind) {
	case IOAS: make_ioas(file, x); break;
	case HWPT: case PARENT: case DIRTY_HWPT: case NESTED: case FAULT_NESTED: make_hwpt(file, x, kind); break;
	case FAULT: make_fault(file, x); break;
	default: make_device(file, x);
	}
	return true;
}

void add_object(struct context *x, u32 id, enum kind kind, u32 of)
{
	drop_object(x, id);
	if (x->object_count < MAX_OBJECTS)
		x->objects[x->object_count++] = (struct object){ id, kind, of, 0 };
}

void drop_object(struct context *x, u32 id)
{
	for (int i = 0; i < x->object_count; i++) {
		if (x->objects[i].id == id) {
			if (id == x->compat)
				x->compat = 0;
			u32 of = x->objects[i].kind == STDEV ? x->objects[i].of : 0;
			x->objects[i] = x->objects[--x->object_count];
			if (of)
				drop_object(x, of);
			break;
		}
	}
	drop_areas(x, id, 0, UINT64_MAX);
}

struct area *pick_area(struct context *x, u32 ioas)
{
	int fitting = 0;
	for (int i = 0; i < x->area_count; i++)
		fitting += !ioas || x->areas[i].ioas == ioas;
	if (!fitting)
		return 0;
	u64 n = rnd((u64)fitting);
	for (int i = 0;; i++) {
		if ((!ioas || x->areas[i].ioas == ioas) && n-- == 0)
			return &x->areas[i];
	}
}

void add_area(struct context *x, struct area area)
{
	if (x->area_count < MAX_AREAS)
		x->areas[x->area_count++] = area;
}

void drop_areas(struct context *x, u32 ioas, u64 first, u64 last)
{
	for (int i = 0; i < x->area_count;) {
		struct area *a = &x->areas[i];
		if (a->ioas == ioas && a->iova >= first && a->iova + a->length - 1 <= last)
			*a = x->areas[--x->area_count];
		else
			i++;
	}
}

u64 pick_length(void)
{
	if (chance(15))
		return edge();
	if (chance(60))
		return rnd(3 * PAGE);
	if (chance(100))
		return GRANULE * (1 + rnd(16));
	// Pieces of 1 MiB that happen to be contiguous would show on devices with such pages.
	if (!S->huge && chance(25))
		return PAGE * (1 + rnd(LARGE_PAGES));
	return PAGE * (1 + rnd(chance(700) ? 4 : 40));
}

u64 pick_iova(void)
{
	if (chance(20))
		return edge();
	u64 base = chance(900) ? WINDOW : chance(500) ? 0 : WINDOW_LAST + 1 - 64 * PAGE;
	u64 offset = chance(850) ? 0 : chance(800) ? GRANULE : rnd(PAGE);
	return base + rnd(96) * PAGE + offset;
}
