// Authority: who may do what on the core's gRPC port.
//
// Three kinds of caller with credentials of their own: an edge opens lanes, an operator steers, a
// viewer looks. None may do another's: an edge cannot disconnect a peer, an operator cannot pose as
// an edge.
//
// Thread: any. Immutable after construction but for the tokens, which can be replaced.
// Errors: UNAUTHENTICATED without a credential that is known, PERMISSION_DENIED with one of another
// kind.
#ifndef CAIRN_CORE_AUTHORITY_H_
#define CAIRN_CORE_AUTHORITY_H_

#include <absl/status/status.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bearer_tokens.h"
#include "base/reloadable.h"

namespace grpc {
class ServerContextBase;
}

namespace cairn::core {

enum class Capability { kOpenLane, kView, kOperate };

// What a call presents: taken from its metadata and its TLS certificate by the adapter.
struct Credentials {
  std::string bearer_token;
  // Subject alternative names (DNS) and common name of a verified client certificate.
  std::vector<std::string> certificate_names;
};

struct AuthorityTokens {
  BearerTokens edge, operators, viewers;
  bool any() const { return edge.required() || operators.required() || viewers.required(); }
};

class Authority {
 public:
  // With neither tokens nor mutual TLS everybody may do everything: for ports that only this
  // machine reaches. With mutual TLS a certificate's names give its kind: "edge", "operator" or
  // "viewer", or such a word before a dot.
  Authority(AuthorityTokens tokens, bool mutual_tls);

  void SetTokens(AuthorityTokens tokens);
  absl::Status Check(const Credentials& credentials, Capability wanted) const;

  // Told of each call whose credential is known, by its peer as gRPC names it. Before calls come.
  void OnKnown(std::function<void(const std::string& peer)> on_known) {
    on_known_ = std::move(on_known);
  }
  absl::Status CheckCall(const grpc::ServerContextBase& context, Capability wanted) const;

 private:
  const bool mutual_tls_;
  std::function<void(const std::string& peer)> on_known_;
  Reloadable<AuthorityTokens> tokens_;
};

// The token in the value of an Authorization header; empty if there is none.
std::string BearerTokenOf(std::string_view authorization);

Credentials CredentialsOf(const grpc::ServerContextBase& context);

}  // namespace cairn::core

#endif  // CAIRN_CORE_AUTHORITY_H_
