/* Handing a context over to another process: who pays for what is mapped from memory files, by fork, exec and a passed descriptor. */
#include "iommufd.h"
#include <linux/capability.h>

#define RLIMIT_MODE 0
#define PAGES 4ull

/* Without CAP_IPC_LOCK pages are charged; CAP_SYS_RESOURCE stays, which the option needs. */
static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	OK(syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	OK(syscall(SYS_capset, &header, data));
}

static void limit_pages(uint64_t pages)
{
	struct rlimit limit;

	OK(getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = pages * PAGE;
	OK(setrlimit(RLIMIT_MEMLOCK, &limit));
}

static long pages_of(pid_t pid, const char *name)
{
	char line[128], path[40];
	long kib = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "r");
	TRUE(status);
	while (fgets(line, sizeof(line), status)) {
		if (!strncmp(line, name, strlen(name)))
			kib = strtol(line + strlen(name) + 1, NULL, 10);
	}
	fclose(status);
	return kib / 4;
}

#define PINNED(pid) pages_of(pid, "VmPin")
#define LOCKED(pid) pages_of(pid, "VmLck")

static int change_process(int fd)
{
	struct { uint32_t size, reserved; } c = { sizeof(c), 0 };

	return call(fd, IOAS_CHANGE_PROCESS, &c);
}

/* PAGES pages of a memory file mapped with a domain there, so they are pinned. */
struct paid { int fd, file, is_mm; uint32_t ioas; uint64_t iova; pid_t parent; struct device device; };

static struct paid new_paid(int is_mm)
{
	struct paid p = { .is_mm = is_mm, .parent = getpid() };

	drop_ipc_lock();
	p.fd = open_iommu();
	OK(set_option(p.fd, RLIMIT_MODE, 0, (uint64_t)is_mm));
	p.ioas = new_ioas(p.fd);
	p.device = new_device(p.fd, p.ioas, 0);
	p.file = memory_file(PAGES * PAGE);
	OK(map_file(p.fd, p.ioas, READ_WRITE, p.file, 0, PAGES * PAGE, &p.iova));
	return p;
}

CASE(refuses_in_order)
{
	struct { uint32_t size, reserved, tail; } c = { 8, 1, 0 };
	int fd = open_iommu();
	uint32_t ioas = new_ioas(fd);
	uint64_t iova = 0;

	OK(change_process(fd));
	OK(map(fd, ioas, READ_WRITE, anonymous(PAGE), PAGE, &iova));
	EQ(-EOPNOTSUPP, call(fd, IOAS_CHANGE_PROCESS, &c));
	c.size = 7;
	EQ(-EINVAL, call(fd, IOAS_CHANGE_PROCESS, &c));
	c.size = 12;
	c.tail = 1;
	EQ(-E2BIG, call(fd, IOAS_CHANGE_PROCESS, &c));
	c.reserved = c.tail = 0;
	/* Nothing is pinned, but memory of the process is mapped. */
	EQ(-EINVAL, call(fd, IOAS_CHANGE_PROCESS, &c));
	OK(unmap(fd, ioas, iova, PAGE));
	OK(call(fd, IOAS_CHANGE_PROCESS, &c));
}

static void take_over_is_refused(void *argument)
{
	struct paid *p = argument;

	EQ(-EINVAL, change_process(p->fd));
	EQ(0, PINNED(getpid()));
	EQ(PAGES + 1, PINNED(p->parent));
}

CASE(one_mapping_of_the_process_holds_all)
{
	struct paid p = new_paid(0);
	uint32_t other = new_ioas(p.fd);
	uint64_t iova = 0;

	new_device(p.fd, other, 0);
	OK(map(p.fd, other, READ_WRITE, anonymous(PAGE), PAGE, &iova));
	in_child(take_over_is_refused, &p);
	OK(unmap(p.fd, other, iova, PAGE));
	OK(change_process(p.fd));
}

CASE(dmabuf_is_no_memory_file)
{
	struct test get = { .size = sizeof(get), .op = DMABUF_GET, .word = { PAGE, O_CLOEXEC } };
	struct paid p = new_paid(0);
	uint64_t iova = 0;
	int buffer = call(p.fd, TEST, &get);

	TRUE(buffer >= 0);
	OK(map_file(p.fd, p.ioas, READ_WRITE, buffer, 0, PAGE, &iova));
	EQ(-EINVAL, change_process(p.fd));
	OK(unmap(p.fd, p.ioas, iova, PAGE));
	OK(change_process(p.fd));
}

static void take_over(void *argument)
{
	struct paid *p = argument;

	EQ(PAGES, PINNED(p->parent));
	EQ(p->is_mm ? PAGES : 0, LOCKED(p->parent));
	EQ(0, PINNED(getpid()));
	EQ(0, LOCKED(getpid()));
	OK(change_process(p->fd));
	EQ(0, PINNED(p->parent));
	EQ(0, LOCKED(p->parent));
	EQ(PAGES, PINNED(getpid()));
	EQ(p->is_mm ? PAGES : 0, LOCKED(getpid()));
	/* Once more changes nothing. */
	OK(change_process(p->fd));
	EQ(PAGES, PINNED(getpid()));
}

static void child_takes_over(int is_mm)
{
	struct paid p = new_paid(is_mm);

	OK(change_process(p.fd));
	EQ(PAGES, PINNED(getpid()));
	in_child(take_over, &p);
	/* The child is gone and the mapping is not: it can be taken back and undone. */
	EQ(0, PINNED(getpid()));
	OK(change_process(p.fd));
	EQ(PAGES, PINNED(getpid()));
	EQ(is_mm ? PAGES : 0, LOCKED(getpid()));
	OK(unmap(p.fd, p.ioas, p.iova, PAGES * PAGE));
	EQ(0, PINNED(getpid()));
	EQ(0, LOCKED(getpid()));
}

CASE(child_takes_over_by_user) { child_takes_over(0); }
CASE(child_takes_over_by_mm) { child_takes_over(1); }

static void take_and_unmap(void *argument)
{
	struct paid *p = argument;

	OK(change_process(p->fd));
	OK(unmap(p->fd, p->ioas, p->iova, PAGES * PAGE));
	EQ(0, PINNED(getpid()));
	EQ(0, PINNED(p->parent));
}

CASE(new_owner_unmaps)
{
	struct paid p = new_paid(1);

	in_child(take_and_unmap, &p);
	EQ(0, PINNED(getpid()));
	EQ(0, LOCKED(getpid()));
}

static void take_over_within_the_users_limit(void *argument)
{
	struct paid *p = argument;

	/* The user's count holds the old charge and the new one for a moment. */
	limit_pages(2 * PAGES - 1);
	EQ(-ENOMEM, change_process(p->fd));
	EQ(PAGES, PINNED(p->parent));
	EQ(0, PINNED(getpid()));
	limit_pages(2 * PAGES);
	OK(change_process(p->fd));
	EQ(PAGES, PINNED(getpid()));
}

CASE(limit_of_the_user)
{
	struct paid p = new_paid(0);

	in_child(take_over_within_the_users_limit, &p);
}

static void take_over_within_the_mms_limit(void *argument)
{
	struct paid *p = argument;

	limit_pages(PAGES - 1);
	EQ(-ENOMEM, change_process(p->fd));
	EQ(PAGES, LOCKED(p->parent));
	EQ(0, LOCKED(getpid()));
	limit_pages(PAGES);
	OK(change_process(p->fd));
	EQ(PAGES, LOCKED(getpid()));
}

CASE(limit_of_the_mm)
{
	struct paid p = new_paid(1);

	in_child(take_over_within_the_mms_limit, &p);
}

CASE(copies_and_spaces_move_together)
{
	struct paid p = new_paid(1);
	uint32_t other = new_ioas(p.fd);
	struct { uint32_t size, flags, dst, src; uint64_t length, dst_iova, src_iova; } copy = { sizeof(copy), READ_WRITE, other, p.ioas, PAGES * PAGE, 0, p.iova };
	uint64_t iova = 0;

	new_device(p.fd, other, 0);
	OK(call(p.fd, IOAS_COPY, &copy));
	EQ(PAGES, PINNED(getpid()));
	in_child(take_over, &p);
	OK(change_process(p.fd));
	EQ(PAGES, PINNED(getpid()));
	OK(unmap(p.fd, p.ioas, p.iova, PAGES * PAGE));
	EQ(PAGES, PINNED(getpid()));
	OK(unmap(p.fd, other, copy.dst_iova, PAGES * PAGE));
	EQ(0, PINNED(getpid()));
	OK(map_file(p.fd, other, READ_WRITE, p.file, 0, PAGE, &iova));
	EQ(1, PINNED(getpid()));
}

static void take_over_unpinned(void *argument) { OK(change_process(((struct paid *)argument)->fd)); }

/* What is pinned later is charged to whoever took over, who may be gone. */
static void pin_after_the_owner_left(int is_mm, int expected)
{
	struct paid p = new_paid(is_mm);
	struct device device;

	OK(destroy(p.fd, p.device.stdev));
	EQ(0, PINNED(getpid()));
	in_child(take_over_unpinned, &p);
	EQ(expected, add_device(p.fd, p.ioas, 0, &device));
	EQ(0, PINNED(getpid()));
	if (!expected)
		OK(destroy(p.fd, device.stdev));
	OK(change_process(p.fd));
	OK(add_device(p.fd, p.ioas, 0, &device));
	EQ(PAGES, PINNED(getpid()));
}

CASE(pin_after_the_owner_left_by_user) { pin_after_the_owner_left(0, 0); }
CASE(pin_after_the_owner_left_by_mm) { pin_after_the_owner_left(1, -EINVAL); }

CASE(privileged_owner_is_never_charged)
{
	struct paid p = { .fd = open_iommu(), .parent = getpid() };

	p.ioas = new_ioas(p.fd);
	p.file = memory_file(PAGES * PAGE);
	new_device(p.fd, p.ioas, 0);
	limit_pages(0);
	OK(map_file(p.fd, p.ioas, READ_WRITE, p.file, 0, PAGES * PAGE, &p.iova));
	in_child(take_over_unpinned, &p);
	OK(change_process(p.fd));
	OK(unmap(p.fd, p.ioas, p.iova, PAGES * PAGE));
}

CASE(after_exec)
{
	struct paid p;
	char fd[16], file[16], iova[32];

	if (getenv("NEWER_EXECED")) {
		p = (struct paid){ .fd = atoi(getenv("NEWER_FD")), .file = atoi(getenv("NEWER_FILE")), .iova = strtoull(getenv("NEWER_IOVA"), NULL, 10) };
		/* A new address space, which has paid for nothing yet. */
		EQ(0, PINNED(getpid()));
		OK(change_process(p.fd));
		EQ(PAGES, PINNED(getpid()));
		EQ(PAGES, LOCKED(getpid()));
		OK(unmap(p.fd, 1, p.iova, PAGES * PAGE));
		EQ(0, PINNED(getpid()));
		return;
	}
	p = new_paid(1);
	snprintf(fd, sizeof(fd), "%d", p.fd);
	snprintf(file, sizeof(file), "%d", p.file);
	snprintf(iova, sizeof(iova), "%llu", (unsigned long long)p.iova);
	OK(fcntl(p.fd, F_SETFD, 0));
	OK(setenv("NEWER_EXECED", "1", 1));
	OK(setenv("NEWER_FD", fd, 1));
	OK(setenv("NEWER_FILE", file, 1));
	OK(setenv("NEWER_IOVA", iova, 1));
	execl("/proc/self/exe", "change_process", "after_exec", (char *)NULL);
	TRUE(!"exec");
}

static void *change_in_thread(void *fd)
{
	OK(change_process(*(int *)fd));
	return NULL;
}

CASE(thread_is_the_same_process)
{
	struct paid p = new_paid(1);
	pthread_t thread;

	OK(pthread_create(&thread, NULL, change_in_thread, &p.fd));
	OK(pthread_join(thread, NULL));
	EQ(PAGES, PINNED(getpid()));
	EQ(PAGES, LOCKED(getpid()));
}

struct handed { int socket; struct paid p; };

/* The old owner hands context and memory over, and exits. */
static void give_away(void *argument)
{
	struct handed *h = argument;
	struct paid p = new_paid(1);
	int fds[2] = { p.fd, p.file };
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec part = { &p, sizeof(p) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	memcpy(map_shared(p.file, PAGES * PAGE), "handed over", 12);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	EQ(sizeof(p), sendmsg(h->socket, &message, 0));
}

CASE(context_handed_over_by_descriptor)
{
	struct handed h;
	int pair[2], fds[2];
	char control[CMSG_SPACE(sizeof(fds))], *memory;
	struct iovec part = { &h.p, sizeof(h.p) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	drop_ipc_lock();
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	h.socket = pair[1];
	in_child(give_away, &h);
	EQ(sizeof(h.p), recvmsg(pair[0], &message, 0));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fds));
	/* DMA goes on as before, and what it reaches is what the new owner maps of the file. */
	memory = map_shared(fds[1], PAGES * PAGE);
	EQ(0, strcmp(memory, "handed over"));
	OK(check_map(fds[0], h.p.device.hwpt, h.p.iova, PAGES * PAGE, memory));
	OK(check_refs(fds[0], memory, PAGES * PAGE, 1));
	EQ(0, PINNED(getpid()));
	OK(change_process(fds[0]));
	EQ(PAGES, PINNED(getpid()));
	EQ(PAGES, LOCKED(getpid()));
	OK(close(fds[0]));
	EQ(0, PINNED(getpid()));
	fds[0] = open_iommu();
	OK(check_refs(fds[0], memory, PAGES * PAGE, 0));
}
