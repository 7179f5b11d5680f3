// CAIRN_SANITIZED: defined when a sanitizer is compiled in, which wants to start first and to
// attach to the process.
#ifndef CAIRN_BASE_SANITIZERS_H_
#define CAIRN_BASE_SANITIZERS_H_

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAIRN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAIRN_SANITIZED 1
#endif
#endif

#endif  // CAIRN_BASE_SANITIZERS_H_
