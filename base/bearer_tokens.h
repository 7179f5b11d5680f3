// BearerTokens: the set of tokens that authenticate a client, all equally valid, so that tokens can
// be rotated.
//
// Thread: immutable after construction.
// Bounds: kMaxTokens tokens of kMaxTokenBytes each.
// Errors: a Status that names the file and what to do. It never contains a token.
#ifndef CAIRN_BASE_BEARER_TOKENS_H_
#define CAIRN_BASE_BEARER_TOKENS_H_

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/credential_lines.h"

namespace cairn {

class BearerTokens {
 public:
  static constexpr size_t kMaxTokens = CredentialLine::kMaxLines;
  static constexpr size_t kMaxTokenBytes = 4096;

  // No tokens: authentication is off.
  BearerTokens() = default;

  static absl::StatusOr<BearerTokens> FromToken(std::string_view token);
  enum class Names { kNone, kAllowed };
  // One token a line; blank lines, and blanks around a token, are ignored. There must be at least
  // one.
  // kAllowed: a line may be `NAME: TOKEN` (base/credential_lines.h).
  static absl::StatusOr<BearerTokens> FromFile(const std::string& path, Names names = Names::kNone);
  // For the side that presents a token: the first one of the file. The whole file is checked. Names
  // are allowed.
  static absl::StatusOr<CredentialLine> FirstInFile(const std::string& path);

  bool required() const { return !entries_.empty(); }
  size_t size() const { return entries_.size(); }

  // Whether `presented` is one of the tokens. Takes the same time for a wrong token as for a right
  // one of the same size: it compares the SHA-256 digest with every token's, each in constant time.
  bool Matches(std::string_view presented) const { return NameOf(presented).has_value(); }
  // The name that the token is bound to, "" for none; absent: it is not one of the tokens.
  std::optional<std::string> NameOf(std::string_view presented) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  static Digest DigestOf(std::string_view token);

  struct Entry {
    Digest digest;
    std::string name;
  };
  std::vector<Entry> entries_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_BEARER_TOKENS_H_
