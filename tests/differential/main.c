// fuzz --seed N --calls N [--rubbish PER_MILLE] [--episode CALLS] [--tame 0|1] [--trace FILE] [--host NAME] [--level NAME]: episodes of random calls until there were enough.
// --tame 1 leaves out what the preload library cannot follow: private memory that goes away while it is pinned, by hand or with its process, and fewer rights than the real machine gives.
// One process acts at a time; a child takes its turn when its parent says so. Same seed, same kernel: same trace.
#define _GNU_SOURCE
#include "fuzz.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAP_IPC_LOCK = 14, CAP_SYS_RESOURCE = 24, NOBODY = 1000 };

struct state *S;
int slot, trace_fd;
static int replies[2];

static void fail(const char *what)
{
	perror(what);
	if (slot)
		kill(S->slots[0].real_pid, SIGKILL);              // it waits for this process's turn to end
	exit(2);
}

static void tell_process(void)
{
	struct process *p = &S->slots[slot];
	tell("process fuzz uid=%u memlock=0x%lx caps=%d", p->uid, p->memlock, p->caps);
}

static void open_context(void)
{
	int index = 0;
	while (index < MAX_CONTEXTS && S->contexts[index].used)
		index++;
	if (index == MAX_CONTEXTS || S->slots[slot].uid)
		return;
	bool vfio = chance(250);
	int fd = open(vfio ? "/dev/vfio/vfio" : "/dev/iommu", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(vfio ? "/dev/vfio/vfio" : "/dev/iommu");
	S->contexts[index] = (struct context){ .used = true };
	S->calls++;
	int file = file_new(CONTEXT_FILE, index, fd);
	S->contexts[index].file = file;
	tell("open #%d %s = 0", file, vfio ? "vfio" : "iommu");
	if (chance(300))                                          // while there is no object it works
		charge_to_memory(file);
}

static int pick_file(enum file_kind kind)
{
	int found = 0, seen = 0;
	for (int i = 0; i < S->open_count; i++) {
		int f = S->open_files[i];
		if ((kind == NO_FILE || S->file[f].kind == kind) && S->slots[slot].fds[f] >= 0 && rnd((u64)++seen) == 0)
			found = f;
	}
	return found;
}

// Fewer rights than the parent: capabilities and how much may be locked decide how pages are charged.
static void lose_rights(void)
{
	struct process *p = &S->slots[slot];
	struct { u32 version; int pid; } header = { 0x20080522, 0 };
	struct { u32 effective, permitted, inheritable; } data[2] = { 0 };
	u64 pages[] = { 0, 1, 3, 16, 64 };
	p->memlock = pages[rnd(5)] * PAGE;
	struct rlimit limit = { p->memlock, p->memlock };
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		fail("setrlimit");
	if (chance(500)) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			fail("setresuid");
		p->uid = NOBODY;
		p->caps = 0;
	} else {
		p->caps = chance(500) ? 2 : 0;
		data[0].effective = data[0].permitted = p->caps ? 1u << CAP_SYS_RESOURCE : 0;
		if (syscall(SYS_capset, &header, data))
			fail("capset");
	}
}

static void take_turns(int wake)
{
	char c;
	while (read(wake, &c, 1) == 1 && c == 's') {
		step();
		if (write(replies[1], "d", 1) != 1)
			break;
	}
	_exit(0);
}

static void fork_child(void)
{
	int s = 1;
	while (s < MAX_SLOTS && S->slots[s].alive)
		s++;
	int wake[2];
	if (s == MAX_SLOTS || pipe(wake))
		return;
	struct process *p = &S->slots[s];
	memcpy(p->fds, S->slots[0].fds, sizeof p->fds);
	p->pid = 1000 + S->processes++;
	p->uid = S->slots[0].uid;
	p->caps = S->slots[0].caps;
	p->memlock = S->slots[0].memlock;
	p->alive = true;
	p->wake = wake[1];
	for (int i = 0; i < S->open_count; i++)
		S->file[S->open_files[i]].holders += p->fds[S->open_files[i]] >= 0;
	p->real_pid = fork();
	if (p->real_pid < 0)
		fail("fork");
	if (p->real_pid == 0) {
		close(wake[1]);
		slot = s;
		if (chance(500) && !S->tame)
			lose_rights();
		memory_fork();
		tell_process();
		memory_tell();
		if (write(replies[1], "d", 1) != 1)
			_exit(1);
		take_turns(wake[0]);
	}
	close(wake[0]);
	char c;
	if (read(replies[0], &c, 1) != 1)
		fail("child");
}

static void end_child(int s)
{
	struct process *p = &S->slots[s];
	int status;
	if (write(p->wake, "e", 1) != 1 || close(p->wake) || waitpid(p->real_pid, &status, 0) < 0 || status)
		fail("child ended otherwise");
	int mine = slot;
	slot = s;
	tell("exit");
	slot = mine;
	p->alive = false;
	for (int f = S->files; f > 0; f--) {
		if (p->fds[f] >= 0)
			file_drop(s, f);
	}
}

// One thing of many; the descriptors are those of whose turn it is.
void step(void)
{
	int file = pick_file(CONTEXT_FILE);
	if (!file || chance(3)) {
		open_context();
		return;
	}
	u64 n = rnd(1000);
	if (n < 25) {
		if (!S->tame)
			memory_change();
	} else if (n < 33) {
		int any = pick_file(chance(300) ? CONTEXT_FILE : ACCESS_FILE);
		if (chance(200))
			any = pick_file(FAULT_FILE);
		if (any)
			file_close(any);
	} else if (n < 100) {
		step_events();
	} else if (n < 200) {
		step_vfio(file);
	} else if (n < 560) {
		step_test(file);
	} else {
		step_native(file);
	}
}

// From a first context to the last close; what the next begins with is an empty machine.
static void episode(void)
{
	S->huge = chance(200);
	long last = S->calls + 50 + (long)rnd((u64)S->episode);
	bool forks = chance(400);
	open_context();
	while (S->calls < last && S->calls < S->wanted) {
		int s = forks ? (int)rnd(MAX_SLOTS) : 0;
		if (s && !S->slots[s].alive) {
			if (chance(20))
				fork_child();
		} else if (s && !S->tame && chance(8)) {
			end_child(s);
		} else if (s) {
			char c = 's';
			if (write(S->slots[s].wake, &c, 1) != 1 || read(replies[0], &c, 1) != 1)
				fail("child");
		} else {
			step();
		}
	}
	for (int s = MAX_SLOTS - 1; s > 0; s--) {
		if (S->slots[s].alive)
			end_child(s);
	}
	while (S->open_count)
		file_close(S->open_files[rnd((u64)S->open_count)]);
}

int main(int count, char **words)
{
	// Far from every address that is ever given away.
	S = mmap((void *)0x700000000, sizeof *S, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (S == MAP_FAILED)
		fail("mmap");
	const char *trace = "/dev/stdout", *host = "kernel-selftest-mock", *level = "6.12";
	u64 seed = 1;
	S->wanted = 1000;
	S->rubbish = 15;
	S->episode = 600;
	for (int i = 1; i + 1 < count; i += 2) {
		if (!strcmp(words[i], "--seed"))
			seed = strtoull(words[i + 1], NULL, 0);
		else if (!strcmp(words[i], "--calls"))
			S->wanted = strtol(words[i + 1], NULL, 0);
		else if (!strcmp(words[i], "--rubbish"))
			S->rubbish = strtol(words[i + 1], NULL, 0);
		else if (!strcmp(words[i], "--episode"))
			S->episode = strtol(words[i + 1], NULL, 0);
		else if (!strcmp(words[i], "--tame"))
			S->tame = strtol(words[i + 1], NULL, 0);
		else if (!strcmp(words[i], "--trace"))
			trace = words[i + 1];
		else if (!strcmp(words[i], "--host"))
			host = words[i + 1];
		else if (!strcmp(words[i], "--level"))
			level = words[i + 1];
		else
			count = 0;
	}
	if (count % 2 == 0) {
		fprintf(stderr, "usage: fuzz [--seed N] [--calls N] [--rubbish PER_MILLE] [--episode CALLS] [--trace FILE] [--host NAME] [--level NAME]\n");
		return 2;
	}
	S->random = seed * 0x9e3779b97f4a7c15ull + 1;
	trace_fd = open(trace, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (trace_fd < 0 || pipe(replies))
		fail(trace);
	for (int s = 0; s < MAX_SLOTS; s++)
		memset(S->slots[s].fds, 0xff, sizeof S->slots[s].fds);
	struct process *p = &S->slots[0];
	struct rlimit limit;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	p->memlock = limit.rlim_cur;
	p->caps = 3;
	p->real_pid = getpid();
	p->alive = true;
	p->pid = 1000 + S->processes++;
	dprintf(trace_fd, "# iommudash trace 1 host=%s level=%s\n", host, level);
	tell_process();
	memory_start();
	memory_tell();
	while (S->calls < S->wanted)
		episode();
	return 0;
}
