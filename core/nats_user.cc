#include "core/nats_user.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <optional>

#include "base/text_file.h"
#include "core/nkey.h"

namespace cairn::core {
namespace {

constexpr std::string_view kJwtBegin = "-----BEGIN NATS USER JWT-----";
constexpr std::string_view kSeedBegin = "-----BEGIN USER NKEY SEED-----";

// The text between a line that begins with `begin` and the next one of dashes.
std::optional<std::string> Section(const std::string& text, std::string_view begin) {
  const size_t at = text.find(begin.data(), 0, begin.size());
  if (at == std::string::npos) return std::nullopt;
  const size_t first = at + begin.size();
  const size_t end = text.find("---", first);
  if (end == std::string::npos) return std::nullopt;
  std::string section = text.substr(first, end - first);
  absl::StripAsciiWhitespace(&section);
  return section;
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::string(status.message())));
}

}  // namespace

absl::StatusOr<NatsUser> NatsUser::Read(const NatsOptions& options) {
  NatsUser user;
  const std::string& path =
      options.nkey_file.empty() ? options.credentials_file : options.nkey_file;
  if (path.empty()) return user;
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  if (options.nkey_file.empty()) {
    std::optional<std::string> jwt = Section(*text, kJwtBegin);
    std::optional<std::string> seed = Section(*text, kSeedBegin);
    OPENSSL_cleanse(text->data(), text->size());
    if (!jwt || !seed)
      return InFile(path, absl::InvalidArgumentError(
                              "not a credentials file of NATS: it has a JWT and a seed, each "
                              "behind a line that begins with -----BEGIN"));
    user.jwt_ = *std::move(jwt);
    user.seed_ = *std::move(seed);
  } else {
    user.seed_ = *std::move(text);
  }
  absl::StatusOr<std::string> key = PublicNkey(user.seed_);
  if (!key.ok()) return InFile(path, key.status());
  if (user.jwt_.empty()) user.nkey_ = *std::move(key);
  return user;
}

NatsUser::~NatsUser() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

absl::StatusOr<std::string> NatsUser::Sign(std::string_view nonce) const {
  const absl::StatusOr<std::string> signature = SignWithNkey(seed_, nonce);
  if (!signature.ok()) return signature.status();
  std::string text = absl::WebSafeBase64Escape(*signature);
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

}  // namespace cairn::core
