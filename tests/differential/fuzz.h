// Random but plausible calls on /dev/iommu, written down as a trace that `iommudash replay` repeats.
// Own definitions throughout: no header of the kernel is needed, so that any compiler of the last years builds this.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

enum { PAGE = 4096, GRANULE = 2048, MAX_FILES = 1 << 16, MAX_SLOTS = 4, MAX_CONTEXTS = 4, MAX_OBJECTS = 48, MAX_AREAS = 96, LARGE_PAGES = 1400 };

static const u64 WINDOW = 16 << 20, WINDOW_LAST = (2ull << 30) - 1;

// ---- What is alive, as far as the answers told. Shared by all processes of a run; one of them acts at a time. ----

enum kind { ANY, IOAS, HWPT, PARENT, DIRTY_HWPT, NESTED, FAULT_NESTED, DEVICE, STDEV, FAULT, KINDS };

struct object { u32 id; enum kind kind; u32 of, on; };           // of: ioas of a hw_pagetable, device of a stdev; on: what a stdev is attached to
struct area { u32 ioas; u64 iova, length, va; int slot; };

struct context {
	int file, events;
	bool used;
	u32 compat;
	struct object objects[MAX_OBJECTS];
	int object_count;
	struct area areas[MAX_AREAS];
	int area_count;
};

enum file_kind { NO_FILE, CONTEXT_FILE, ACCESS_FILE, FAULT_FILE };

struct file { enum file_kind kind; int context, holders; u32 id; u32 items; struct { u64 iova, length; } last; };

struct process { int pid, fds[MAX_FILES]; bool alive; int real_pid, wake; u32 uid; u64 memlock; int caps; };

struct state {
	u64 random;
	long calls, wanted, rubbish, episode, tame;
	bool huge;                                                    // this episode may have devices with 1 MiB pages
	int files, processes, generations;
	struct file file[MAX_FILES];
	struct context contexts[MAX_CONTEXTS];
	struct process slots[MAX_SLOTS];
	int open_files[MAX_FILES], open_count;
};

extern struct state *S;
extern int slot;                                                  // whose turn it is: this process

u64 rnd(u64 below);
bool chance(int per_mille);
u64 edge(void);                                                   // an address or length where rules change

// ---- Memory this process knows about. ----

struct arena { u64 base; u32 pages; bool is_private; u8 *rights; u32 *generation; };   // rights per page: 1 read, 2 write
enum { ARGS, BUFFER, OWN, SHARED, SHUFFLED, READONLY, LARGE, ARENAS };
extern struct arena arenas[ARENAS];

void memory_start(void);                                          // first process
void memory_fork(void);                                           // in the child: private memory anew
void memory_tell(void);                                           // all of it into the trace
void memory_change(void);                                         // unmap, protect or renew a piece
int rights_at(u64 address);
u64 pick_memory(u64 length);                                      // where a mapping's pages could come from
u64 first_without(u64 address, u64 length, int right);            // UINT64_MAX = none

// ---- Calls ----

struct field { const char *name; int offset, bytes; };
struct request { u32 number; const char *name; int known, least; const struct field *fields; };

enum range_kind { IN, OUT, SINK };                                // bytes read; bytes that answers go to, told before and after; as OUT but the content is nobody's business

struct call {
	const struct request *request;
	u8 bytes[96];
	struct { u64 address, length; enum range_kind kind; } ranges[4];
	int range_count;
	int looked_up;                                                // descriptor the call looks up, -1 = none
	int made_at;                                                  // offset of the number of a descriptor made, -1 = none
	enum file_kind makes;
	u32 tail;                                                     // bytes behind the structure that the answer may fill
	int made;                                                     // file made, 0 = none
	long result;                                                  // 0 or more, or -errno
};

void call_start(struct call *c, u32 number);
long transfer(int file, bool is_read, u64 count, u64 address);
void set(struct call *c, const char *field, u64 value);
u64 get(const struct call *c, const char *field);
void range(struct call *c, u64 address, u64 length, enum range_kind kind);
long call_make(struct call *c, int file);
long call_value(int file, u32 number, const char *name, u64 argument);
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
int file_new(enum file_kind kind, int context, int fd);
void file_close(int file);
void file_drop(int slot_of, int file);

// ---- Steps ----

void step(void);
bool provide(int file, struct context *x, enum kind kind);         // true: there was none of that kind, and a call has tried to make one instead
void make_ioas(int file, struct context *x);
void charge_to_memory(int file);
void make_hwpt(int file, struct context *x, enum kind kind);
void make_fault(int file, struct context *x);
void make_device(int file, struct context *x);
void make_area(int file, struct context *x);
void step_native(int file);
void step_vfio(int file);
void step_test(int file);
void step_events(void);

struct object *pick_object(struct context *x, enum kind kind);    // null = none of that kind
u32 pick_id(struct context *x, enum kind kind);                   // mostly one that lives and fits
struct area *pick_area(struct context *x, u32 ioas);              // ioas 0 = any; null = none
void add_object(struct context *x, u32 id, enum kind kind, u32 of);
void drop_object(struct context *x, u32 id);
void add_area(struct context *x, struct area area);
void drop_areas(struct context *x, u32 ioas, u64 first, u64 last);
u64 pick_iova(void);
u64 pick_length(void);
u64 buffer(u64 length);                                           // where an array or an answer goes
void put(u64 address, u64 value, int bytes);
