// gRPC's messages in a stream of bytes: each behind a prefix of a flag and four bytes of length.
//
// Thread: its owner's.
// Bounds: what its owner appends; of a message that is longer than max_message_bytes only what was
//         appended before Next() is kept.
// Source: gRPC's PROTOCOL-HTTP2.md, "Length-Prefixed-Message".
#ifndef CAIRN_PROTO_LINK_GRPC_MESSAGES_H_
#define CAIRN_PROTO_LINK_GRPC_MESSAGES_H_

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::link {

// The path of the call that carries a lane's messages.
inline constexpr std::string_view kLaneCall = "/cairn.signaling.v1.Lanes/Open";
// A header of the request, by which an edge says that it makes no other call on the connection. A
// core then serves it without a gRPC server.
inline constexpr std::string_view kOneCallHeader = "cairn-connection";
inline constexpr std::string_view kOneCall = "one-call";
// The protocol (ALPN) by which an edge asks for such a connection with TLS, before HTTP/2's own.
inline constexpr std::string_view kLaneProtocol = "cairn-lane";

// Appends the message with its prefix.
void AppendGrpcMessage(const google::protobuf::MessageLite& message, std::string& into);

// Messages with their prefixes, of which a piece at a time is written.
class OutgoingGrpcMessages {
 public:
  bool empty() const { return bytes_.empty(); }
  // REQUIRES: empty().
  void Set(std::string& bytes) { bytes_.swap(bytes); }
  void Append(const google::protobuf::MessageLite& message) { AppendGrpcMessage(message, bytes_); }
  // Copies up to `size` bytes that have not been taken; how many.
  size_t Take(uint8_t* into, size_t size);

 private:
  std::string bytes_;
  size_t taken_ = 0;  // of bytes_
};

class GrpcMessages {
 public:
  static constexpr size_t kPrefixBytes = 5;
  static constexpr size_t kKeptBytes = 128 << 10;
  enum class Fault : uint8_t { kNone, kCompressed, kTooLong };

  explicit GrpcMessages(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  void Append(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole message, valid until the next call of a method that is not const.
  std::optional<std::string_view> Next();
  // Appended, and not returned yet.
  size_t waiting_bytes() const { return bytes_.size() - taken_; }
  // Gives the memory of more than kKeptBytes back, if none is used.
  void ReleaseMemory();
  // Why there is none: kNone if its bytes have not come.
  Fault fault() const { return fault_; }
  // Of a message that is too long.
  size_t fault_bytes() const { return fault_bytes_; }
  void Clear();

 private:
  const size_t max_message_bytes_;
  std::string bytes_;
  size_t taken_ = 0;  // of bytes_, returned before
  Fault fault_ = Fault::kNone;
  size_t fault_bytes_ = 0;
};

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_GRPC_MESSAGES_H_
