// NatsConnection: what a core sends over one connection to a NATS server, and the socket that it
// receives from. Neither call waits: what the kernel does not take is kept.
//
// Owner:  who connects (DialNats()), then NatsLine.
// Thread: one at a time: OpenSSL reads and writes one state.
// Bounds: what is not sent; the bus bounds it by unsent_bytes(). Keeps kKeptBytes of memory.
// Errors: after a failure nothing is sent, and Receive() ends.
#ifndef CAIRN_CORE_NATS_CONNECTION_H_
#define CAIRN_CORE_NATS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/lane_socket.h"
#include "core/nats_subjects.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class NatsConnection {
 public:
  static constexpr size_t kKeptBytes = 1 << 20;

  // `subjects` must outlive this.
  NatsConnection(LaneSocket socket, const NatsSubjects& subjects)
      : socket_(std::move(socket)), subjects_(subjects) {}

  int fd() const { return socket_.fd(); }
  bool tls() const { return socket_.ssl() != nullptr; }

  // ---- to be sent by the next Flush()
  // To the core that head.to() names, or to all. The message is `head`, followed by `items`.
  void Publish(const signaling::v1::MeshMessage& head, std::string_view items) {
    subjects_.AppendPublish(head, items, output_);
  }
  void Ping() { output_.append("PING\r\n"); }
  void Pong() { output_.append("PONG\r\n"); }
  // Sends as much as the kernel takes.
  void Flush();
  size_t unsent_bytes() const { return output_.size() - sent_; }
  // The last Flush() has left something: it is called again when the socket is ready.
  bool blocked() const { return blocked_; }

  // kOk, kWantRead or kEnd.
  LaneSocket::Status Receive(std::span<char> into, size_t& bytes);
  // What the socket is to be watched for.
  uint32_t wanted_epoll_events() const;

 private:
  LaneSocket socket_;
  const NatsSubjects& subjects_;  // Borrowed; must outlive this.
  std::string output_;
  size_t sent_ = 0;           // of it
  bool wants_write_ = false;  // the kernel or OpenSSL is waited for
  bool blocked_ = false;
  bool reads_blocked_ = false;  // OpenSSL must write before it reads on
  bool failed_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_CONNECTION_H_
