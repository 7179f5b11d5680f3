// Authority: which caller may do what on the core's gRPC port.
//
// Three kinds of caller with credentials of their own: an edge opens lanes, an operator steers, a
// viewer looks. None may do another's: an edge cannot disconnect a peer, an operator cannot pose as
// an edge. A call that goes on for long holds a lease, and is ended when its credential is taken
// away.
//
// Thread: any.
// Errors: UNAUTHENTICATED without a credential that is known, PERMISSION_DENIED with one of another
// kind.
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
  // That certificate and those that came with it, as PEM.
  std::string certificate_chain;
};

// Who is behind a call that is allowed.
struct Caller {
  // The edge's name that the credential is bound to; empty: none.
  std::string edge;
};

struct AuthorityTokens {
  BearerTokens edge, operators, viewers;
  // Absent: every certificate of the CA that is named as below.
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
  // `end` is called, on any thread, at most once and at the earliest before this returns, when what
  // the call was allowed by is no longer good. It may come after the lease has ended.
  Lease Hold(Credentials credentials, Capability wanted, std::function<void(absl::Status)> end);

  // What counts from now on. How many calls that has ended.
  size_t SetTokens(AuthorityTokens tokens);
  // The CA of callers has changed: certificates must come from it.
  size_t SetCertificateAuthority(const std::string& pem);

  // Told of each call whose credential is known, by its peer as gRPC names it. Before calls come.
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
  // Whether the call is allowed as it was.
  absl::Status CheckHeld(const Held& held) const;
  // Ends the calls for which judge() has an error.
  size_t EndHeld(const std::function<absl::Status(const Held&)>& judge);

  const bool mutual_tls_;
  std::function<void(const std::string& peer)> on_known_;
  Reloadable<AuthorityTokens> tokens_;

  Mutex mu_;
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, std::shared_ptr<const Held>> held_ ABSL_GUARDED_BY(mu_);
};

// The token in the value of an Authorization header; empty if there is none.
std::string BearerTokenOf(std::string_view authorization);

Credentials CredentialsOf(const grpc::ServerContextBase& context);
// The same with what only a lease needs.
Credentials CredentialsToHold(const grpc::ServerContextBase& context);

}  // namespace cairn::core

#endif  // CAIRN_CORE_AUTHORITY_H_
