#include "edge/tls_records.h"

#include <algorithm>
#include <cstring>

namespace cairn::edge {
namespace {

// HandshakeType key_update, a length of 1, and KeyUpdateRequest: update_not_requested.
constexpr std::string_view kKeyUpdate("\x18\0\0\1\0", 5);
constexpr std::string_view kKeyUpdateHead = kKeyUpdate.substr(0, 4);
constexpr char kUpdateRequested = 1;
// The inner type, and the tag.
constexpr size_t kProtection = 1 + TlsKeys::kTag;

}  // namespace

size_t TlsRecords::RecordSize(std::span<const char> bytes) {
  if (end_ != End::kNone || bytes.size() < kHeader) return 0;
  const auto byte = [&bytes](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(bytes[i]));
  };
  const size_t size = kHeader + byte(3) * 256 + byte(4);
  // legacy_record_version is ignored (5.1).
  if (byte(0) != static_cast<uint8_t>(Type::kData)) return Fail(Alert::kUnexpectedMessage), 0;
  if (size > kMaxRecord) return Fail(Alert::kRecordOverflow), 0;
  if (size < kHeader + kProtection) return Fail(Alert::kBadRecordMac), 0;
  return bytes.size() < size ? 0 : size;
}

size_t TlsRecords::Open(std::span<char> bytes) {
  size_t data = 0, at = 0;
  while (const size_t size = RecordSize(bytes.subspan(at))) {
    const std::span<char> text = OpenRecord(bytes.subspan(at, size));
    if (!text.empty()) std::memmove(bytes.data() + data, text.data(), text.size());
    data += text.size();
    at += size;
  }
  const std::span<char> rest = end_ == End::kNone ? bytes.subspan(at) : std::span<char>();
  if (rest.empty())
    std::string().swap(partial_);
  else
    partial_.assign(rest.begin(), rest.end());
  return data;
}

std::span<char> TlsRecords::OpenRecord(std::span<char> record) {
  const std::string_view header(record.data(), kHeader);
  if (!received_.Open(header, record.subspan(kHeader)))
    return Fail(Alert::kBadRecordMac), std::span<char>();
  std::string_view inner(record.data() + kHeader, record.size() - kHeader - TlsKeys::kTag);
  if (inner.size() > kMaxText + 1) return Fail(Alert::kRecordOverflow), std::span<char>();
  // Zeros behind the type are padding (5.4).
  const size_t end = inner.find_last_not_of('\0');
  if (end == inner.npos) return Fail(Alert::kUnexpectedMessage), std::span<char>();
  const auto type = static_cast<Type>(inner[end]);
  const std::string_view text = inner.substr(0, end);
  const bool has_data = type == Type::kData && !text.empty();
  idle_records_ = has_data ? 0 : idle_records_ + 1;
  // A handshake message must not be interrupted (5.1).
  if (idle_records_ > kMaxIdleRecords || (handshake_bytes_ > 0 && type != Type::kHandshake))
    return Fail(Alert::kUnexpectedMessage), std::span<char>();
  if (type == Type::kData) {
    if (updates_left_ < kMaxUpdates) {
      data_since_update_ += static_cast<uint32_t>(text.size());
      if (data_since_update_ >= kBytesPerUpdate) data_since_update_ = 0, ++updates_left_;
    }
    return record.subspan(kHeader, text.size());
  }
  if (type == Type::kAlert)
    OnAlert(text);
  else if (type == Type::kHandshake)
    OnHandshake(text);
  else
    Fail(Alert::kUnexpectedMessage);
  return {};
}

void TlsRecords::OnAlert(std::string_view text) {
  if (text.size() != 2) return Fail(Alert::kDecodeError);
  switch (static_cast<Alert>(text[1])) {
    case Alert::kCloseNotify:
      end_ = End::kClosed;
      return;
    case Alert::kUserCanceled:  // a close_notify follows (6.1)
      return;
    default:  // all others are fatal, whatever their level says (6.2)
      end_ = End::kAlerted;
  }
}

void TlsRecords::OnHandshake(std::string_view text) {
  // Keys change behind a KeyUpdate, so it ends its record (5.1).
  if (text.empty() || handshake_bytes_ + text.size() > handshake_.size())
    return Fail(Alert::kUnexpectedMessage);
  std::copy(text.begin(), text.end(), handshake_.begin() + handshake_bytes_);
  handshake_bytes_ = static_cast<uint8_t>(handshake_bytes_ + text.size());
  const std::string_view message(handshake_.data(), handshake_bytes_);
  if (!kKeyUpdateHead.starts_with(message.substr(0, kKeyUpdateHead.size())))
    return Fail(Alert::kUnexpectedMessage);
  if (message.size() < handshake_.size()) return;
  handshake_bytes_ = 0;
  const char request = message.back();
  if (request != 0 && request != kUpdateRequested) return Fail(Alert::kIllegalParameter);
  if (updates_left_ == 0) return Fail(Alert::kUnexpectedMessage);
  --updates_left_;
  if (request == kUpdateRequested) owes_update_ = true;
  if (!received_.Update()) Fail(Alert::kInternalError);
}

bool TlsRecords::Append(std::string_view text, Type type, std::span<char> room, size_t& used) {
  const size_t sealed = text.size() + kProtection;
  const std::array<char, kHeader> header = {static_cast<char>(Type::kData), 3, 3,
                                            static_cast<char>(sealed >> 8),
                                            static_cast<char>(sealed)};
  std::copy(header.begin(), header.end(), room.begin() + static_cast<ptrdiff_t>(used));
  const bool done = sent_.Seal({header.data(), kHeader}, text, static_cast<uint8_t>(type),
                               room.subspan(used + kHeader, sealed));
  used += kHeader + sealed;
  return done;
}

size_t TlsRecords::Seal(std::string_view text, std::span<char, kMaxSealed> room) {
  size_t used = 0;
  if (owes_update_ || sent_.sequence() >= kMaxOfKey) {
    if (!Append(kKeyUpdate, Type::kHandshake, room, used) || !sent_.Update()) return 0;
    owes_update_ = false;
  }
  return Append(text, Type::kData, room, used) ? used : 0;
}

size_t TlsRecords::SealAlert(std::span<char, kMaxSealed> room) {
  constexpr char kWarning = 1, kFatal = 2;
  const char level = alert_ == Alert::kCloseNotify ? kWarning : kFatal;
  const std::array<char, 2> alert = {level, static_cast<char>(alert_)};
  size_t used = 0;
  return Append({alert.data(), alert.size()}, Type::kAlert, room, used) ? used : 0;
}

void TlsRecords::Sent(size_t bytes) {
  unsent_.erase(0, bytes);
  if (unsent_.empty()) std::string().swap(unsent_);
}

size_t TlsRecords::held_bytes() const {
  return (partial_.empty() ? 0 : partial_.capacity()) + (unsent_.empty() ? 0 : unsent_.capacity());
}

}  // namespace cairn::edge
