// BearerTokens: the set of tokens that let a client in, all equally valid, so that one can be
// rotated out.
//
// Thread: immutable after construction.
// Bounds: kMaxTokens tokens of kMaxTokenBytes each.
// Errors: a Status that names the file and what to do. No token appears in one.
#ifndef CAIRN_BASE_BEARER_TOKENS_H_
#define CAIRN_BASE_BEARER_TOKENS_H_

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

class BearerTokens {
 public:
  static constexpr size_t kMaxTokens = 1000;
  static constexpr size_t kMaxTokenBytes = 4096;

  // No tokens: everybody is let in.
  BearerTokens() = default;

  static absl::StatusOr<BearerTokens> FromToken(std::string_view token);
  // One token a line; blank lines and blanks around a token do not count. At least one token.
  static absl::StatusOr<BearerTokens> FromFile(const std::string& path);
  // For who presents a token: the first of the file, which is checked as all are.
  static absl::StatusOr<std::string> FirstInFile(const std::string& path);

  bool required() const { return !digests_.empty(); }
  size_t size() const { return digests_.size(); }

  // Whether `presented` is one of the tokens. Takes as long for a wrong token as for a right one of
  // the same size, whatever the tokens are: SHA-256 digests are compared, all of them, each in
  // constant time.
  bool Matches(std::string_view presented) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  static Digest DigestOf(std::string_view token);

  std::vector<Digest> digests_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_BEARER_TOKENS_H_
