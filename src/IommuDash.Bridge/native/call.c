/*
 * The way to the server and back: one request on the descriptor it is about, one reply on a socket of the calling thread.
 * Holds always: a process that came by fork, vfork or clone registers a socket of its own before it asks anything.
 */
#include "preload.h"

#include <stddef.h>

#define LOOKS 150
#define ANSWERS_ASLEEP 64

struct thread_state {
	pid_t pid;
	uint32_t tid;
	int fd;
	uint32_t server_cpu;
	int asleep;		/* answers to wait for asleep */
};
static __thread struct thread_state self = { .fd = -1, .server_cpu = UINT32_MAX };
static pthread_key_t thread_key;
static pid_t registered_pid;

static void forget_thread(void *unused)
{
	if (self.fd >= 0 && self.pid == getpid())
		close(self.fd);
	self.fd = -1;
}

void init_calls(void)
{
	pthread_key_create(&thread_key, forget_thread);
}

/* Ours is what is connected to the server's address (a node) or to an abstract name derived from it (an event file). */
enum ours whose(int fd)
{
	struct sockaddr_un peer;
	socklen_t length = sizeof(peer);
	size_t path_length, name_length;
	int saved = errno;
	int failed = !server_path || getpeername(fd, (struct sockaddr *)&peer, &length);

	errno = saved;
	if (failed || peer.sun_family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path))
		return NOT_OURS;
	name_length = length - offsetof(struct sockaddr_un, sun_path);
	path_length = strlen(server_path);
	if (peer.sun_path[0] == '\0')
		return name_length > path_length + 1 && !memcmp(peer.sun_path + 1, server_path, path_length) && peer.sun_path[1 + path_length] == '#' ? OUR_FILE : NOT_OURS;
	return name_length > path_length && !strcmp(peer.sun_path, server_path) ? OUR_NODE : NOT_OURS;
}

/* Sends a request with bytes of the program's memory behind it; -1 and EFAULT where these cannot be read. */
static int send_with_memory(int socket, const struct request *request, const void *memory, size_t bytes)
{
	struct iovec parts[2] = { { (void *)request, sizeof(*request) }, { (void *)memory, bytes } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = bytes ? 2 : 1 };
	ssize_t sent;

	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)(sizeof(*request) + bytes) ? 0 : -1;
}

static int send_with_fd(int socket, const struct request *request, int fd)
{
	struct iovec part = { (void *)request, sizeof(*request) };
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof(*request) ? 0 : -1;
}

/*
 * Looks for the answer for some 40 microseconds if the server is at work on another core: to be woken on an idle one takes longer. On the server's own core there is nothing to
 * wait for awake; and after a wait in vain the next ones are asleep, so that a busy machine loses little. EAGAIN: not there yet.
 */
static ssize_t look_briefly(struct msghdr *message)
{
	ssize_t got = -1;

	errno = EAGAIN;
	if (self.asleep > 0) {
		self.asleep--;
		return -1;
	}
	if (self.server_cpu == UINT32_MAX || self.server_cpu == (uint32_t)sched_getcpu())
		return -1;
	for (int i = 0; got < 0 && errno == EAGAIN && i < LOOKS; i++)
		got = recvmsg(self.fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got < 0)
		self.asleep = ANSWERS_ASLEEP;
	return got;
}

static int receive_reply(struct reply *reply, int *fd)
{
	struct iovec part = { reply, sizeof(*reply) };
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;
	ssize_t got;

	got = look_briefly(&message);
	while (got < 0 && (errno == EAGAIN || errno == EINTR))
		got = recvmsg(self.fd, &message, MSG_CMSG_CLOEXEC);
	*fd = -1;
	if (got != sizeof(*reply))
		return -1;
	self.server_cpu = reply->cpu;
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(rights), sizeof(int));
	return 0;
}

/* Hands the server this thread's reply socket, once per thread and again after a fork. */
static int register_thread(int socket)
{
	struct request request = { .op = OP_REGISTER };
	pid_t pid = getpid();
	int pair[2], high, sent;

	if (self.fd >= 0 && self.pid == pid)
		return 0;
	if (self.fd >= 0)
		close(self.fd);
	self.fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	high = fcntl(pair[0], F_DUPFD_CLOEXEC, LOWEST_REPLY_FD);
	if (high >= 0) {
		close(pair[0]);
		pair[0] = high;
	}
	request.tid = (uint32_t)gettid();
	request.a = __atomic_exchange_n(&registered_pid, pid, __ATOMIC_ACQ_REL) != pid;
	sent = send_with_fd(socket, &request, pair[1]);
	close(pair[1]);
	if (sent) {
		close(pair[0]);
		return -1;
	}
	self = (struct thread_state){ pid, request.tid, pair[0], UINT32_MAX, 0 };
	pthread_setspecific(thread_key, &self);
	return 0;
}

int64_t call_server(int socket, struct request *request, uint64_t *extra, int *memory)
{
	return call_server_about(socket, request, NULL, 0, extra, memory);
}

int64_t call_server_about(int socket, struct request *request, const void *structure, size_t bytes, uint64_t *extra, int *memory)
{
	struct reply reply;
	int carried;

	if (register_thread(socket))
		return -EIO;
	request->tid = self.tid;
	request->cpu = (uint32_t)sched_getcpu();
	/* What cannot be read as a whole the server reads as far as it needs. */
	if (send_with_memory(socket, request, structure, bytes) && (errno != EFAULT || send_with_memory(socket, request, NULL, 0)))
		return errno == EBADF ? -EBADF : -EIO;
	if (receive_reply(&reply, &carried)) {
		close(self.fd);
		self.fd = -1;
		return -EIO;
	}
	if (reply.flags & REPLY_UNREGISTERED) {
		close(self.fd);
		self.fd = -1;
	}
	if (reply.flags & REPLY_DRAINED) {
		char token;
		ssize_t taken = recv(socket, &token, 1, MSG_DONTWAIT);

		(void)taken;
	}
	if (reply.flags & REPLY_FILE) {
		if (carried < 0)
			return -EMFILE;
		if (reply.flags & REPLY_KEPT_BY_EXEC)
			fcntl(carried, F_SETFD, 0);
		note_file();
		if (!reply.extra)
			return carried;
		/* The server has just written the structure around it, so this is writable. */
		memcpy((void *)(uintptr_t)reply.extra, &carried, sizeof(carried));
	} else if (memory) {
		*memory = carried;
	} else if (carried >= 0) {
		close(carried);
	}
	if (extra)
		*extra = reply.extra;
	return reply.value;
}

int64_t finish(int64_t result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

int connect_server(int flags)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(server_path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, server_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0), 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		errno = ENXIO;
		return -1;
	}
	return fd;
}
