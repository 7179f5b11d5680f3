// CoreStream: one stream of messages between a lane and a core, which may break. The interface
// between the link and its transport.
//
// Owner:  its LaneLink.
// Thread: the lane's loop.
#ifndef CAIRN_EDGE_CORE_STREAM_H_
#define CAIRN_EDGE_CORE_STREAM_H_

#include <memory>
#include <string>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class CoreStreamListener {
 public:
  // May move data out of `message`.
  virtual void OnStreamMessage(signaling::v1::CoreToLane& message) = 0;
  // Follows a call of Writable() that returned false.
  virtual void OnStreamWritable() = 0;
  // The last call. `code` is a gRPC status code. The stream may be destroyed.
  virtual void OnStreamEnded(int code, const std::string& message) = 0;

 protected:
  ~CoreStreamListener() = default;
};

class CoreStream {
 public:
  // Ends the stream at once; the listener is not called.
  virtual ~CoreStream() = default;
  // Whether a message can be written now; if not, OnStreamWritable() follows, unless the stream
  // ends first.
  virtual bool Writable() = 0;
  // Copies the message. It may be kept for Flush(). REQUIRES: Writable() was true and nothing was
  // written since.
  virtual void Write(const signaling::v1::LaneToCore& message) = 0;
  virtual void Flush() {}
  // OnStreamEnded() follows soon, whatever is in progress.
  virtual void Cancel() = 0;
  // Called every link::kTick: reads small amounts of data for which the loop was not woken. May
  // call the listener.
  virtual void Tick() {}
};

class CoreStreamOpener {
 public:
  virtual ~CoreStreamOpener() = default;
  // Starts to connect. The listener is called on the lane's loop, never from within a call to the
  // stream.
  virtual std::unique_ptr<CoreStream> OpenStream(CoreStreamListener& listener) = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_STREAM_H_
