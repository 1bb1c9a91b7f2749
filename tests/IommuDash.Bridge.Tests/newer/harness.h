/*
 * A harness for programs in the manner of a kernel selftest: each case runs in a process of its own and prints a line "ok NAME" or "not ok NAME".
 * A case fails at its first check that does not hold, or after 30 seconds.
 */
#ifndef HARNESS_H
#define HARNESS_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ull
#define MAX_CASES 64
#define CASE_SECONDS 30

static struct { const char *name; void (*run)(void); } cases[MAX_CASES];
static int case_count;

static void add_case(const char *name, void (*run)(void))
{
	if (case_count == MAX_CASES)
		abort();
	cases[case_count].name = name;
	cases[case_count++].run = run;
}

#define CASE(name)							\
	static void name(void);						\
	__attribute__((constructor)) static void add_##name(void) { add_case(#name, name); }	\
	static void name(void)

static void fail(const char *file, int line, const char *what, long long expected, long long actual)
{
	fprintf(stderr, "# %s:%d: %s is %lld, expected %lld\n", file, line, what, actual, expected);
	_exit(1);
}

/* The second expression must give the value of the first. Calls return -errno, so EQ(-EBUSY, destroy(fd, id)). */
#define EQ(expected, actual) do { long long e_ = (long long)(expected), a_ = (long long)(actual); if (e_ != a_) fail(__FILE__, __LINE__, #actual, e_, a_); } while (0)
#define OK(actual) EQ(0, actual)
#define TRUE(what) EQ(1, !!(what))

/* Runs a function in a child, which must end well. */
static void in_child(void (*what)(void *), void *argument)
{
	int status;
	pid_t child = fork();

	if (!child) {
		what(argument);
		_exit(0);
	}
	EQ(child, waitpid(child, &status, 0));
	OK(status);
}

static int run_case(int index)
{
	int status;
	pid_t child = fork();

	if (!child) {
		alarm(CASE_SECONDS);
		cases[index].run();
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* With arguments: only the cases named. */
int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < case_count; i++) {
		int wanted = argc == 1, passed;

		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], cases[i].name);
		if (!wanted)
			continue;
		passed = run_case(i);
		failed += !passed;
		printf("%s %s\n", passed ? "ok" : "not ok", cases[i].name);
	}
	return failed != 0;
}

#endif
