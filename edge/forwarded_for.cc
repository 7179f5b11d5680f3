#include "edge/forwarded_for.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <string>

namespace cairn::edge {
namespace {

// Generous: a longer text cannot be an address: "[" INET6_ADDRSTRLEN "]:65535".
constexpr size_t kMaxEntryBytes = 64;

std::string_view WithoutBlanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// In the form that SocketAddress::Parse() accepts.
std::string WithPort(std::string_view entry) {
  const absl::string_view text(entry.data(), entry.size());
  if (entry.front() == '[')
    return entry.back() == ']' ? absl::StrCat(text, ":0") : std::string(entry);
  switch (std::count(entry.begin(), entry.end(), ':')) {
    case 0:
      return absl::StrCat(text, ":0");
    case 1:
      return std::string(entry);
    default:
      return absl::StrCat("[", text, "]:0");
  }
}

std::optional<SocketAddress> ParseEntry(std::string_view entry) {
  entry = WithoutBlanks(entry);
  if (entry.empty() || entry.size() > kMaxEntryBytes) return std::nullopt;
  if (entry.find_first_not_of("0123456789abcdefABCDEF.:[]") != entry.npos) return std::nullopt;
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(WithPort(entry));
  if (!address.ok()) return std::nullopt;
  return *address;
}

}  // namespace

SocketAddress ForwardedClient(std::span<const std::string_view> values, const SocketAddress& peer,
                              const CidrSet& trusted) {
  SocketAddress client = peer;
  for (size_t left = values.size(); left > 0; --left) {
    std::string_view value = values[left - 1];
    for (bool is_last = false; !is_last;) {
      if (!trusted.Contains(client)) return client;
      const size_t comma = value.rfind(',');
      is_last = comma == value.npos;
      const std::optional<SocketAddress> entry = ParseEntry(value.substr(is_last ? 0 : comma + 1));
      if (!entry) return client;
      client = *entry;
      if (!is_last) value.remove_suffix(value.size() - comma);
    }
  }
  return client;
}

}  // namespace cairn::edge
