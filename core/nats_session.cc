#include "core/nats_session.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <string_view>
#include <utility>

#include "base/host_port.h"

namespace cairn::core {
namespace {

// A server that hangs is left after two of these (the server does the same with a core).
constexpr int kPingIntervalMs = 500;
constexpr int kMaxPingsOut = 2;
// nats.c blocks for so long, then publishes fail until the pings have closed the connection.
constexpr int kWriteDeadlineMs = 200;
constexpr int kConnectTimeoutMs = 1000;
// Of what is read at once, and of what is written at once: a message that fits takes one write.
constexpr int kIoBytes = 256 << 10;

absl::Status Failed(const std::string& what, natsStatus status) {
  const char* more = nats_GetLastError(nullptr);
  return absl::UnavailableError(absl::StrCat(
      what, ": ", more != nullptr && *more != '\0' ? more : natsStatus_GetText(status)));
}

std::string Hex(uint64_t id) { return absl::StrFormat("%016x", id); }

using Made = std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)>;

natsStatus SetTls(natsOptions* made, const std::string& host, const NatsOptions& options) {
  natsStatus status = natsOptions_SetSecure(made, true);
  if (status == NATS_OK) status = natsOptions_SetExpectedHostname(made, host.c_str());
  if (status == NATS_OK && !options.ca_file.empty()) {
    status = natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str());
  }
  if (status == NATS_OK && !options.cert_file.empty()) {
    status = natsOptions_LoadCertificatesChain(made, options.cert_file.c_str(),
                                               options.key_file.c_str());
  }
  return status;
}

}  // namespace

NatsSession::NatsSession(const NatsOptions& options, Callbacks callbacks)
    : prefix_(absl::StrCat("sg.", options.fleet, ".")),
      inbox_(absl::StrCat(prefix_, "c.", Hex(options.core_id))),
      own_(absl::StrCat(prefix_, "n.", Hex(options.core_id), ".")),
      callbacks_(std::move(callbacks)) {}

absl::Status NatsSession::Configure(natsOptions* made, const std::string& url,
                                    const NatsOptions& options, const std::string& public_key) {
  const bool tls = absl::StartsWith(url, "tls://");
  const std::string address = url.substr(url.find("://") + 3);
  natsStatus status = natsOptions_SetURL(made, absl::StrCat("nats://", address).c_str());
  if (status == NATS_OK)
    status = natsOptions_SetName(made, absl::StrCat("cairn-signal ", Hex(options.core_id)).c_str());
  if (status == NATS_OK) status = natsOptions_SetAllowReconnect(made, false);
  if (status == NATS_OK) status = natsOptions_SetTimeout(made, kConnectTimeoutMs);
  if (status == NATS_OK) status = natsOptions_SetPingInterval(made, kPingIntervalMs);
  if (status == NATS_OK) status = natsOptions_SetMaxPingsOut(made, kMaxPingsOut);
  if (status == NATS_OK) status = natsOptions_SetWriteDeadline(made, kWriteDeadlineMs);
  if (status == NATS_OK) status = natsOptions_SetIOBufSize(made, kIoBytes);
  if (status == NATS_OK) status = natsOptions_SetSendAsap(made, true);
  if (status == NATS_OK) status = natsOptions_SetNoEcho(made, true);
  // One thread delivers, so that messages of both subjects keep their order.
  if (status == NATS_OK) status = natsOptions_UseGlobalMessageDelivery(made, true);
  if (status == NATS_OK && tls) {
    const absl::StatusOr<HostPort> parsed = ParseHostPort(address);
    if (!parsed.ok()) return parsed.status();
    status = SetTls(made, parsed->host, options);
  }
  if (status == NATS_OK && !public_key.empty()) {
    status = natsOptions_SetNKeyFromSeed(made, public_key.c_str(), options.nkey_file.c_str());
  }
  if (status == NATS_OK && !options.credentials_file.empty()) {
    status =
        natsOptions_SetUserCredentialsFromFiles(made, options.credentials_file.c_str(), nullptr);
  }
  return status == NATS_OK ? absl::OkStatus() : Failed("options for NATS", status);
}

absl::StatusOr<std::unique_ptr<NatsSession>> NatsSession::Open(const std::string& url,
                                                               const NatsOptions& options,
                                                               const std::string& public_key,
                                                               Callbacks callbacks) {
  natsOptions* raw = nullptr;
  if (const natsStatus status = natsOptions_Create(&raw); status != NATS_OK)
    return Failed("NATS", status);
  const Made made(raw, natsOptions_Destroy);
  if (absl::Status status = Configure(raw, url, options, public_key); !status.ok()) return status;
  std::unique_ptr<NatsSession> session(new NatsSession(options, std::move(callbacks)));
  if (absl::Status status = session->Connect(raw); !status.ok()) return status;
  for (const auto& [subject, handler] :
       {std::pair(session->inbox_, &NatsSession::OnMessage),
        std::pair(absl::StrCat(session->prefix_, "all"), &NatsSession::OnMessage),
        std::pair(absl::StrCat(session->own_, "*"), &NatsSession::OnNobody)}) {
    if (absl::Status status = session->Subscribe(subject, handler); !status.ok()) return status;
  }
  // What is subscribed to is in force at this server when it answers.
  if (const natsStatus status =
          natsConnection_FlushTimeout(session->connection_, kConnectTimeoutMs);
      status != NATS_OK) {
    return Failed("subscribing", status);
  }
  return session;
}

absl::Status NatsSession::Connect(natsOptions* options) {
  natsOptions_SetClosedCB(options, &NatsSession::OnClosed, this);
  natsOptions_SetLameDuckModeCB(options, &NatsSession::OnLameDuck, this);
  natsOptions_SetErrorHandler(options, &NatsSession::OnError, this);
  const natsStatus status = natsConnection_Connect(&connection_, options);
  if (status != NATS_OK) {
    connection_ = nullptr;
    return Failed("connecting", status);
  }
  const MutexLock lock(mu_);
  ++open_callbacks_;  // OnClosed
  return absl::OkStatus();
}

absl::Status NatsSession::Subscribe(const std::string& subject, natsMsgHandler handler) {
  natsSubscription* made = nullptr;
  const natsStatus status =
      natsConnection_Subscribe(&made, connection_, subject.c_str(), handler, this);
  if (status != NATS_OK) return Failed(subject, status);
  subscriptions_.push_back(made);
  {
    const MutexLock lock(mu_);
    ++open_callbacks_;
  }
  if (natsSubscription_SetOnCompleteCB(made, &NatsSession::OnComplete, this) != NATS_OK)
    CallbackDone();
  return absl::OkStatus();
}

NatsSession::~NatsSession() {
  if (connection_ == nullptr) return;
  natsConnection_Close(connection_);
  {
    const MutexLock lock(mu_);
    while (open_callbacks_ > 0) all_done_.Wait(mu_);
  }
  for (natsSubscription* subscription : subscriptions_) natsSubscription_Destroy(subscription);
  natsConnection_Destroy(connection_);
}

absl::Status NatsSession::Publish(std::optional<uint64_t> to, const std::string& bytes) {
  const int size = static_cast<int>(bytes.size());
  const natsStatus status =
      to ? natsConnection_PublishRequest(connection_, absl::StrCat(prefix_, "c.", Hex(*to)).c_str(),
                                         absl::StrCat(own_, Hex(*to)).c_str(), bytes.data(), size)
         : natsConnection_Publish(connection_, absl::StrCat(prefix_, "all").c_str(), bytes.data(),
                                  size);
  return status == NATS_OK ? absl::OkStatus() : Failed("publishing", status);
}

void NatsSession::CallbackDone() {
  const MutexLock lock(mu_);
  if (--open_callbacks_ == 0) all_done_.Signal();
}

// ---- called by nats.c

void NatsSession::OnMessage(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
  static_cast<NatsSession*>(self)->callbacks_.on_message(
      {natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message))});
  natsMsg_Destroy(message);
}

void NatsSession::OnNobody(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
  auto* session = static_cast<NatsSession*>(self);
  const std::string_view subject = natsMsg_GetSubject(message);
  uint64_t id = 0;
  const bool known = natsMsg_IsNoResponders(message) &&
                     absl::SimpleHexAtoi(std::string(subject.substr(session->own_.size())), &id);
  natsMsg_Destroy(message);
  if (known) session->callbacks_.on_nobody(id);
}

void NatsSession::OnClosed(natsConnection* connection, void* self) {
  auto* session = static_cast<NatsSession*>(self);
  const char* more = nullptr;
  natsConnection_GetLastError(connection, &more);
  session->callbacks_.on_break(more != nullptr && *more != '\0' ? more : "closed by the server");
  session->CallbackDone();
}

void NatsSession::OnLameDuck(natsConnection*, void* self) {
  static_cast<NatsSession*>(self)->callbacks_.on_break("the server is about to end");
}

void NatsSession::OnError(natsConnection* connection, natsSubscription*, natsStatus status,
                          void* self) {
  const char* more = nullptr;
  natsConnection_GetLastError(connection, &more);
  static_cast<NatsSession*>(self)->callbacks_.on_break(
      absl::StrCat(natsStatus_GetText(status),
                   more != nullptr && *more != '\0' ? absl::StrCat(": ", more) : std::string()));
}

void NatsSession::OnComplete(void* self) { static_cast<NatsSession*>(self)->CallbackDone(); }

}  // namespace cairn::core
