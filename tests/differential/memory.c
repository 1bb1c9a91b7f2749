// The memory of a process: a few arenas at fixed addresses, so that every page's rights and identity are known and can be told to the trace.
// Holds always: a page that can be read has been written before, so it is never the kernel's shared page of zeroes; a private page that goes and comes again is a new page, with a new generation.
#define _GNU_SOURCE
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ = 1, WRITE = 2, OWN_PAGES = 96, SHARED_PAGES = 96, SHUFFLED_PAGES = 24, READONLY_PAGES = 16, BUFFER_PAGES = 8, ARGS_PAGES = 6 };

static int memory_file;
static u8 rights[ARENAS][LARGE_PAGES];
static u32 generations[ARENAS][LARGE_PAGES];

struct arena arenas[ARENAS] = {
	[ARGS] = { 0x110000000, ARGS_PAGES, true, rights[ARGS], generations[ARGS] },
	[BUFFER] = { 0x120000000, BUFFER_PAGES, true, rights[BUFFER], generations[BUFFER] },
	[OWN] = { 0x130000000, OWN_PAGES, true, rights[OWN], generations[OWN] },
	[SHARED] = { 0x140000000, SHARED_PAGES, false, rights[SHARED], generations[SHARED] },
	[SHUFFLED] = { 0x150000000, SHUFFLED_PAGES, false, rights[SHUFFLED], generations[SHUFFLED] },
	[LARGE] = { 0x170000000, LARGE_PAGES, true, rights[LARGE], generations[LARGE] },
	[READONLY] = { 0x160000000, READONLY_PAGES, true, rights[READONLY], generations[READONLY] },
};

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

// Page of the memory file behind a shared page.
static u32 file_page(int arena, u32 page)
{
	return arena == SHUFFLED ? (page / 4 * 20 + page % 4) % SHARED_PAGES : page;
}

static void renew(int arena, u32 first, u32 count, u8 right)
{
	struct arena *a = &arenas[arena];
	char *at = (char *)(a->base + (u64)first * PAGE);
	if (!right) {
		check(munmap(at, (size_t)count * PAGE) == 0, "munmap");
	} else if (a->is_private) {
		check(mmap(at, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
		if (arena >= OWN)
			check(madvise(at, (size_t)count * PAGE, MADV_DONTFORK) == 0, "madvise");
		S->generations++;
		for (u32 i = 0; i < count; i++) {
			at[(size_t)i * PAGE] = arena >= OWN ? 1 : 0;
			a->generation[first + i] = (u32)S->generations;
		}
	} else {
		for (u32 i = 0; i < count; i++) {
			char *page = at + (size_t)i * PAGE;
			check(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory_file, (off_t)file_page(arena, first + i) * PAGE) == page, "mmap");
			*(volatile char *)page = 1;
		}
	}
	if (right && !(right & WRITE))
		check(mprotect(at, (size_t)count * PAGE, PROT_READ) == 0, "mprotect");
	memset(a->rights + first, right, count);
}

void memory_start(void)
{
	memory_file = (int)syscall(SYS_memfd_create, "fuzz", 0);
	check(memory_file >= 0 && ftruncate(memory_file, SHARED_PAGES * PAGE) == 0, "memfd");
	renew(ARGS, 0, 2, READ | WRITE);
	renew(ARGS, 3, 1, READ);
	renew(BUFFER, 0, BUFFER_PAGES - 1, READ | WRITE);
	renew(SHARED, 0, SHARED_PAGES, READ | WRITE);
	renew(SHUFFLED, 0, SHUFFLED_PAGES, READ | WRITE);
	memory_fork();
}

void memory_fork(void)
{
	renew(OWN, 0, OWN_PAGES, READ | WRITE);
	renew(READONLY, 0, READONLY_PAGES, READ);
	renew(LARGE, 0, LARGE_PAGES, READ | WRITE);
}

// Consecutive pages of one kind are one line; a line replaces what it overlaps, so a whole arena is told at once.
static void tell_arena(int arena)
{
	struct arena *a = &arenas[arena];
	for (u32 first = 0, next; first < a->pages; first = next) {
		u8 right = a->rights[first];
		for (next = first + 1; next < a->pages && a->rights[next] == right; next++) {
			if (right && a->is_private ? a->generation[next] != a->generation[first] : right && file_page(arena, next) != file_page(arena, next - 1) + 1)
				break;
		}
		u64 start = a->base + (u64)first * PAGE, last = a->base + (u64)next * PAGE - 1;
		u64 offset = a->is_private ? (u64)first * PAGE : (u64)file_page(arena, first) * PAGE;
		if (!right)
			tell("mem 0x%lx-0x%lx --- own", start, last);
		else
			tell("mem 0x%lx-0x%lx r%cs 0x%x:0x%x+0x%lx", start, last, right & WRITE ? 'w' : '-', a->is_private ? 2 : 1, a->is_private ? a->generation[first] : 1, offset);
	}
}

void memory_tell(void)
{
	u64 first = 0;
	for (int i = OWN; i < ARENAS; i++) {
		tell("mem 0x%lx-0x%lx --- own", first, arenas[i].base - 1);
		first = arenas[i].base + (u64)arenas[i].pages * PAGE;
	}
	tell("mem 0x%lx-0x%lx --- own", first, UINT64_MAX);
	for (int i = OWN; i < ARENAS; i++)
		tell_arena(i);
}

void memory_change(void)
{
	int arena = OWN + (int)rnd(ARENAS - OWN);
	struct arena *a = &arenas[arena];
	u32 first = (u32)rnd(a->pages), count = 1 + (u32)rnd(8);
	if (count > a->pages - first)
		count = a->pages - first;
	if (chance(600)) {                                        // mend more often than break
		first = 0;
		while (first < a->pages && a->rights[first] == (arena == READONLY ? READ : READ | WRITE))
			first++;
		if (first == a->pages)
			return;
		for (count = 1; first + count < a->pages && a->rights[first + count] == a->rights[first]; count++)
			;
		renew(arena, first, count, arena == READONLY ? READ : READ | WRITE);
	} else {
		renew(arena, first, count, chance(500) ? 0 : READ);
	}
	tell_arena(arena);
}

int rights_at(u64 address)
{
	for (int i = 0; i < ARENAS; i++) {
		if (address - arenas[i].base < (u64)arenas[i].pages * PAGE)
			return arenas[i].rights[(address - arenas[i].base) / PAGE];
	}
	return 0;
}

u64 first_without(u64 address, u64 length, int right)
{
	for (u64 at = address; at - address < length; at = (at | (PAGE - 1)) + 1) {
		if (!(rights_at(at) & right))
			return at;
	}
	return UINT64_MAX;
}

u64 pick_memory(u64 length)
{
	if (chance(20))
		return edge();
	int arena = length > OWN_PAGES * PAGE ? LARGE : chance(60) ? READONLY : chance(120) ? SHUFFLED : chance(500) ? SHARED : OWN;
	struct arena *a = &arenas[arena];
	u64 pages = (length + PAGE - 1) / PAGE;
	u64 first = rnd(pages < a->pages ? a->pages - pages + 1 : a->pages);
	if (chance(20))
		first = a->pages - 1;                             // runs into the hole behind
	u64 offset = chance(880) ? 0 : chance(800) ? GRANULE : rnd(PAGE);
	return a->base + first * PAGE + offset;
}
