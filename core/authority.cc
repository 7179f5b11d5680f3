#include "core/authority.h"

#include <absl/strings/match.h>
#include <absl/strings/strip.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <utility>

namespace cairn::core {
namespace {

struct Held {
  bool edge = false;
  bool operate = false;
  bool view = false;
};

bool IsNamed(absl::string_view name, absl::string_view kind) {
  return name == kind || (absl::ConsumePrefix(&name, kind) && absl::StartsWith(name, "."));
}

bool Allows(const Held& held, Capability wanted) {
  switch (wanted) {
    case Capability::kOpenLane:
      return held.edge;
    case Capability::kView:
      return held.view || held.operate;
    case Capability::kOperate:
      return held.operate;
  }
  return false;
}

const char* Wanted(Capability capability) {
  switch (capability) {
    case Capability::kOpenLane:
      return "an edge's credential";
    case Capability::kView:
      return "an operator's or a viewer's credential";
    case Capability::kOperate:
      return "an operator's credential";
  }
  return "";
}

}  // namespace

Authority::Authority(AuthorityTokens tokens, bool mutual_tls)
    : mutual_tls_(mutual_tls),
      tokens_(std::make_shared<const AuthorityTokens>(std::move(tokens))) {}

void Authority::SetTokens(AuthorityTokens tokens) {
  tokens_.Set(std::make_shared<const AuthorityTokens>(std::move(tokens)));
}

absl::Status Authority::Check(const Credentials& credentials, Capability wanted) const {
  const std::shared_ptr<const AuthorityTokens> tokens = tokens_.Get();
  if (!tokens->any() && !mutual_tls_) return absl::OkStatus();
  Held held;
  const auto matches = [&](const BearerTokens& set) {
    return set.required() && !credentials.bearer_token.empty() &&
           set.Matches(credentials.bearer_token);
  };
  held.edge = matches(tokens->edge);
  held.operate = matches(tokens->operators);
  held.view = matches(tokens->viewers);
  if (mutual_tls_) {
    for (const std::string& name : credentials.certificate_names) {
      held.edge = held.edge || IsNamed(name, "edge");
      held.operate = held.operate || IsNamed(name, "operator");
      held.view = held.view || IsNamed(name, "viewer");
    }
  }
  if (Allows(held, wanted)) return absl::OkStatus();
  const std::string text = std::string("this call needs ") + Wanted(wanted);
  if (held.edge || held.operate || held.view) return absl::PermissionDeniedError(text);
  return absl::UnauthenticatedError(text);
}

absl::Status Authority::CheckCall(const grpc::ServerContextBase& context, Capability wanted) const {
  const absl::Status status = Check(CredentialsOf(context), wanted);
  if (on_known_ && !absl::IsUnauthenticated(status)) on_known_(context.peer());
  return status;
}

std::string BearerTokenOf(std::string_view authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase({authorization.data(), authorization.size()}, kScheme)) return {};
  return std::string(authorization.substr(kScheme.size()));
}

Credentials CredentialsOf(const grpc::ServerContextBase& context) {
  Credentials credentials;
  const auto& metadata = context.client_metadata();
  if (const auto it = metadata.find("authorization"); it != metadata.end()) {
    credentials.bearer_token = BearerTokenOf({it->second.data(), it->second.size()});
  }
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (!auth || !auth->IsPeerAuthenticated()) return credentials;
  for (const char* property : {GRPC_X509_CN_PROPERTY_NAME, GRPC_PEER_DNS_PROPERTY_NAME}) {
    for (const grpc::string_ref& name : auth->FindPropertyValues(property)) {
      credentials.certificate_names.emplace_back(name.data(), name.size());
    }
  }
  return credentials;
}

}  // namespace cairn::core
