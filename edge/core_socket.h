// CoreSocket: a lane's socket to its core, with the output that the kernel has not accepted yet,
// and what the loop has to watch it for.
//
// Owner:  one Http2CoreStream.
// Thread: its loop.
// Bounds: kOutputBytes of output.
#ifndef CAIRN_EDGE_CORE_SOCKET_H_
#define CAIRN_EDGE_CORE_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "edge/http2_call.h"
#include "edge/link_factory.h"
#include "edge/stream.h"

namespace cairn::edge {

class CoreSocket {
 public:
  static constexpr size_t kOutputBytes = 64 << 10;

  // `listener` is called from the first Write() on. Both must outlive this.
  CoreSocket(Stream stream, SocketWatch& sockets, SocketListener& listener)
      : stream_(std::move(stream)), sockets_(sockets), listener_(listener) {}
  ~CoreSocket() { sockets_.ForgetSocket(stream_.fd()); }
  CoreSocket(const CoreSocket&) = delete;
  CoreSocket& operator=(const CoreSocket&) = delete;

  Stream::Result Read(std::span<char> into);
  // Writes the call's output, as far as the kernel accepts it. False: the connection is lost.
  bool Write(Http2Call& call);
  // Nothing more will be written.
  void ShutdownWrite() { stream_.ShutdownWrite(); }

  bool tls() const { return stream_.tls(); }
  bool has_output() const { return !output_.empty(); }

  // The core's gRPC opens its windows after every message, by two small frames. With `lazy` they
  // alone do not wake the loop: they are read with the next delivery, which is longer, or at the
  // next tick.
  void SetLazy(bool lazy);
  // Input may be there that has not woken the loop.
  bool lazy() const { return low_water_ > 1; }

 private:
  // False: the kernel cannot, so that the connection is of no use.
  bool Watch();

  Stream stream_;
  // Borrowed; must outlive this.
  SocketWatch& sockets_;
  SocketListener& listener_;
  // Loop thread only.
  std::string output_;                            // not accepted by the kernel yet
  Stream::Status blocked_ = Stream::Status::kOk;  // what writing waits for
  uint32_t watched_ = 0;
  int low_water_ = 1;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_SOCKET_H_
