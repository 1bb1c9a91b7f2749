/*
 * The messages between the preload library and the server. Every message is one packet of a SOCK_SEQPACKET socket.
 * Requests travel on the descriptor they are about; replies on a socket of the calling thread, handed over once with REGISTER,
 * so that processes and threads sharing a descriptor never read each other's answers. The caller's pid comes from SCM_CREDENTIALS.
 * Wire.cs has the same layouts.
 */
#ifndef IOMMUDASH_WIRE_H
#define IOMMUDASH_WIRE_H

#include <stdint.h>

enum request_op {
	OP_REGISTER = 1,	/* carries the reply socket; a = 1 in a process image that registers for the first time */
	OP_OPEN = 2,		/* a = enum node, b = thread id the fail-nth node is about */
	OP_IOCTL = 3,		/* a = request number, b = argument; up to MAX_STRUCTURE_BYTES at the argument may follow the request in the packet */
	OP_READ = 4,		/* a = address, b = count, c = offset, or -1 for the file's own */
	OP_WRITE = 5,		/* as OP_READ */
	OP_MMAP = 6,		/* a = length, b = prot, c = flags, d = offset; answered with a memory file to map */
	OP_MUNMAP = 7,		/* a = cookie of the mapping */
	OP_COUNTERS = 8,	/* a = pid: result = pages pinned, extra = pages locked, of its address space on the emulated host */
};

enum node {
	NODE_IOMMU = 0,
	NODE_VFIO = 1,
	NODE_FAIL_NTH = 2,
};

#define MAX_STRUCTURE_BYTES 72

struct request {
	uint32_t op;
	uint32_t tid;
	uint32_t cpu;		/* the core the caller runs on */
	uint32_t pad;
	uint64_t a, b, c, d;
};

enum reply_flag {
	REPLY_FILE = 1,		/* a descriptor comes along: its number goes to the address in extra, or is the result if that is 0 */
	REPLY_WINDOW = 2,	/* a memory file to map comes along; extra = cookie of the mapping */
	REPLY_DRAINED = 4,	/* the readiness token of the event descriptor is to be taken out */
	REPLY_UNREGISTERED = 8,	/* the thread could not be registered; its reply socket is of no more use */
	REPLY_KEPT_BY_EXEC = 16,	/* with REPLY_FILE: the descriptor was asked for without O_CLOEXEC */
};

struct reply {
	uint32_t flags;
	uint32_t cpu;		/* the core the server runs on */
	int64_t value;		/* result, or -errno */
	uint64_t extra;
};

#endif
