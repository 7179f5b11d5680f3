// CredentialLines: files of credentials, one a line: `VALUE`, or `NAME: VALUE` for a value that is
// bound to a name, so that each can be identified and revoked.
//
// Thread: any; the call blocks on the disk.
// Bounds: kMaxLines lines.
// Errors: a Status that names the file and the number of the line, never its text.
#ifndef CAIRN_BASE_CREDENTIAL_LINES_H_
#define CAIRN_BASE_CREDENTIAL_LINES_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

struct CredentialLine {
  static constexpr size_t kMaxLines = 1000;
  static constexpr size_t kMaxNameBytes = 255;

  std::string name;  // empty: not bound to a name
  std::string value;
  std::string whole;  // the line without blanks around it
  int number = 0;     // of the line, from 1

  // A name is printable ASCII without blanks and colons, and is
  // followed by a colon and a blank: a value with a colon in it stays whole.
  static CredentialLine Parse(std::string_view line, int number);
  // Without empty lines. At least one.
  static absl::StatusOr<std::vector<CredentialLine>> ReadFile(const std::string& path);
};

}  // namespace cairn

#endif  // CAIRN_BASE_CREDENTIAL_LINES_H_
