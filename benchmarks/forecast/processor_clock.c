/* Loaded before a program (LD_PRELOAD), this makes its steady clock tell the processor time that it has used, so that a run on
 * a shared core, with one thread, is timed as on a quiet machine. Waits keep their real length. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(clockid_t clock) {
  struct timespec now;
  syscall(SYS_clock_gettime, clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct timespec to_time(long long n) {
  const struct timespec time = {n / 1000000000LL, n % 1000000000LL};
  return time;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  if (clock != CLOCK_MONOTONIC) {
    return (int)syscall(SYS_clock_gettime, clock, now);
  }
  *now = to_time(nanoseconds(CLOCK_PROCESS_CPUTIME_ID));
  return 0;
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const struct timespec* until) {
  typedef int (*Wait)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  const Wait wait = (Wait)dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  struct timespec real = *until;
  if (clock == CLOCK_MONOTONIC) {
    const long long left = until->tv_sec * 1000000000LL + until->tv_nsec - nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    real = to_time(nanoseconds(CLOCK_MONOTONIC) + (left > 0 ? left : 0));
  }
  return wait(condition, mutex, clock, &real);
}
