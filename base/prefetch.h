// Prefetch: asks the processor to load an object that is used soon, while it does something else.
//
// Thread: any; has no effect that a program can see.
#ifndef CAIRN_BASE_PREFETCH_H_
#define CAIRN_BASE_PREFETCH_H_

#include <cstddef>

namespace cairn {

inline void Prefetch(const void* object, size_t bytes) {
  constexpr size_t kLine = 64;
  for (size_t at = 0; at < bytes; at += kLine)
    __builtin_prefetch(static_cast<const char*>(object) + at);
}

inline void PrefetchToWrite(const void* memory, size_t bytes) {
  constexpr size_t kLine = 64;
  for (size_t at = 0; at < bytes; at += kLine)
    __builtin_prefetch(static_cast<const char*>(memory) + at, 1);
}

}  // namespace cairn

#endif  // CAIRN_BASE_PREFETCH_H_
