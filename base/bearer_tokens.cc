#include "base/bearer_tokens.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <sstream>

#include "base/text_file.h"

namespace cairn {
namespace {

// A line end behind it is how `echo TOKEN` makes variables and files.
std::string_view WithoutBlanks(std::string_view text) {
  const absl::string_view stripped =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  return {stripped.data(), stripped.size()};
}

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Empty: every client can send the token in a header (RFC 9110 5.5).
std::string_view WhyUnsendable(std::string_view token) {
  if (std::any_of(token.begin(), token.end(), IsControl)) {
    return "a token has control characters, which no client can send";
  }
  if (!std::all_of(token.begin(), token.end(), IsAscii)) {
    return "a token has characters other than ASCII, which clients send in different ways or not "
           "at all; use letters, digits and punctuation, such as `openssl rand -hex 32` prints";
  }
  return {};
}

}  // namespace

BearerTokens::Digest BearerTokens::DigestOf(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(token.data()), token.size(), digest.data());
  return digest;
}

absl::StatusOr<BearerTokens> BearerTokens::FromToken(std::string_view token) {
  token = WithoutBlanks(token);
  if (token.empty()) {
    return absl::InvalidArgumentError("the token is empty and would let nobody in");
  }
  if (token.size() > kMaxTokenBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a token is longer than ", kMaxTokenBytes, " bytes"));
  }
  if (const std::string_view why = WhyUnsendable(token); !why.empty()) {
    return absl::InvalidArgumentError(absl::string_view(why.data(), why.size()));
  }
  BearerTokens tokens;
  tokens.digests_.push_back(DigestOf(token));
  return tokens;
}

absl::StatusOr<BearerTokens> BearerTokens::FromFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  std::istringstream file(*text);
  BearerTokens tokens;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (WithoutBlanks(line).empty()) continue;
    absl::StatusOr<BearerTokens> one = FromToken(line);
    if (!one.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' line ", number, ": ", one.status().message()));
    }
    if (tokens.size() == kMaxTokens) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' has more than ", kMaxTokens, " tokens"));
    }
    tokens.digests_.push_back(one->digests_.front());
  }
  if (!tokens.required()) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' has no token; write one a line"));
  }
  return tokens;
}

absl::StatusOr<std::string> BearerTokens::FirstInFile(const std::string& path) {
  absl::StatusOr<BearerTokens> tokens = FromFile(path);
  if (!tokens.ok()) return tokens.status();
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  std::string_view rest = *text;
  while (WithoutBlanks(rest.substr(0, rest.find('\n'))).empty())
    rest.remove_prefix(rest.find('\n') + 1);
  return std::string(WithoutBlanks(rest.substr(0, rest.find('\n'))));
}

bool BearerTokens::Matches(std::string_view presented) const {
  const Digest digest = DigestOf(presented);
  int found = 0;
  for (const Digest& candidate : digests_) {
    found |= CRYPTO_memcmp(candidate.data(), digest.data(), digest.size()) == 0 ? 1 : 0;
  }
  return found != 0;
}

}  // namespace cairn
