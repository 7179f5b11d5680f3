#include "core/http2_lane_call.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "core/first_request.h"

namespace cairn::core {
namespace {

nghttp2_nv Header(std::string_view name, std::string_view value) {
  // nghttp2's type is mutable, but it does not change them.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// As gRPC writes a status's message: printable ASCII without '%'.
std::string PercentEncoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c >= ' ' && c <= '~' && c != '%') {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 0xf]});
    }
  }
  return encoded;
}

}  // namespace

// nghttp2 calls these from within mem_recv() and mem_send().
struct Http2LaneCall::Callbacks {
  static Http2LaneCall& Of(void* user_data) { return *static_cast<Http2LaneCall*>(user_data); }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (call.stream_ == 0) {
      call.stream_ = frame->hd.stream_id;
      return 0;
    }
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                     NGHTTP2_REFUSED_STREAM);
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    if (frame->hd.stream_id != call.stream_ || call.stream_ == 0) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      call.Accept(frame->hd.stream_id);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      call.peer_done_ = true;
    return 0;
  }

  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* data,
                    size_t size, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    if (stream == call.stream_ && !call.finish_) {
      call.incoming_.Append({reinterpret_cast<const char*>(data), size});
      return 0;
    }
    return nghttp2_session_consume(session, stream, size);
  }

  static int OnFrameSent(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    call.broken_ = call.broken_ || TellsAnError(*frame, call.stream_);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id != call.stream_ ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
      return 0;
    call.trailers_sent_ = true;
    // Behind the trailers, or they would not be what the edge reads first.
    return nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, call.stream_, NGHTTP2_NO_ERROR,
                                 nullptr, 0);
  }

  // What nghttp2 answers to input that breaks the protocol.
  static bool TellsAnError(const nghttp2_frame& frame, int32_t stream) {
    if (frame.hd.type == NGHTTP2_GOAWAY) return frame.goaway.error_code != NGHTTP2_NO_ERROR;
    return frame.hd.type == NGHTTP2_RST_STREAM && frame.hd.stream_id == stream &&
           frame.rst_stream.error_code != NGHTTP2_NO_ERROR;
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream, uint32_t, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    if (stream == call.stream_) call.ended_ = true;
    return 0;
  }

  static ssize_t Read(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                      nghttp2_data_source*, void* user_data) {
    Http2LaneCall& call = Of(user_data);
    const size_t bytes = call.outgoing_.Take(into, size);
    if (bytes == 0 && !call.finish_) return NGHTTP2_ERR_DEFERRED;
    if (bytes == 0) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      call.SubmitTrailers();
      return 0;
    }
    return static_cast<ssize_t>(bytes);
  }

  static nghttp2_session_callbacks* New() {
    nghttp2_session_callbacks* callbacks = nullptr;
    CAIRN_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, OnBeginHeaders);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, OnFrameSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnStreamClose);
    return callbacks;
  }
  // The window is opened as messages are taken.
  static nghttp2_option* NewOption() {
    nghttp2_option* option = nullptr;
    CAIRN_CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    return option;
  }
};

void Http2LaneCall::SessionDeleter::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2LaneCall::Http2LaneCall(const Options& options, absl::Duration now)
    : options_(options), incoming_(options.max_message_bytes), heard_(now) {
  static const nghttp2_session_callbacks* const callbacks = Callbacks::New();
  static const nghttp2_option* const option = Callbacks::NewOption();
  nghttp2_session* session = nullptr;
  CAIRN_CHECK(nghttp2_session_server_new2(&session, callbacks, this, option) == 0);
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 3> settings = {
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, FirstRequest::kMaxHeaderBytes}}};
  CAIRN_CHECK(
      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  CAIRN_CHECK(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kWindowBytes) ==
              0);
}

Http2LaneCall::~Http2LaneCall() = default;

void Http2LaneCall::Accept(int32_t stream) {
  const std::array<nghttp2_nv, 2> headers = {Header(":status", "200"),
                                             Header("content-type", "application/grpc")};
  nghttp2_data_provider body = {{.ptr = nullptr}, Callbacks::Read};
  if (nghttp2_submit_response(session_.get(), stream, headers.data(), headers.size(), &body) != 0)
    ended_ = true;
}

void Http2LaneCall::Receive(std::string_view bytes, absl::Duration now) {
  heard_ = now;
  pinged_.reset();
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0 || nghttp2_session_get_outbound_queue_size(session_.get()) > kMaxWaitingFrames)
    ended_ = broken_ = true;
}

std::optional<std::string_view> Http2LaneCall::NextMessage() {
  if (finish_) return std::nullopt;
  const std::optional<std::string_view> next = incoming_.Next();
  if (next) {
    // An error means that the stream is closed.
    nghttp2_session_consume(session_.get(), stream_,
                            next->size() + link::GrpcMessages::kPrefixBytes);
  } else if (incoming_.fault() == link::GrpcMessages::Fault::kCompressed) {
    broken_ = true;
    Finish(13, "a message is compressed, which was not offered");  // INTERNAL
  } else if (incoming_.fault() == link::GrpcMessages::Fault::kTooLong) {
    broken_ = true;
    Finish(8, "a message is too long");  // RESOURCE_EXHAUSTED
  }
  return next;
}

void Http2LaneCall::AppendOutput(std::string& into, size_t enough) {
  while (into.size() < enough && nghttp2_session_want_write(session_.get())) {
    const uint8_t* data = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(session_.get(), &data);
    if (bytes < 0) ended_ = broken_ = true;
    if (bytes <= 0) break;
    into.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
  }
  // The edge has been told the reason.
  if (!nghttp2_session_want_read(session_.get())) ended_ = true;
}

void Http2LaneCall::Send(std::string& messages) {
  CAIRN_CHECK(outgoing_.empty());
  if (finish_) return;
  outgoing_.Set(messages);
  // An error means that it does not wait for data.
  nghttp2_session_resume_data(session_.get(), stream_);
}

void Http2LaneCall::Finish(int code, std::string message) {
  if (finish_) return;
  finish_ = Status{code, std::move(message)};
  incoming_.Clear();
  nghttp2_session_resume_data(session_.get(), stream_);
}

void Http2LaneCall::SubmitTrailers() {
  if (std::exchange(trailers_submitted_, true)) return;
  const std::string code = std::to_string(finish_->code);
  const std::string message = PercentEncoded(finish_->message);
  const std::array<nghttp2_nv, 2> trailers = {Header("grpc-status", code),
                                              Header("grpc-message", message)};
  nghttp2_submit_trailer(session_.get(), stream_, trailers.data(),
                         message.empty() ? 1 : trailers.size());
}

void Http2LaneCall::OnTime(absl::Duration now) {
  incoming_.ReleaseMemory();
  if (pinged_) {
    ended_ = ended_ || now - *pinged_ >= options_.ping_timeout;
  } else if (now - heard_ >= options_.ping_interval) {
    pinged_ = now;
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  }
}

}  // namespace cairn::core
