// Prefetch: asks the processor to load an object that is used soon, while it does something else.
//
// Thread: any; has no effect that a program can see. The addresses need not be those of an object.
#ifndef CAIRN_BASE_PREFETCH_H_
#define CAIRN_BASE_PREFETCH_H_

#include <cstddef>
#include <cstdint>

namespace cairn {

template <int kForWriting = 0>
void Prefetch(const void* memory, size_t bytes) {
  constexpr size_t kLine = 64;
  // Not as pointers, which may not be moved beyond an object, or from null.
  const auto first = reinterpret_cast<uintptr_t>(memory);
  for (size_t at = 0; at < bytes; at += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(first + at), kForWriting);
}

inline void PrefetchToWrite(const void* memory, size_t bytes) { Prefetch<1>(memory, bytes); }

}  // namespace cairn

#endif  // CAIRN_BASE_PREFETCH_H_
