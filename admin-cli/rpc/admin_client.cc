#include "admin-cli/rpc/admin_client.h"

#include <absl/status/status.h>
#include <absl/time/clock.h>
#include <fmt/format.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "admin-cli/rpc/core_address.h"
#include "admin-cli/rpc/secrets.h"
#include "base/pem.h"
#include "signaling/v1/admin.grpc.pb.h"

namespace cairn::admin {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(100);
constexpr int kMaxReceiveBytes = 64 << 20;
// While watching, a dead core is noticed within the sum of both. The core allows one ping a second.
constexpr int kKeepaliveMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 5'000;
constexpr int kMaxReconnectBackoffMs = 1'000;

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

std::chrono::system_clock::time_point After(absl::Duration duration) {
  return absl::ToChronoTime(absl::Now() + std::min(duration, absl::Hours(24 * 365)));
}

grpc::ChannelArguments Arguments(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  // The core is inside the deployment: no web proxy from the environment, and no service
  // configuration from DNS TXT records.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (!options.tls_server_name.empty()) arguments.SetSslTargetNameOverride(options.tls_server_name);
  return arguments;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ConnectionOptions& options) {
  if (!options.wants_tls()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  const struct {
    const char* option;
    const std::string& path;
    std::string& into;
  } files[] = {{"tls-ca", options.tls_ca, tls.pem_root_certs},
               {"tls-cert", options.tls_cert, tls.pem_cert_chain},
               {"tls-key", options.tls_key, tls.pem_private_key}};
  for (const auto& file : files) {
    absl::StatusOr<std::string> pem = LoadFile(file.option, file.path);
    if (!pem.ok()) return pem.status();
    if (!file.path.empty() && pem->find("-----BEGIN") == pem->npos) {
      return absl::InvalidArgumentError(
          fmt::format("--{}: '{}' is not a PEM file", file.option, file.path));
    }
    file.into = *std::move(pem);
  }
  // gRPC would prompt for the passphrase of a key, and report any other problem only as a failed
  // connection.
  if (!options.tls_ca.empty()) {
    if (const auto ca = LoadPemAuthority(options.tls_ca); !ca.ok())
      return absl::InvalidArgumentError(
          fmt::format("--tls-ca: {}", std::string(ca.status().message())));
  }
  if (!options.tls_cert.empty()) {
    if (const auto ours = PemIdentity::Load(options.tls_cert, options.tls_key); !ours.ok())
      return absl::InvalidArgumentError(
          fmt::format("--tls-cert, --tls-key: {}", std::string(ours.status().message())));
  }
  return grpc::SslCredentials(tls);
}

}  // namespace

struct AdminClient::Parts {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Admin::Stub> stub;
  std::string token;
  std::string core_id;  // "": of the core at the other end of the channel
  absl::Duration timeout;
  std::function<bool()> stop;

  absl::Status Connect() const;
  void Authorize(grpc::ClientContext& context) const;
  // Waits for the operation that was last given to `queue`; returns its outcome. Cancels the call
  // on `stop` and after `patience`.
  bool Await(grpc::CompletionQueue& queue, grpc::ClientContext& context,
             absl::Duration patience) const;

  template <typename Response, typename Request, typename Start>
  absl::StatusOr<Response> Unary(Start start, const Request& request) const;
  template <typename Response, typename Request, typename Start>
  absl::Status Stream(Start start, const Request& request, const Each<Response>& each,
                      absl::Duration patience) const;
};

// Waits until the channel has connected or failed; the call itself then reports what is wrong.
absl::Status AdminClient::Parts::Connect() const {
  const absl::Time end = absl::Now() + timeout;
  for (;;) {
    const grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
    if (state != GRPC_CHANNEL_IDLE && state != GRPC_CHANNEL_CONNECTING) return absl::OkStatus();
    if (stop()) return absl::CancelledError();
    if (absl::Now() >= end) return absl::DeadlineExceededError("no connection");
    channel->WaitForStateChange(state, After(std::min(kSlice, end - absl::Now())));
  }
}

void AdminClient::Parts::Authorize(grpc::ClientContext& context) const {
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  if (!core_id.empty()) context.AddMetadata("cairn-core", core_id);
}

bool AdminClient::Parts::Await(grpc::CompletionQueue& queue, grpc::ClientContext& context,
                               absl::Duration patience) const {
  const absl::Time end = absl::Now() + patience;
  void* tag = nullptr;
  bool ok = false;
  while (queue.AsyncNext(&tag, &ok, After(kSlice)) == grpc::CompletionQueue::TIMEOUT) {
    if (stop() || absl::Now() >= end) context.TryCancel();
  }
  return ok;
}

template <typename Response, typename Request, typename Start>
absl::StatusOr<Response> AdminClient::Parts::Unary(Start start, const Request& request) const {
  if (absl::Status status = Connect(); !status.ok()) return status;
  // The order of declarations matters: the call must be destroyed before its queue.
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  Authorize(context);
  context.set_deadline(After(timeout));
  const auto call = (stub.get()->*start)(&context, request, &queue);
  Response response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  Await(queue, context, absl::InfiniteDuration());
  if (!status.ok()) return FromGrpc(status);
  return response;
}

template <typename Response, typename Request, typename Start>
absl::Status AdminClient::Parts::Stream(Start start, const Request& request,
                                        const Each<Response>& each, absl::Duration patience) const {
  if (absl::Status connected = Connect(); !connected.ok()) return connected;
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  Authorize(context);
  const auto call = (stub.get()->*start)(&context, request, &queue, nullptr);
  const absl::Time begun = absl::Now();
  Await(queue, context, patience);
  Response response;
  bool enough = false;
  absl::Time last = begun;
  for (;;) {
    call->Read(&response, nullptr);
    if (!Await(queue, context, patience)) break;
    last = absl::Now();
    if (!enough && !each(response)) {
      enough = true;
      context.TryCancel();
    }
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue, context, patience);
  if (enough) return absl::OkStatus();
  const bool out_of_patience = absl::Now() - last >= patience;
  if (status.error_code() == grpc::StatusCode::CANCELLED && out_of_patience && !stop()) {
    return absl::DeadlineExceededError("no answer");
  }
  return FromGrpc(status);
}

AdminClient::AdminClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
AdminClient::~AdminClient() = default;

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Create(const ConnectionOptions& options,
                                                                 std::function<bool()> stop) {
  // gRPC would write to stderr; the status says the same.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const absl::StatusOr<CoreAddress> address = CoreAddress::Parse(options.core);
  if (!address.ok())
    return absl::InvalidArgumentError("--core: " + std::string(address.status().message()));
  absl::StatusOr<std::string> token = LoadToken("token", options.token, options.token_file);
  if (!token.ok()) return token.status();
  if (!token->empty() && !address->is_local && !options.wants_tls() && !options.insecure) {
    return absl::InvalidArgumentError(fmt::format(
        "the token would cross the network to {} in the clear: give --tls-ca, or --insecure",
        options.core));
  }
  const auto credentials = Credentials(options);
  if (!credentials.ok()) return credentials.status();
  auto parts = std::make_unique<Parts>();
  parts->channel = grpc::CreateCustomChannel(address->target, *credentials, Arguments(options));
  parts->stub = v1::Admin::NewStub(parts->channel);
  parts->token = *std::move(token);
  parts->timeout = options.timeout;
  parts->stop = std::move(stop);
  return std::unique_ptr<AdminClient>(new AdminClient(std::move(parts)));
}

std::unique_ptr<AdminClient> AdminClient::ForCore(const std::string& core_id,
                                                  std::function<bool()> stop) const {
  auto parts = std::make_unique<Parts>();
  parts->channel = parts_->channel;
  parts->stub = v1::Admin::NewStub(parts->channel);
  parts->token = parts_->token;
  parts->core_id = core_id;
  parts->timeout = parts_->timeout;
  parts->stop = std::move(stop);
  return std::unique_ptr<AdminClient>(new AdminClient(std::move(parts)));
}

namespace {

// The method of the stub that begins the call of a request.
template <typename Request>
struct Method;
#define CAIRN_ADMIN_METHOD(Name, Answer)                          \
  template <>                                                     \
  struct Method<v1::Name##Request> {                              \
    static constexpr auto kBegin = &v1::Admin::Stub::Async##Name; \
  };
CAIRN_ADMIN_CALLS(CAIRN_ADMIN_METHOD)
CAIRN_ADMIN_CALLS_OF_ONE_CORE(CAIRN_ADMIN_METHOD)
CAIRN_ADMIN_LISTS(CAIRN_ADMIN_METHOD)
CAIRN_ADMIN_FEEDS(CAIRN_ADMIN_METHOD)
#undef CAIRN_ADMIN_METHOD

template <typename Request>
constexpr bool kIsFeed = false;
#define CAIRN_ADMIN_FEED(Name, Answer) \
  template <>                          \
  constexpr bool kIsFeed<v1::Name##Request> = true;
CAIRN_ADMIN_FEEDS(CAIRN_ADMIN_FEED)
#undef CAIRN_ADMIN_FEED

}  // namespace

template <typename Request>
absl::StatusOr<AnswerTo<Request>> AdminClient::Call(const Request& request) {
  return parts_->Unary<AnswerTo<Request>>(Method<Request>::kBegin, request);
}

template <typename Request>
absl::Status AdminClient::Stream(const Request& request, const Each<AnswerTo<Request>>& each) {
  return parts_->Stream<AnswerTo<Request>>(
      Method<Request>::kBegin, request, each,
      kIsFeed<Request> ? absl::InfiniteDuration() : parts_->timeout);
}

#define CAIRN_ADMIN_CALL(Name, Answer) \
  template absl::StatusOr<v1::Answer> AdminClient::Call(const v1::Name##Request&);
CAIRN_ADMIN_CALLS(CAIRN_ADMIN_CALL)
CAIRN_ADMIN_CALLS_OF_ONE_CORE(CAIRN_ADMIN_CALL)
#undef CAIRN_ADMIN_CALL
#define CAIRN_ADMIN_STREAM(Name, Answer) \
  template absl::Status AdminClient::Stream(const v1::Name##Request&, const Each<v1::Answer>&);
CAIRN_ADMIN_LISTS(CAIRN_ADMIN_STREAM)
CAIRN_ADMIN_FEEDS(CAIRN_ADMIN_STREAM)
#undef CAIRN_ADMIN_STREAM

}  // namespace cairn::admin
