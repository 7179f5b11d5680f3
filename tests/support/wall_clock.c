// For LD_PRELOAD: the wall clock is off by as many nanoseconds as the file in CAIRN_TEST_CLOCK says (a long long), at any moment.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static const volatile long long* offset_ns;
static int (*real_clock_gettime)(clockid_t, struct timespec*);

__attribute__((constructor)) static void Load(void) {
  real_clock_gettime = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const char* path = getenv("CAIRN_TEST_CLOCK");
  const int fd = path ? open(path, O_RDONLY) : -1;
  void* mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset_ns, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) offset_ns = mapped;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  if (!real_clock_gettime) Load();
  const int result = real_clock_gettime(clock, now);
  if (result != 0 || !offset_ns || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  const long long ns = now->tv_sec * 1000000000LL + now->tv_nsec + *offset_ns;
  now->tv_sec = ns / 1000000000LL;
  now->tv_nsec = ns % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

// ---- who waits until a time of that clock: the kernel's own is not off

// What a steady clock says is far below, until a machine has been up for thirty years.
static int IsWallTime(const struct timespec* when) { return when && when->tv_sec > 1000000000LL; }

static struct timespec OfTheKernel(const struct timespec* when) {
  const long long ns = when->tv_sec * 1000000000LL + when->tv_nsec - (offset_ns ? *offset_ns : 0);
  return (struct timespec){.tv_sec = ns / 1000000000LL, .tv_nsec = ns % 1000000000LL};
}

int pthread_cond_timedwait(pthread_cond_t* restrict cond, pthread_mutex_t* restrict mutex,
                           const struct timespec* restrict until) {
  static int (*real)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  // Where an older one of the same name is there too, that one comes first.
  if (!real) *(void**)&real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  if (!IsWallTime(until)) return real(cond, mutex, until);
  const struct timespec kernel = OfTheKernel(until);
  return real(cond, mutex, &kernel);
}

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "syscall");
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(arguments, long);
  va_end(arguments);
  struct timespec kernel;
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) && IsWallTime((const struct timespec*)a[3])) {
    kernel = OfTheKernel((const struct timespec*)a[3]);
    a[3] = (long)&kernel;
  }
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
