// Client: the part of a connection that a session and its lane use. The interface between pure code
// and sockets.
//
// Thread: the loop's.
#ifndef CAIRN_EDGE_CLIENT_H_
#define CAIRN_EDGE_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "edge/reasons.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

class Client {
 public:
  // Queues whole, encoded WebSocket frames. May cause a Close(kSlowReader), which is carried out
  // later: the session stays valid until the current input has been handled.
  virtual void Deliver(std::string_view frames) = 0;
  // Queues one message in a frame of its own. Returns the size of the frame.
  size_t Send(wire::WsOpcode opcode, std::string_view message) {
    std::string frame;
    wire::AppendWsFrame(opcode, message, frame);
    Deliver(frame);
    return frame.size();
  }
  // The client's messages have caused this many deliveries to others (edge/work.h).
  virtual void Charge(uint64_t deliveries) = 0;
  // Queues a pong ahead of waiting frames.
  virtual void Pong(std::string_view payload) = 0;
  // The peer answered the last ping.
  virtual void OnPong(std::string_view payload) = 0;
  // Starts the closing handshake; only the first call has an effect. `peer_code` is echoed for
  // kClientClosed (0: none).
  virtual void Close(CloseReason reason, uint16_t peer_code) = 0;
  // Close(kOperator) with the operator's own code and reason, which is at most 123 bytes.
  virtual void Disconnect(uint16_t code, std::string_view words) = 0;
  // Bytes that the client has not read yet.
  virtual size_t queued_bytes() const = 0;

 protected:
  ~Client() = default;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CLIENT_H_
