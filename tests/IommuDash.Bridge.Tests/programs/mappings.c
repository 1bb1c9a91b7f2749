/* Has mappings of every kind, and waits until its input ends. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	const size_t length = 3 * 4096;
	int file = memfd_create("mappings", 0), huge = memfd_create("huge", MFD_HUGETLB);

	if (file < 0 || ftruncate(file, 2 * length))
		return 1;
	mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096);
	mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
	mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Where there are huge pages: anonymous ones and a file of them. */
	mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge >= 0)
		mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, huge, 0);
	puts("mapped");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
