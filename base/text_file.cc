#include "base/text_file.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/unique_fd.h"

namespace cairn {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

absl::Status CannotRead(const std::string& path, int error) {
  const std::string text = absl::StrCat("cannot read '", path, "': ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::InvalidArgumentError(text);
}

bool IsUtf16(std::string_view text) {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return CannotRead(path, errno);
  std::string text;
  char piece[16 << 10];
  for (;;) {
    const ssize_t n = read(fd.get(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return CannotRead(path, errno);
    if (n == 0) break;
    text.append(piece, static_cast<size_t>(n));
    if (text.size() > kMaxTextFileBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' is longer than ", kMaxTextFileBytes, " bytes"));
    }
  }
  if (IsUtf16(text) || text.find('\0') != text.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is UTF-16 or no text; save it as UTF-8 or ASCII"));
  }
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

}  // namespace cairn
