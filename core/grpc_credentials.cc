#include "core/grpc_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <string>
#include <utility>

#include "base/thread_annotations.h"

namespace cairn::core {
namespace {

class ReloadableCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadableCredentials(std::shared_ptr<ReloadableTls> tls) : tls_(std::move(tls)) {
    grpc_ssl_server_credentials_options* options =
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Fetch, this);
    credentials_ = grpc_ssl_server_credentials_create_with_options(options);
  }
  ~ReloadableCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // Called at each handshake, under a lock of gRPC's; the result is kept until the files change.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto& credentials = *static_cast<ReloadableCredentials*>(self);
    std::shared_ptr<const GrpcTls> tls = credentials.tls_->Get();
    MutexLock lock(credentials.mu_);
    if (tls == credentials.in_use_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    grpc_ssl_pem_key_cert_pair pair = {tls->key.c_str(), tls->cert.c_str()};
    *config = grpc_ssl_server_certificate_config_create(tls->ca.c_str(), &pair, 1);
    credentials.in_use_ = std::move(tls);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  // Immutable after construction.
  const std::shared_ptr<ReloadableTls> tls_;
  grpc_server_credentials* credentials_;
  Mutex mu_;
  std::shared_ptr<const GrpcTls> in_use_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> NewReloadableCredentials(
    std::shared_ptr<ReloadableTls> tls) {
  return std::make_shared<ReloadableCredentials>(std::move(tls));
}

}  // namespace cairn::core
