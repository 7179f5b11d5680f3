#include "edge/http2_call.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/message_lite.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace cairn::edge {
namespace {

using absl::StatusCode;

constexpr size_t kMaxDebugBytes = 256;  // of a GOAWAY
constexpr size_t kHeaderOverhead = 32;  // RFC 9113, 6.5.2

int Code(StatusCode code) { return static_cast<int>(code); }

// gRPC's http-grpc-status-mapping.md.
StatusCode CodeOfHttpStatus(int status) {
  switch (status) {
    case 400:
      return StatusCode::kInternal;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kUnknown;
  }
}

// gRPC's PROTOCOL-HTTP2.md, "Errors".
StatusCode CodeOfReset(uint32_t error) {
  switch (error) {
    case NGHTTP2_REFUSED_STREAM:
      return StatusCode::kUnavailable;
    case NGHTTP2_CANCEL:
      return StatusCode::kCancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return StatusCode::kResourceExhausted;
    case NGHTTP2_INADEQUATE_SECURITY:
      return StatusCode::kPermissionDenied;
    case NGHTTP2_STREAM_CLOSED:
      return StatusCode::kUnknown;
    default:
      return StatusCode::kInternal;
  }
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Invalid escapes stay unchanged.
std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    decoded += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
    if (low >= 0) i += 2;
  }
  return decoded;
}

uint8_t* Bytes(const char* text) {
  // nghttp2's type is mutable, but it does not change them.
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text));
}

nghttp2_nv Header(std::string_view name, std::string_view value, bool secret = false) {
  return {Bytes(name.data()), Bytes(value.data()), name.size(), value.size(),
          static_cast<uint8_t>(secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)};
}

}  // namespace

// nghttp2 calls these from within mem_recv() and mem_send(), where only frames may be submitted:
// they only record what has been received.
struct Http2Call::Callbacks {
  static Http2Call& Of(void* user_data) { return *static_cast<Http2Call*>(user_data); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
    const bool fits = Of(user_data).OnHeader({reinterpret_cast<const char*>(name), name_size},
                                             {reinterpret_cast<const char*>(value), value_size});
    return fits ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size,
                    void* user_data) {
    Http2Call& call = Of(user_data);
    // The body of a response that is not gRPC carries no information.
    if (stream == call.stream_ && !call.end_)
      call.incoming_.Append({reinterpret_cast<const char*>(data), size});
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    Http2Call& call = Of(user_data);
    const bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        call.established_ = true;
        break;
      case NGHTTP2_GOAWAY:
        OnGoaway(call, frame->goaway);
        break;
      case NGHTTP2_HEADERS:
        if (frame->headers.cat == NGHTTP2_HCAT_RESPONSE) call.OnResponse();
        if (is_last) call.OnPeerEnd();
        break;
      case NGHTTP2_DATA:
        if (is_last) call.OnPeerEnd();
        break;
      default:
        break;
    }
    return 0;
  }

  static void OnGoaway(Http2Call& call, const nghttp2_goaway& frame) {
    const size_t debug_bytes = std::min(frame.opaque_data_len, kMaxDebugBytes);
    std::string text = absl::StrCat("GOAWAY: ", nghttp2_http2_strerror(frame.error_code));
    if (debug_bytes > 0)
      absl::StrAppend(&text, ": ", std::string(frame.opaque_data, frame.opaque_data + debug_bytes));
    const StatusCode code = frame.error_code == NGHTTP2_ENHANCE_YOUR_CALM
                                ? StatusCode::kResourceExhausted
                                : StatusCode::kUnavailable;
    call.goaway_ = End{Code(code), std::move(text)};
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream, uint32_t error, void* user_data) {
    Http2Call& call = Of(user_data);
    if (stream == call.stream_)
      call.Fail(Code(CodeOfReset(error)),
                absl::StrCat("the call was reset: ", nghttp2_http2_strerror(error)));
    return 0;
  }

  static int OnError(nghttp2_session*, int, const char* text, size_t size, void* user_data) {
    Of(user_data).session_error_.assign(text, size);
    return 0;
  }

  static ssize_t Read(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t*,
                      nghttp2_data_source*, void* user_data) {
    Http2Call& call = Of(user_data);
    const size_t bytes = call.outgoing_.Take(into, size);
    if (bytes == 0) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(bytes);
  }

  static nghttp2_session_callbacks* New() {
    nghttp2_session_callbacks* callbacks = nullptr;
    CAIRN_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnStreamClose);
    nghttp2_session_callbacks_set_error_callback2(callbacks, OnError);
    return callbacks;
  }
};

void Http2Call::SessionDeleter::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2Call::Http2Call(const Options& options)
    : options_(options), incoming_(options.max_message_bytes) {
  static const nghttp2_session_callbacks* const callbacks = Callbacks::New();
  nghttp2_session* session = nullptr;
  CAIRN_CHECK(nghttp2_session_client_new(&session, callbacks, this) == 0);
  session_.reset(session);
  Submit();
}

Http2Call::~Http2Call() = default;

void Http2Call::Submit() {
  const std::array<nghttp2_settings_entry, 3> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderListBytes}}};
  CAIRN_CHECK(nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(),
                                      settings.size()) == 0);
  CAIRN_CHECK(nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                                    kWindowBytes) == 0);
  const std::array<nghttp2_nv, 9> headers = {Header(":method", "POST"),
                                             Header(":scheme", options_.scheme),
                                             Header(":path", options_.path),
                                             Header(":authority", options_.authority),
                                             Header("te", "trailers"),
                                             Header("content-type", "application/grpc"),
                                             Header("user-agent", options_.user_agent),
                                             Header(link::kOneCallHeader, link::kOneCall),
                                             Header("authorization", options_.authorization, true)};
  const size_t count = headers.size() - (options_.authorization.empty() ? 1 : 0);
  nghttp2_data_provider body = {{.ptr = nullptr}, Callbacks::Read};
  stream_ = nghttp2_submit_request(session_.get(), nullptr, headers.data(), count, &body, nullptr);
  CAIRN_CHECK(stream_ > 0);
}

// ---- input

void Http2Call::Receive(std::string_view bytes, absl::Duration now) {
  heard_ = now;
  pinged_.reset();
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0)
    Fail(Code(StatusCode::kUnavailable),
         absl::StrCat("HTTP/2: ", nghttp2_strerror(static_cast<int>(taken)), " ", session_error_));
  // A status that was received with it is more precise.
  if (goaway_) Fail(goaway_->code, goaway_->message);
}

std::optional<std::string_view> Http2Call::NextMessage() {
  const std::optional<std::string_view> next = incoming_.Next();
  if (next) return next;
  if (incoming_.fault() == link::GrpcMessages::Fault::kCompressed) {
    Fail(Code(StatusCode::kInternal), "a message is compressed, which was not offered");
  } else if (incoming_.fault() == link::GrpcMessages::Fault::kTooLong) {
    Fail(Code(StatusCode::kResourceExhausted),
         absl::StrCat("a message of ", incoming_.fault_bytes(), " bytes, above ",
                      options_.max_message_bytes));
  }
  if (end_) incoming_.Clear();
  return std::nullopt;
}

void Http2Call::AppendOutput(std::string& into, size_t enough) {
  while (into.size() < enough && nghttp2_session_want_write(session_.get())) {
    const uint8_t* data = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(session_.get(), &data);
    if (bytes < 0)
      Fail(Code(StatusCode::kUnavailable),
           absl::StrCat("HTTP/2: ", nghttp2_strerror(static_cast<int>(bytes))));
    if (bytes <= 0) break;
    into.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
  }
  // The peer has been told the reason.
  if (!nghttp2_session_want_read(session_.get()))
    Fail(Code(StatusCode::kUnavailable), absl::StrCat("HTTP/2: ", session_error_));
}

bool Http2Call::OnHeader(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size() + kHeaderOverhead;
  if (header_bytes_ > kMaxHeaderListBytes) {
    Fail(Code(StatusCode::kResourceExhausted),
         absl::StrCat("headers and trailers above ", kMaxHeaderListBytes, " bytes"));
    return false;
  }
  if (name == ":status" && !absl::SimpleAtoi(std::string(value), &http_status_)) http_status_ = 0;
  if (name == "content-type") content_type_ = value;
  if (name == "grpc-status") grpc_status_ = value;
  if (name == "grpc-message") grpc_message_ = PercentDecoded(value);
  return true;
}

void Http2Call::OnResponse() {
  if (grpc_status_) return;  // a response of trailers only
  if (http_status_ != 200) {
    Fail(Code(CodeOfHttpStatus(http_status_)), absl::StrCat("HTTP status ", http_status_));
  } else if (!absl::StartsWith(content_type_, "application/grpc")) {
    Fail(Code(StatusCode::kUnknown),
         absl::StrCat("content-type '", content_type_, "' is not gRPC"));
  }
}

void Http2Call::OnPeerEnd() {
  int code = 0;
  if (!grpc_status_)
    return Fail(Code(StatusCode::kInternal), "the call was ended without a status");
  if (!absl::SimpleAtoi(*grpc_status_, &code) || code < 0) code = Code(StatusCode::kUnknown);
  Fail(code, grpc_message_);
}

void Http2Call::Fail(int code, std::string message) {
  if (!end_) end_ = End{code, std::move(message)};
}

// ---- output

void Http2Call::Send(std::string& messages) {
  CAIRN_CHECK(outgoing_.empty());
  if (end_) return;
  outgoing_.Set(messages);
  // An error means that it does not wait for data, because its headers have not been written.
  nghttp2_session_resume_data(session_.get(), stream_);
}

void Http2Call::Cancel() {
  Fail(Code(StatusCode::kCancelled), "cancelled by the edge");
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream_, NGHTTP2_CANCEL);
}

// ---- time

void Http2Call::OnTime(absl::Duration now) {
  if (now < next_time() || end_) return;
  if (pinged_)
    return Fail(
        Code(StatusCode::kUnavailable),
        absl::StrCat("no answer to a PING within ", absl::FormatDuration(options_.ping_timeout)));
  pinged_ = now;
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
}

}  // namespace cairn::edge
