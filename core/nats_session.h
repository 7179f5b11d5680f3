// NatsSession: one connection to one NATS server, from its success to its end. nats.c's own
// reconnecting is off: NatsBus decides when and where to, and sees each break.
//
// Owner:  NatsBus's sender thread.
// Thread: the sender's, except for what nats.c calls back.
// Errors: Open() and Publish() say what nats.c does, in a word of its own.
#ifndef CAIRN_CORE_NATS_SESSION_H_
#define CAIRN_CORE_NATS_SESSION_H_

#include <absl/status/statusor.h>
#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_annotations.h"
#include "core/mesh_bus.h"
#include "core/nats_bus.h"

namespace cairn::core {

class NatsSession {
 public:
  struct Callbacks {
    std::function<void(std::string_view bytes)> on_message;  // nats.c's delivery thread
    std::function<void(uint64_t)> on_nobody;                 // the same
    std::function<void(std::string)>
        on_break;  // any thread, at least once when the connection ends or is to be left
  };

  // Connects, subscribes, and has the server's word for it. `public_key` of options.nkey_file, if
  // there is one.
  static absl::StatusOr<std::unique_ptr<NatsSession>> Open(const std::string& url,
                                                           const NatsOptions& options,
                                                           const std::string& public_key,
                                                           Callbacks callbacks);
  // Returns when no callback will be called any more.
  ~NatsSession();
  NatsSession(const NatsSession&) = delete;
  NatsSession& operator=(const NatsSession&) = delete;

  // Blocks for the write deadline at most.
  absl::Status Publish(std::optional<uint64_t> to, const std::string& bytes);

 private:
  NatsSession(const NatsOptions& options, Callbacks callbacks);
  absl::Status Connect(natsOptions* options);
  absl::Status Subscribe(const std::string& subject, natsMsgHandler handler);
  void CallbackDone();

  static absl::Status Configure(natsOptions* made, const std::string& url,
                                const NatsOptions& options, const std::string& public_key);
  static void OnMessage(natsConnection*, natsSubscription*, natsMsg* message, void* self);
  static void OnNobody(natsConnection*, natsSubscription*, natsMsg* message, void* self);
  static void OnClosed(natsConnection* connection, void* self);
  static void OnLameDuck(natsConnection*, void* self);
  static void OnError(natsConnection*, natsSubscription*, natsStatus status, void* self);
  static void OnComplete(void* self);

  // Immutable after construction.
  const std::string prefix_;  // "sg.FLEET."
  const std::string inbox_, own_;
  const Callbacks callbacks_;

  // Sender thread only.
  natsConnection* connection_ = nullptr;
  std::vector<natsSubscription*> subscriptions_;

  Mutex mu_;
  CondVar all_done_;
  // Guarded by mu_.
  int open_callbacks_ ABSL_GUARDED_BY(mu_) = 0;  // of nats.c, that end with a last call
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_SESSION_H_
