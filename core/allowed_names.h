// AllowedNames: the names of certificates that the core's port accepts; some are bound to one edge.
//
// Thread: immutable once read.
// Bounds: CredentialLine::kMaxLines names.
// Errors: a Status that names the file, and the line.
#ifndef CAIRN_CORE_ALLOWED_NAMES_H_
#define CAIRN_CORE_ALLOWED_NAMES_H_

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>

#include "base/credential_lines.h"

namespace cairn::core {

class AllowedNames {
 public:
  // Lines `NAME` and `EDGE: NAME`, where NAME is a common name or a DNS name of a certificate.
  static absl::StatusOr<AllowedNames> FromFile(const std::string& path) {
    const auto lines = CredentialLine::ReadFile(path);
    if (!lines.ok()) return lines.status();
    AllowedNames names;
    for (const CredentialLine& line : *lines) {
      // A pasted no-break space would refuse the caller that the line is for.
      if (!std::ranges::all_of(line.value, absl::ascii_isprint)) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", path, "' line ", line.number, ": a name has printable ASCII only"));
      }
      names.edges_[line.value] = line.name;
    }
    if (!names.edges_.empty()) return names;
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path, "' has no name; write one a line, or let nobody in by ending the core"));
  }

  // The edge's name that the certificate's name is bound to, "" for none; null: it is not accepted.
  const std::string* Find(const std::string& name) const {
    const auto it = edges_.find(name);
    return it == edges_.end() ? nullptr : &it->second;
  }

 private:
  absl::flat_hash_map<std::string, std::string> edges_;  // by name of certificates
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ALLOWED_NAMES_H_
