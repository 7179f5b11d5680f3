// Reads small text files written by people: tokens, certificates, keys.
//
// Thread: any; the call blocks on the disk.
// Bounds: kMaxTextFileBytes.
// Errors: a Status that names the file and what is wrong with it, never its contents.
#ifndef CAIRN_BASE_TEXT_FILE_H_
#define CAIRN_BASE_TEXT_FILE_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>

namespace cairn {

inline constexpr size_t kMaxTextFileBytes = 1 << 20;

// The text without a byte order mark. NOT_FOUND when there is no such file; INVALID_ARGUMENT when
// it cannot be read, is UTF-16 or binary, or is too long.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace cairn

#endif  // CAIRN_BASE_TEXT_FILE_H_
