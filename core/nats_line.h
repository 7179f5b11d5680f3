// NatsLine: a bus's connection to a NATS server while there is one: what it sends, and what comes.
//
// Owner:  NatsBus.
// Thread: Turn(): one at a time; it calls the receiver. Begin(), Check(), next_check(), Finish(),
//         TellDown(): the bus's own. Send(), Writable(), lost(): any; they wait for a read or a
//         write that does not block.
// Bounds: kMaxUnsentBytes; a message that does not fit is lost, as is one without a connection.
//         What a host's thread sends waits for the end of its turn, or for kGatheredBytes: with
//         many messages in flight a call of the system for each costs more than all else.
#ifndef CAIRN_CORE_NATS_LINE_H_
#define CAIRN_CORE_NATS_LINE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "core/nats_connection.h"
#include "core/nats_dialer.h"
#include "core/nats_frames.h"
#include "core/nats_receiver.h"
#include "core/nats_silence.h"
#include "core/spare_messages.h"

namespace cairn::core {

class NatsLine {
 public:
  static constexpr size_t kMaxUnsentBytes = 16 << 20;
  static constexpr size_t kGatheredBytes = 64 << 10;

  // Both must outlive this.
  NatsLine(const NatsSubjects& subjects, NatsReceiver& receiver);

  // ---- the bus's own thread
  void Begin(NatsDialed dialed);
  // Sends a PING to a server that is silent. False: the connection has ended.
  bool Check();
  // When Check() has something to do, if nothing comes.
  std::chrono::steady_clock::time_point next_check();
  // Closes the connection; tells the receiver why, unless the bus is `stopping`.
  void Finish(bool stopping);
  // The receiver: there is no connection.
  void TellDown(std::string_view reason);

  // ---- that thread, or the host's
  // Reads what has come, and handles it. True: there may be more, of which ready_fd() does not
  // tell.
  bool Turn();

  // What the calling thread sends is gathered from now on, until it calls FlushGathered(); or not
  // any more.
  void Gather(bool on);
  void FlushGathered();

  // ---- any thread
  // Whether the kernel takes more; if not, the receiver's OnWritable() follows.
  bool Writable();
  void Send(const signaling::v1::MeshMessage& head, std::string_view items);
  void OnHandled(signaling::v1::MeshMessage&& message) { received_.Give(std::move(message)); }
  uint64_t lost() const;

  // Can be read when Turn() has something to do.
  int ready_fd() const { return epoll_.get(); }
  // The same for the bus's own thread: the connection has ended, or Wake() was called.
  int wake_fd() const { return wake_.get(); }
  void Wake();

 private:
  // Reads once. False: the connection has ended.
  bool Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(serving_);
  bool HandleAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(serving_);
  bool Handle(const NatsFrames::Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(serving_);
  void Parse(std::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(serving_);
  // Returns false.
  bool End(std::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(serving_);
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WritableNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return connection_ && !connection_->blocked();
  }

  // Immutable after construction.
  const NatsSubjects& subjects_;  // Borrowed; must outlive this.
  const UniqueFd epoll_;          // of the socket
  const UniqueFd wake_;

  // Thread-safe.
  SpareMessages received_;

  // Held by the thread in Turn(), also while it calls the receiver; before mu_.
  Mutex serving_;
  // Guarded by serving_.
  NatsReceiver& receiver_ ABSL_GUARDED_BY(serving_);            // Borrowed; must outlive this.
  std::optional<NatsFrames> frames_ ABSL_GUARDED_BY(serving_);  // none: there is no connection
  NatsSilence silence_ ABSL_GUARDED_BY(serving_);
  bool more_ ABSL_GUARDED_BY(serving_) = false;  // may have come, of which epoll does not tell
  std::string over_ ABSL_GUARDED_BY(serving_);   // why the connection has ended; empty: it has not

  mutable Mutex mu_;
  // Guarded by mu_.
  std::unique_ptr<NatsConnection> connection_ ABSL_GUARDED_BY(mu_);
  uint32_t watched_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread::id gathers_ ABSL_GUARDED_BY(mu_);  // none: nobody
  bool awaited_ ABSL_GUARDED_BY(mu_) = false;     // somebody waits for OnWritable()
  uint64_t lost_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_LINE_H_
