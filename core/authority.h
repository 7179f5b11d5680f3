// Authority: which caller may do what on the core's gRPC port.
//
// There are three kinds of callers, each with its own credentials: an edge opens lanes, an operator
// changes things, a viewer reads. None can act as another: an edge cannot disconnect a peer, an
// operator cannot pose as an edge. A long call holds a lease, and is ended when its credential is
// revoked.
//
// Owner:  GrpcServer.
// Thread: any.
// Errors: UNAUTHENTICATED without a known credential, PERMISSION_DENIED with a credential of
//         another kind.
#ifndef CAIRN_CORE_AUTHORITY_H_
#define CAIRN_CORE_AUTHORITY_H_

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bearer_tokens.h"
#include "base/reloadable.h"
#include "base/revocation_list.h"
#include "base/thread_annotations.h"
#include "core/allowed_names.h"

namespace grpc {
class ServerContextBase;
}

namespace cairn::core {

enum class Capability { kOpenLane, kView, kOperate };

// The credentials of a call: the adapter takes them from its metadata and TLS certificate.
struct Credentials {
  std::string bearer_token;
  // Subject alternative names (DNS) and common name of a verified client certificate.
  std::vector<std::string> certificate_names;
  // The client certificate and its intermediates, verified, as PEM.
  std::string certificate_chain;
};

// The caller of an allowed call.
struct Caller {
  // The edge's name that the credential is bound to; empty: none.
  std::string edge;
};

// Whose certificates are accepted, beyond what the TLS handshake has checked.
struct CertificateRules {
  std::string ca;                                 // as PEM
  std::shared_ptr<const RevocationList> revoked;  // null: none is
};

struct AuthorityTokens {
  BearerTokens edge, operators, viewers;
  // Absent: every certificate of the CA that is named as described below.
  std::optional<AllowedNames> certificates;
  bool any() const { return edge.required() || operators.required() || viewers.required(); }
};

class Authority {
 public:
  // Without tokens and mutual TLS every caller may do everything: for ports that only this machine
  // can reach. With mutual TLS a name in the certificate tells the kind: "edge", "operator" or
  // "viewer", or such a word followed by a dot.
  Authority(AuthorityTokens tokens, bool mutual_tls);

  absl::Status Check(const Credentials& credentials, Capability wanted,
                     Caller* caller = nullptr) const;

  // Ends with the call.
  class Lease {
   public:
    Lease() = default;
    Lease(Authority* authority, uint64_t number) : authority_(authority), number_(number) {}
    Lease(Lease&& other) noexcept
        : authority_(std::exchange(other.authority_, nullptr)), number_(other.number_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

   private:
    Authority* authority_ = nullptr;
    uint64_t number_ = 0;
  };
  // `end` is called, on any thread and at most once, when the credential of the call is no longer
  // valid; possibly before this returns, possibly after the lease has ended.
  Lease Hold(Credentials credentials, Capability wanted, std::function<void(absl::Status)> end);

  // The tokens from now on. Returns how many calls this has ended.
  size_t SetTokens(AuthorityTokens tokens);
  // The same for certificates.
  size_t SetCertificates(CertificateRules rules);

  // Called for each call with a known credential, with its peer as gRPC names it. Must be set
  // before the first call.
  void OnKnown(std::function<void(const std::string& peer)> on_known) {
    on_known_ = std::move(on_known);
  }
  absl::Status CheckCall(const grpc::ServerContextBase& context, Capability wanted,
                         Caller* caller = nullptr) const;

 private:
  struct Held {
    Credentials credentials;
    Capability wanted;
    std::string edge;  // Caller::edge
    std::function<void(absl::Status)> end;
  };

  void Release(uint64_t number);
  // Whether the call is still allowed, for the same edge.
  absl::Status CheckHeld(const Held& held) const;
  // Ends the calls for which judge() returns an error.
  size_t EndHeld(const std::function<absl::Status(const Held&)>& judge);

  const bool mutual_tls_;
  std::function<void(const std::string& peer)> on_known_;
  Reloadable<AuthorityTokens> tokens_;
  Reloadable<CertificateRules> certificates_{nullptr};  // null: no rules

  Mutex mu_;
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, std::shared_ptr<const Held>> held_ ABSL_GUARDED_BY(mu_);
};

// The token in the value of an Authorization header; empty if there is none.
std::string BearerTokenOf(std::string_view authorization);

Credentials CredentialsOf(const grpc::ServerContextBase& context);

}  // namespace cairn::core

#endif  // CAIRN_CORE_AUTHORITY_H_
