// Calls as they go to the kernel and into the trace; src/IommuDash.Bridge/Trace/TraceText.cs has the words.
#define _GNU_SOURCE
#include "fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TOLD_BYTES = 64 << 10, LINE_BYTES = 256 << 10 };

extern int trace_fd;

static char line[LINE_BYTES];
static int at;

static void add(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	at += vsnprintf(line + at, (size_t)(LINE_BYTES - at), format, list);
	va_end(list);
	if (at >= LINE_BYTES)
		abort();
}

static void start_line(int pid)
{
	at = 0;
	add("%ld.0 %d ", S->calls, pid);
}

static void end_line(void)
{
	line[at++] = '\n';
	if (write(trace_fd, line, (size_t)at) != at)
		abort();
}

void tell(const char *format, ...)
{
	char text[512];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	start_line(S->slots[slot].pid);
	add("%s", text);
	end_line();
}

static void add_hex(const u8 *bytes, u64 length)
{
	for (u64 i = 0; i < length; i++)
		add("%02x", bytes[i]);
}

static void add_bytes(u64 address, u64 length)
{
	if (!length)
		return;
	const u8 *bytes = (const u8 *)address;
	u64 told = length;
	while (told && !bytes[told - 1])
		told--;
	if (told) {
		add(" @0x%lx=", address);
		add_hex(bytes, told);
	}
	if (length > told)
		add(" @0x%lx=*%lu", address + told, length - told);
}

// What a copy from or to [address, +length) meets.
static void add_range(u64 address, u64 length, enum range_kind kind)
{
	if (length > UINT64_MAX - address)
		length = UINT64_MAX - address;
	u64 unreadable = length ? first_without(address, length, 1) : UINT64_MAX;
	u64 unwritable = length && kind != IN ? first_without(address, length, 2) : UINT64_MAX;
	if (kind != SINK)
		add_bytes(address, (unreadable < address + length ? unreadable : address + length) - address);
	if (unreadable != UINT64_MAX)
		add(" @0x%lx!1", unreadable);
	if (unwritable != UINT64_MAX)
		add(" w!0x%lx!1", unwritable);
}

static u64 value_of(const u8 *bytes, const struct field *f)
{
	u64 value = 0;
	memcpy(&value, bytes + f->offset, (size_t)f->bytes);
	return value;
}

static const struct field *find(const struct call *c, const char *name)
{
	for (const struct field *f = c->request->fields; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	fprintf(stderr, "%s has no field %s\n", c->request->name, name);
	abort();
}

void set(struct call *c, const char *name, u64 value)
{
	const struct field *f = find(c, name);
	memcpy(c->bytes + f->offset, &value, (size_t)f->bytes);
}

u64 get(const struct call *c, const char *name)
{
	return value_of(c->bytes, find(c, name));
}

void range(struct call *c, u64 address, u64 length, enum range_kind kind)
{
	if (length > 1 << 20)
		length = 1 << 20;
	c->ranges[c->range_count].address = address;
	c->ranges[c->range_count].length = length;
	c->ranges[c->range_count++].kind = kind;
}

static void add_result(long result)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;
	add(" = %ld", result);
	if (name)
		add(" %s", name);
}

// Where the structure lies: mostly in good memory, now and then where reading or answering fails on the way.
static u64 place(u32 length)
{
	u64 base = arenas[ARGS].base;
	u64 offset = rnd(64) * 8;
	if (!chance((int)S->rubbish))
		return base + offset;
	switch (rnd(6)) {
	case 0: return 0;
	case 1: return base + 2 * PAGE + offset;                  // hole
	case 2: return base + 3 * PAGE + offset;                  // can be read, not written
	case 3: return base + 2 * PAGE - (1 + rnd(length)) / 4 * 4;  // runs into the hole
	case 4: return base + 3 * PAGE - 4 - rnd(40);             // begins in it
	default: return base + 1 + rnd(500);                      // odd address: fine
	}
}

static void store(u64 address, const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++) {
		if (rights_at(address + i) & 2)
			*(u8 *)(address + i) = bytes[i];
	}
}

static bool uses_size(const struct request *r)
{
	return r->least != 0;
}

static const struct field *pointer_of(const struct request *r)
{
	for (const struct field *f = r->fields; f->name; f++) {
		if (!strcmp(f->name, "data_uptr") || !strcmp(f->name, "allowed_iovas") || !strcmp(f->name, "data"))
			return f;
	}
	return NULL;
}

// Two differences are meant, see docs/dev/differential.md: what asks for them is left out.
static void evade(const struct call *c, u8 *bytes)
{
	if (c->request->number == 0x3ba0 && bytes[4] == 12)
		bytes[28] &= (u8)~4;
	if (c->request->number == 0x3b8a)
		bytes[4] &= (u8)~1;
}

// A bit turned over in any field but those that say where memory is, of which the trace must know.
static void spoil(const struct call *c, u8 *bytes)
{
	int count = 0;
	while (c->request->fields[count].name)
		count++;
	const struct field *f = &c->request->fields[1 + rnd((u64)count - 1)];
	if (!c->range_count || strstr(f->name, "flags") || strstr(f->name, "reserved") || strstr(f->name, "_id"))
		bytes[f->offset + (int)rnd((u64)f->bytes)] ^= (u8)(1 << rnd(8));
}

long call_make(struct call *c, int file)
{
	const struct request *r = c->request;
	u32 length = (u32)r->known;
	u8 bytes[256] = { 0 };
	memcpy(bytes, c->bytes, (size_t)r->known);
	bool plain = !chance((int)S->rubbish);
	if (uses_size(r)) {
		if (!plain) {
			switch (rnd(4)) {
			case 0: length = (u32)r->known + 1 + (u32)rnd(64); break;
			case 1: length = (u32)r->known + 1 + (u32)rnd(64); bytes[(u32)r->known + rnd(length - (u32)r->known)] = 1; break;
			case 2: length = (u32)rnd((u64)r->known); break;
			default: spoil(c, bytes);
			}
		}
		memcpy(bytes, &length, 4);
		evade(c, bytes);
	}
	u32 room = length < (u32)r->known ? (u32)r->known : length;
	if (length < (u32)r->known)
		memset(bytes + length, 0, room - length);
	memcpy(c->bytes, bytes, (size_t)r->known);
	if (length < 4)
		room = (u32)r->known;
	room += c->tail;
	u64 argument = place(room);
	if (c->tail)
		range(c, argument + (u64)r->known, c->tail, OUT);
	store(argument, bytes, room);
	// What is really there: a page that cannot be written has other bytes.
	u8 before[256], after[256];
	memset(before, 0, sizeof before);
	for (u32 i = 0; i < room; i++) {
		if (rights_at(argument + i) & 1)
			before[i] = *(u8 *)(argument + i);
	}
	int fd = S->slots[slot].fds[file];
	S->calls++;
	start_line(S->slots[slot].pid);
	add("#%d %s arg=0x%lx", file, r->name, argument);
	for (const struct field *f = r->fields; f->name; f++) {
		u64 value = value_of(before, f);
		if (!value && f->name[0] == 'u' && f->name[1] <= '9')
			continue;                                         // words of a union may be left out
		add(value < 10 ? " %s=%lu" : " %s=0x%lx", f->name, value);
	}
	if (room > (u32)r->known && !c->tail)
		add_range(argument + (u64)r->known, room - (u32)r->known, IN);
	u64 unreadable = first_without(argument, room, 1), unwritable = first_without(argument, room, 2);
	if (unreadable != UINT64_MAX)
		add(" @0x%lx!1", unreadable);
	if (unwritable != UINT64_MAX)
		add(" w!0x%lx!1", unwritable);
	static u8 told[4][TOLD_BYTES];
	const struct field *pointer = pointer_of(r);
	if (pointer && c->range_count)                            // a short structure may have cut it
		c->ranges[0].address = value_of(before, pointer);
	for (int i = 0; i < c->range_count; i++) {
		u64 address = c->ranges[i].address, n = c->ranges[i].length;
		add_range(address, n, c->ranges[i].kind);
		u64 bad = n ? first_without(address, n, 1) : UINT64_MAX;
		if (c->ranges[i].kind != OUT)
			continue;
		if (bad != UINT64_MAX)
			c->ranges[i].length = n = bad - address;
		memcpy(told[i], (void *)address, n);
	}
	if (c->looked_up != -1) {
		c->looked_up = (int)value_of(before, find(c, "id"));
		int known = 0;
		for (int i = 0; i < S->open_count; i++) {
			if (S->slots[slot].fds[S->open_files[i]] == c->looked_up)
				known = S->open_files[i];
		}
		if (known)
			add(" fd:%d=#%d", c->looked_up, known);
		else
			add(" fd:%d=-", c->looked_up);
	}

	long result = ioctl(fd, r->number, argument);
	c->result = result < 0 ? -errno : result;

	memset(after, 0, sizeof after);
	for (u32 i = 0; i < room; i++) {
		if (rights_at(argument + i) & 1)
			after[i] = *(u8 *)(argument + i);
	}
	memcpy(c->bytes, after, (size_t)r->known);
	if (!c->result && c->made_at >= 0) {
		int made;
		memcpy(&made, after + c->made_at, 4);
		c->made = file_new(c->makes, S->file[file].context, made);
		add(" =>#%d", c->made);
		memcpy(after + c->made_at, before + c->made_at, 4);
	}
	add_result(c->result);
	for (const struct field *f = r->fields; f->name; f++) {
		u64 value = value_of(after, f);
		if (value != value_of(before, f))
			add(value < 10 ? " %s=%lu" : " %s=0x%lx", f->name, value);
	}
	for (int i = 0; i < c->range_count; i++) {
		if (c->ranges[i].kind != OUT)
			continue;
		const u8 *now = (const u8 *)c->ranges[i].address;
		u64 first = 0, end = c->ranges[i].length;
		while (first < end && now[first] == told[i][first])
			first++;
		while (end > first && now[end - 1] == told[i][end - 1])
			end--;
		if (end > first) {
			add(" @0x%lx=", c->ranges[i].address + first);
			add_hex(now + first, end - first);
		}
	}
	end_line();
	return c->result;
}

long call_value(int file, u32 number, const char *name, u64 argument)
{
	S->calls++;
	start_line(S->slots[slot].pid);
	if (name)
		add("#%d %s arg=0x%lx", file, name, argument);
	else
		add("#%d 0x%x arg=0x%lx", file, number, argument);
	if (!name)
		add_range(argument, 4, IN);
	long result = ioctl(S->slots[slot].fds[file], number, argument);
	result = result < 0 ? -errno : result;
	add_result(result);
	end_line();
	return result;
}

int file_new(enum file_kind kind, int context, int fd)
{
	int file = ++S->files;
	if (file >= MAX_FILES)
		abort();
	S->file[file] = (struct file){ .kind = kind, .context = context, .holders = 1 };
	S->slots[slot].fds[file] = fd;
	S->open_files[S->open_count++] = file;
	return file;
}

// One process no longer has it; the last one's close is the file's.
void file_drop(int slot_of, int file)
{
	S->slots[slot_of].fds[file] = -1;
	if (--S->file[file].holders)
		return;
	start_line(0);
	add("close #%d", file);
	end_line();
	for (int i = 0; i < S->open_count; i++) {
		if (S->open_files[i] == file) {
			S->open_files[i] = S->open_files[--S->open_count];
			break;
		}
	}
	if (S->file[file].kind == CONTEXT_FILE)
		S->contexts[S->file[file].context].used = false;
}

void file_close(int file)
{
	close(S->slots[slot].fds[file]);
	file_drop(slot, file);
}

long transfer(int file, bool is_read, u64 count, u64 address)
{
	S->calls++;
	start_line(S->slots[slot].pid);
	u64 bad = count ? first_without(address, count, is_read ? 2 : 1) : UINT64_MAX;
	u64 good = bad == UINT64_MAX ? count : bad - address;
	add("%s #%d count=%lu offset=0x0 ", is_read ? "read" : "write", file, count);
	if (is_read) {
		add("room:%lu", good);
	} else {
		add("@0x0=");
		add_hex((u8 *)address, good);
	}
	long result = is_read ? read(S->slots[slot].fds[file], (void *)address, count) : write(S->slots[slot].fds[file], (void *)address, count);
	result = result < 0 ? -errno : result;
	add_result(result);
	if (is_read && result > 0) {
		add(" @0x0=");
		add_hex((u8 *)address, (u64)result);
	}
	end_line();
	return result;
}
