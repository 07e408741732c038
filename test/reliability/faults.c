/*
 * Makes one call of a kind fail, for test/reliability/faults.test.ts:
 *   cc -shared -fPIC -o faults.so faults.c -ldl
 *   LD_PRELOAD=faults.so FAULT_ROOT=/folder FAULT_KIND=write FAULT_AT=3 FAULT_ERRNO=28 FAULT_LOG=/file program
 * Only what touches files below FAULT_ROOT is counted. FAULT_AT 0 makes nothing fail; FAULT_LOG gets the count at exit.
 * FAULT_TIMES: so many in a row fail (1).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long count;

static long number(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? strtol(text, NULL, 10) : otherwise;
}

static int below(const char *path) {
  const char *root = getenv("FAULT_ROOT");
  return root && path && strncmp(path, root, strlen(root)) == 0;
}

static int fd_below(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static int fails(const char *kind) {
  const char *wanted = getenv("FAULT_KIND");
  if (!wanted || strcmp(wanted, kind) != 0) return 0;
  long at = number("FAULT_AT", 0), now = atomic_fetch_add(&count, 1) + 1;
  if (at == 0 || now < at || now >= at + number("FAULT_TIMES", 1)) return 0;
  errno = (int)number("FAULT_ERRNO", EIO);
  return 1;
}

__attribute__((destructor)) static void tell(void) {
  const char *log = getenv("FAULT_LOG");
  FILE *file = log ? fopen(log, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", atomic_load(&count));
  fclose(file);
}

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return fd_below(fd) && fails("write") ? -1 : real(fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  return fd_below(fd) && fails("write") ? -1 : real(fd, parts, n);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  return fd_below(fd) && fails("write") ? -1 : real(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  return fd_below(fd) && fails("write") ? -1 : real(fd, bytes, size, at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) {
  REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
  return fd_below(fd) && fails("write") ? -1 : real(fd, parts, n, at);
}
int fsync(int fd) {
  REAL(int, "fsync", int);
  return fd_below(fd) && fails("fsync") ? -1 : real(fd);
}
int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  return fd_below(fd) && fails("fsync") ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  return below(to) && fails("rename") ? -1 : real(from, to);
}
int link(const char *from, const char *to) {
  REAL(int, "link", const char *, const char *);
  return below(to) && fails("rename") ? -1 : real(from, to);
}
static mode_t mode_of(int flags, va_list more) { return flags & O_CREAT ? (mode_t)va_arg(more, int) : 0; }
int open(const char *path, int flags, ...) {
  REAL(int, "open", const char *, int, ...);
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, more);
  va_end(more);
  return (flags & O_CREAT) && below(path) && fails("open") ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  REAL(int, "open64", const char *, int, ...);
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, more);
  va_end(more);
  return (flags & O_CREAT) && below(path) && fails("open") ? -1 : real(path, flags, mode);
}
