#include "core/nats_greeting.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>

namespace cairn::core {
namespace {

namespace json = boost::json;

bool Flag(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

}  // namespace

absl::StatusOr<NatsInfo> ParseNatsInfo(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse({text.data(), text.size()}, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  if (!object) return absl::InvalidArgumentError("its INFO is not a JSON object");
  NatsInfo info;
  if (const json::value* nonce = object->if_contains("nonce"); nonce && nonce->is_string()) {
    const json::string& bytes = nonce->get_string();
    info.nonce.assign(bytes.data(), bytes.size());
  }
  info.tls_required = Flag(*object, "tls_required");
  info.tls = info.tls_required || Flag(*object, "tls_available");
  info.headers = Flag(*object, "headers");
  info.lame_duck = Flag(*object, "ldm");
  if (const json::value* most = object->if_contains("max_payload"); most && most->is_int64())
    info.max_payload = most->get_int64();
  return info;
}

std::string NatsConnect(const NatsIntroduction& who) {
  json::object object{{"verbose", false},       {"pedantic", false}, {"echo", false},
                      {"headers", true},        {"protocol", 1},     {"no_responders", true},
                      {"lang", "cairn-signal"}, {"version", "1"},    {"name", who.name},
                      {"tls_required", who.tls}};
  if (!who.nkey.empty()) object["nkey"] = who.nkey;
  if (!who.jwt.empty()) object["jwt"] = who.jwt;
  if (!who.signature.empty()) object["sig"] = who.signature;
  return absl::StrCat("CONNECT ", json::serialize(object), "\r\n");
}

}  // namespace cairn::core
