// CAIRN_CHECK: ends the process when an invariant of our own is broken. Never for bad input.
#ifndef CAIRN_BASE_CHECK_H_
#define CAIRN_BASE_CHECK_H_

namespace cairn {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace cairn

#define CAIRN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::cairn::CheckFailed(#condition, __FILE__, __LINE__))

#endif  // CAIRN_BASE_CHECK_H_
