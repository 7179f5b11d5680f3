#include "server/option_values.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/machine_limits.h"
#include "proto/wire/utf8.h"

namespace cairn::server {
namespace {

// One loop relays some hundred thousand frames a second; the other half of the machine is for the
// kernel's work.
constexpr int kMaxDefaultThreads = 8;

}  // namespace

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && wire::IsUtf8(text);
}

bool IsSubjectToken(std::string_view text) {
  constexpr size_t kMaxBytes = 32;
  return !text.empty() && text.size() <= kMaxBytes &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

std::string WhyNoCount(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (digits && text.size() < 20 && (text == "0" || text[0] != '0')) return "";
  return absl::StrCat("'", absl::CHexEscape(text), "' is not a number such as 0, 8 or 1000");
}

std::string WhyEmpty(const std::string& text) {
  return text.empty() ? "it is empty: give a value, or leave it out" : "";
}

int DefaultThreads() { return std::clamp(UsableProcessors() / 2, 1, kMaxDefaultThreads); }

std::string HostName() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return IsName(host) ? host : "localhost";
}

std::string DefaultEdgeName(uint16_t port) {
  return absl::StrCat(HostName(), "-", getpid() == 1 ? int{port} : getpid());
}

}  // namespace cairn::server
