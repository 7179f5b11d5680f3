#include "base/bearer_tokens.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace cairn {
namespace {

// `echo TOKEN` leaves a line feed at the end of a variable or file.
std::string_view StripWhitespace(std::string_view text) {
  const absl::string_view stripped =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  return {stripped.data(), stripped.size()};
}

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Why no client could send the token in a header (RFC 9110 5.5); empty if it could.
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
  token = StripWhitespace(token);
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
  tokens.entries_.push_back({DigestOf(token), ""});
  return tokens;
}

absl::StatusOr<BearerTokens> BearerTokens::FromFile(const std::string& path, Names names) {
  const auto lines = CredentialLine::ReadFile(path);
  if (!lines.ok()) return lines.status();
  BearerTokens tokens;
  for (const CredentialLine& line : *lines) {
    const bool named = names == Names::kAllowed && !line.name.empty();
    absl::StatusOr<BearerTokens> one = FromToken(named ? line.value : line.whole);
    if (!one.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' line ", line.number, ": ", one.status().message()));
    }
    tokens.entries_.push_back({one->entries_.front().digest, named ? line.name : ""});
    // Who presents a whole line of a file of the same form.
    if (named) tokens.entries_.push_back({DigestOf(line.whole), line.name});
  }
  if (!tokens.required()) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' has no token; write one a line"));
  }
  return tokens;
}

absl::StatusOr<CredentialLine> BearerTokens::FirstInFile(const std::string& path) {
  absl::StatusOr<BearerTokens> tokens = FromFile(path, Names::kAllowed);
  if (!tokens.ok()) return tokens.status();
  const auto lines = CredentialLine::ReadFile(path);
  if (!lines.ok()) return lines.status();
  return lines->front();
}

std::optional<std::string> BearerTokens::NameOf(std::string_view presented) const {
  const Digest digest = DigestOf(presented);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) found = &entry;
  }
  return found ? std::optional(found->name) : std::nullopt;
}

}  // namespace cairn
