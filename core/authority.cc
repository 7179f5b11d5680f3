#include "core/authority.h"

#include <absl/strings/match.h>
#include <absl/strings/strip.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <utility>

#include "base/pem.h"

namespace cairn::core {
namespace {

struct Allowed {
  bool edge = false;
  bool operate = false;
  bool view = false;
  std::string edge_name;
};

bool IsNamed(absl::string_view name, absl::string_view kind) {
  return name == kind || (absl::ConsumePrefix(&name, kind) && absl::StartsWith(name, "."));
}

bool Allows(const Allowed& allowed, Capability wanted) {
  switch (wanted) {
    case Capability::kOpenLane:
      return allowed.edge;
    case Capability::kView:
      return allowed.view || allowed.operate;
    case Capability::kOperate:
      return allowed.operate;
  }
  return false;
}

void AddCertificate(const std::string& name, const std::optional<AllowedNames>& certificates,
                    Allowed& allowed) {
  const std::string* bound_to = certificates ? certificates->Find(name) : nullptr;
  if (certificates && !bound_to) return;
  // A name that is bound to an edge is an edge's, whatever it looks like.
  const bool is_edge = IsNamed(name, "edge") || (bound_to && !bound_to->empty());
  if (is_edge && bound_to && allowed.edge_name.empty()) allowed.edge_name = *bound_to;
  allowed.edge = allowed.edge || is_edge;
  allowed.operate = allowed.operate || IsNamed(name, "operator");
  allowed.view = allowed.view || IsNamed(name, "viewer");
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

absl::Status Authority::Check(const Credentials& credentials, Capability wanted,
                              Caller* caller) const {
  const std::shared_ptr<const AuthorityTokens> tokens = tokens_.Get();
  if (!tokens->any() && !mutual_tls_) return absl::OkStatus();
  const std::shared_ptr<const CertificateRules> certificates = certificates_.Get();
  if (certificates && certificates->revoked &&
      certificates->revoked->Revokes(credentials.certificate_chain))
    return absl::UnauthenticatedError("the certificate has been revoked");
  Allowed allowed;
  const auto name_of = [&](const BearerTokens& set) -> std::optional<std::string> {
    if (!set.required() || credentials.bearer_token.empty()) return std::nullopt;
    return set.NameOf(credentials.bearer_token);
  };
  if (const auto name = name_of(tokens->edge)) {
    allowed.edge = true;
    allowed.edge_name = *name;
  }
  allowed.operate = name_of(tokens->operators).has_value();
  allowed.view = name_of(tokens->viewers).has_value();
  if (mutual_tls_) {
    for (const std::string& name : credentials.certificate_names)
      AddCertificate(name, tokens->certificates, allowed);
  }
  if (Allows(allowed, wanted)) {
    if (caller) caller->edge = allowed.edge_name;
    return absl::OkStatus();
  }
  const std::string text = std::string("this call needs ") + Wanted(wanted);
  if (allowed.edge || allowed.operate || allowed.view) return absl::PermissionDeniedError(text);
  return absl::UnauthenticatedError(text);
}

// ---- leases

Authority::Lease& Authority::Lease::operator=(Lease&& other) noexcept {
  if (authority_) authority_->Release(number_);
  authority_ = std::exchange(other.authority_, nullptr);
  number_ = other.number_;
  return *this;
}

Authority::Lease::~Lease() {
  if (authority_) authority_->Release(number_);
}

Authority::Lease Authority::Hold(Credentials credentials, Capability wanted,
                                 std::function<void(absl::Status)> end) {
  Caller caller;
  const absl::Status before = Check(credentials, wanted, &caller);
  const auto held = std::make_shared<const Held>(
      Held{std::move(credentials), wanted, std::move(caller.edge), std::move(end)});
  uint64_t number = 0;
  {
    MutexLock lock(mu_);
    number = ++last_number_;
    held_.emplace(number, held);
  }
  Lease lease(this, number);
  // The token may have been revoked before the call was registered.
  const absl::Status now = before.ok() ? CheckHeld(*held) : before;
  if (!now.ok()) held->end(now);
  return lease;
}

void Authority::Release(uint64_t number) {
  std::shared_ptr<const Held> last;  // destroyed without the lock
  MutexLock lock(mu_);
  const auto it = held_.find(number);
  if (it == held_.end()) return;
  last = std::move(it->second);
  held_.erase(it);
}

absl::Status Authority::CheckHeld(const Held& held) const {
  Caller caller;
  if (absl::Status status = Check(held.credentials, held.wanted, &caller); !status.ok())
    return status;
  if (caller.edge != held.edge)
    return absl::UnauthenticatedError("the credential is bound to another edge's name by now");
  return absl::OkStatus();
}

size_t Authority::EndHeld(const std::function<absl::Status(const Held&)>& judge) {
  std::vector<std::shared_ptr<const Held>> all;
  {
    MutexLock lock(mu_);
    for (auto it = held_.begin(); it != held_.end(); ++it) all.push_back(it->second);
  }
  size_t ended = 0;
  for (const auto& held : all) {
    const absl::Status status = judge(*held);
    if (status.ok()) continue;
    ++ended;
    held->end(status);
  }
  return ended;
}

size_t Authority::SetTokens(AuthorityTokens tokens) {
  tokens_.Set(std::make_shared<const AuthorityTokens>(std::move(tokens)));
  return EndHeld([this](const Held& held) { return CheckHeld(held); });
}

size_t Authority::SetCertificates(CertificateRules rules) {
  const std::string ca = rules.ca;
  certificates_.Set(std::make_shared<const CertificateRules>(std::move(rules)));
  return EndHeld([this, &ca](const Held& held) {
    const std::string& chain = held.credentials.certificate_chain;
    if (chain.empty() || !PathToAuthority(chain, ca).empty()) return CheckHeld(held);
    return absl::UnauthenticatedError("the certificate is not of the CA that is in use by now");
  });
}

absl::Status Authority::CheckCall(const grpc::ServerContextBase& context, Capability wanted,
                                  Caller* caller) const {
  absl::Status status = Check(CredentialsOf(context), wanted, caller);
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
  // On a server, OpenSSL's chain of the peer does not contain the peer's own certificate.
  for (const char* property :
       {GRPC_X509_PEM_CERT_PROPERTY_NAME, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME}) {
    for (const grpc::string_ref& text : auth->FindPropertyValues(property))
      credentials.certificate_chain.append(text.data(), text.size());
  }
  return credentials;
}

}  // namespace cairn::core
