/*
 * Driver windows mapped through a node: the server answers with a memory file, which is mapped in its place, and is told when the last piece of the mapping is gone.
 * Leaves out: mremap of a window; a fork while one is mapped (the child's copy does not hold the object).
 */
#include "preload.h"

#define MAX_PIECES 64

/* A piece of a mapping, [start, end); start NULL = free. A munmap can leave several pieces of one mapping. */
static struct piece {
	char *start, *end;
	uint64_t cookie;
	int fd;
} pieces[MAX_PIECES];
static int piece_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct piece *free_piece(void)
{
	for (int i = 0; i < MAX_PIECES; i++) {
		if (!pieces[i].start)
			return &pieces[i];
	}
	return NULL;
}

static void add_piece(struct piece *place, char *start, char *end, uint64_t cookie, int fd)
{
	*place = (struct piece){ start, end, cookie, fd };
	__atomic_fetch_add(&piece_count, 1, __ATOMIC_RELAXED);
}

/* Takes [start, end) out of a piece. 1: nothing of its mapping is left. */
static int cut_piece(struct piece *piece, char *start, char *end)
{
	struct piece *rest;

	if (!piece->start || piece->end <= start || piece->start >= end)
		return 0;
	if (piece->start < start) {
		rest = piece->end > end ? free_piece() : NULL;
		if (rest)
			add_piece(rest, end, piece->end, piece->cookie, piece->fd);
		piece->end = start;
		return 0;
	}
	if (piece->end > end) {
		piece->start = end;
		return 0;
	}
	piece->start = NULL;
	__atomic_fetch_sub(&piece_count, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < MAX_PIECES; i++) {
		if (pieces[i].start && pieces[i].cookie == piece->cookie)
			return 0;
	}
	return 1;
}

void forget_windows(void *address, size_t length)
{
	char *start = address, *end = start + (length + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;

	if (!__atomic_load_n(&piece_count, __ATOMIC_RELAXED))
		return;
	for (int i = 0; i < MAX_PIECES; i++) {
		struct piece gone;
		int was_last;

		pthread_mutex_lock(&lock);
		gone = pieces[i];
		was_last = cut_piece(&pieces[i], start, end);
		pthread_mutex_unlock(&lock);
		if (was_last && gone.fd >= 0) {
			struct request request = { .op = OP_MUNMAP, .a = gone.cookie };

			call_server(gone.fd, &request, NULL, NULL);
			close(gone.fd);
		}
	}
}

void *map_window(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	struct request request = { .op = OP_MMAP, .a = length, .b = (uint32_t)prot, .c = (uint32_t)flags, .d = (uint64_t)offset };
	struct request undo = { .op = OP_MUNMAP };
	struct piece *place;
	uint64_t cookie = 0;
	int memory = -1;
	int64_t result = call_server(fd, &request, &cookie, &memory);
	void *mapped = MAP_FAILED;

	if (result < 0 || memory < 0) {
		errno = result < 0 ? (int)-result : EIO;
		return MAP_FAILED;
	}
	if (flags & MAP_FIXED)
		forget_windows(address, length);
	pthread_mutex_lock(&lock);
	place = free_piece();
	if (place)
		mapped = real_mmap(address, length, prot, flags, memory, 0);
	/* The socket's duplicate keeps the context alive as a mapping of the real file would. */
	if (mapped != MAP_FAILED)
		add_piece(place, mapped, (char *)mapped + (length + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES, cookie, fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_REPLY_FD));
	pthread_mutex_unlock(&lock);
	close(memory);
	if (mapped == MAP_FAILED) {
		undo.a = cookie;
		call_server(fd, &undo, NULL, NULL);
		errno = ENOMEM;
	}
	return mapped;
}
