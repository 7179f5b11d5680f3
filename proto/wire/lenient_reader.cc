#include "proto/wire/lenient_reader.h"

#include <cstddef>

#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

// Longest message name or field key: the reference reads both into a buffer of this size.
constexpr size_t kMaxNameBytes = 4096;

// What a skipped value may nest: the enum's map and the struct are levels too.
constexpr int kSkippedLevels = kMaxDepth - 2;

constexpr uint64_t kTagPositiveBignum = 2;
constexpr uint64_t kTagNegativeBignum = 3;

}  // namespace

DecodeResult LenientReader::Read() {
  DecodeResult result;
  if (ReadMessage(result.message)) return result;
  result = DecodeResult();
  result.fault = fault_;
  return result;
}

template <typename Use>
bool LenientReader::ForEachChunk(const CborHead& head, const Use& use) {
  CborHead chunk = head;
  size_t open = 0;
  while (true) {
    if (chunk.type != head.type) return Fail(DecodeFault::kMalformed);
    if (chunk.indefinite) {
      ++open;
    } else {
      if (chunk.type == CborType::kText && !IsUtf8(chunk.content)) {
        return Fail(DecodeFault::kMalformed);
      }
      use(chunk.content);
    }
    while (open > 0 && cursor_.TakeBreak()) --open;
    if (open == 0) return true;
    if (!Pull(chunk)) return false;
  }
}

bool LenientReader::Fail(DecodeFault fault) {
  fault_ = fault;
  return false;
}

bool LenientReader::Pull(CborHead& head) {
  switch (cursor_.Next(head)) {
    case CborStatus::kOk:
      return true;
    case CborStatus::kTruncated:
      return Fail(DecodeFault::kTruncated);
    case CborStatus::kMalformed:
      break;
  }
  return Fail(DecodeFault::kMalformed);
}

bool LenientReader::TakeEnd(const CborHead& container, uint64_t taken) {
  return container.indefinite ? cursor_.TakeBreak() : taken == container.value;
}

bool LenientReader::PullUntagged(CborHead& head) {
  do {
    if (!Pull(head)) return false;
  } while (head.type == CborType::kTag);
  return true;
}

bool LenientReader::ReadMessage(Message& message) {
  CborHead head;
  if (!PullUntagged(head)) return false;
  if (head.type == CborType::kMap) {
    if (head.indefinite || head.value != 1) return Fail(DecodeFault::kNotAMessage);
    if (!PullUntagged(head)) return false;
  } else if (head.type != CborType::kText) {
    return Fail(DecodeFault::kNotAMessage);
  }
  std::string_view name;
  if (!ReadName(head, name)) return false;
  if (name == "Subscribe") {
    message.kind = MessageKind::kSubscribe;
  } else if (name == "Unsubscribe") {
    message.kind = MessageKind::kUnsubscribe;
  } else if (name == "Relay") {
    message.kind = MessageKind::kRelay;
  } else {
    return Fail(DecodeFault::kNotAMessage);
  }
  if (!Pull(head)) return false;  // a tag here is refused, unlike everywhere else
  if (head.type == CborType::kMap) return ReadFieldMap(head, message);
  if (head.type == CborType::kArray) return ReadFieldArray(head, message);
  return Fail(DecodeFault::kNotAMessage);
}

bool LenientReader::ReadName(const CborHead& head, std::string_view& name) {
  const bool is_text = head.type == CborType::kText;
  if ((!is_text && head.type != CborType::kBytes) || head.indefinite ||
      head.content.size() > kMaxNameBytes) {
    return Fail(DecodeFault::kNotAMessage);
  }
  if (is_text && !IsUtf8(head.content)) return Fail(DecodeFault::kMalformed);
  name = head.content;
  return true;
}

bool LenientReader::ReadFieldMap(const CborHead& map, Message& message) {
  const bool wants_payload = message.kind == MessageKind::kRelay;
  bool has_topic = false;
  bool has_payload = false;
  for (uint64_t taken = 0; !TakeEnd(map, taken); ++taken) {
    CborHead head;
    std::string_view key;
    if (!PullUntagged(head) || !ReadName(head, key)) return false;
    if (key == "topic") {
      if (has_topic) return Fail(DecodeFault::kNotAMessage);
      has_topic = true;
      if (!ReadTopic(message.topic)) return false;
    } else if (key == "payload" && wants_payload) {
      if (has_payload) return Fail(DecodeFault::kNotAMessage);
      has_payload = true;
      if (!ReadPayload(message.payload)) return false;
    } else if (dialect_ == Dialect::kV2 && wants_payload && (key == "to" || key == "id")) {
      if (!ReadV2Field(key, message)) return false;
    } else if (!SkipItem(kSkippedLevels)) {
      return false;
    }
  }
  return (has_topic && has_payload == wants_payload) || Fail(DecodeFault::kNotAMessage);
}

bool LenientReader::ReadV2Field(std::string_view key, Message& message) {
  CborHead head;
  if (!Pull(head)) return false;
  if (key == "id") {
    if (message.receipt_id) return Fail(DecodeFault::kNotAMessage);
    message.receipt_id = head.value;
    return head.type == CborType::kUnsigned || Fail(DecodeFault::kNotAMessage);
  }
  if (message.to) return Fail(DecodeFault::kNotAMessage);
  message.to = head.content;
  return (head.type == CborType::kText && !head.indefinite) || Fail(DecodeFault::kNotAMessage);
}

bool LenientReader::ReadFieldArray(const CborHead& array, Message& message) {
  if (TakeEnd(array, 0)) return Fail(DecodeFault::kNotAMessage);
  if (!ReadTopic(message.topic)) return false;
  if (message.kind != MessageKind::kRelay) return true;
  if (TakeEnd(array, 1)) return Fail(DecodeFault::kNotAMessage);
  return ReadPayload(message.payload);
}

bool LenientReader::ReadTopic(std::string_view& topic) {
  CborHead head;
  if (!PullUntagged(head)) return false;
  if (head.type != CborType::kText) return Fail(DecodeFault::kNotAMessage);
  return ReadString(head, topic_scratch_, topic);
}

bool LenientReader::ReadPayload(std::string_view& payload) {
  CborHead head;
  if (!PullUntagged(head)) return false;
  if (head.type == CborType::kBytes) return ReadString(head, payload_scratch_, payload);
  if (head.type != CborType::kArray) return Fail(DecodeFault::kNotAMessage);
  payload_scratch_.clear();
  for (uint64_t taken = 0; !TakeEnd(head, taken); ++taken) {
    uint64_t value = 0;
    if (!ReadInteger(value)) return false;
    if (value > UINT8_MAX) return Fail(DecodeFault::kNotAMessage);
    payload_scratch_.push_back(static_cast<char>(value));
  }
  payload = payload_scratch_;
  return true;
}

bool LenientReader::ReadInteger(uint64_t& value) {
  CborHead head;
  do {
    if (!Pull(head)) return false;
  } while (head.type == CborType::kTag && !IsBignum(head));
  value = head.value;
  if (head.type == CborType::kUnsigned) return true;
  if (head.type != CborType::kTag) return Fail(DecodeFault::kNotAMessage);
  const bool negative = head.value == kTagNegativeBignum;
  if (!Pull(head)) return false;
  if (head.type != CborType::kBytes) return Fail(DecodeFault::kNotAMessage);
  value = 0;
  const auto add = [&value](std::string_view digits) {
    for (const char digit : digits) {
      if (value <= UINT8_MAX) value = value << 8 | static_cast<uint8_t>(digit);
    }
  };
  if (!ForEachChunk(head, add)) return false;
  return !negative || Fail(DecodeFault::kNotAMessage);
}

bool LenientReader::IsBignum(const CborHead& tag) {
  return tag.value == kTagPositiveBignum || tag.value == kTagNegativeBignum;
}

bool LenientReader::ReadString(const CborHead& head, std::string& scratch,
                               std::string_view& content) {
  content = head.content;
  if (head.indefinite) scratch.clear();
  const auto append = [&](std::string_view chunk) {
    if (head.indefinite) scratch.append(chunk);
  };
  if (!ForEachChunk(head, append)) return false;
  if (head.indefinite) content = scratch;
  return true;
}

bool LenientReader::SkipItem(int levels) {
  CborHead head;
  return Pull(head) && SkipRest(head, levels);
}

bool LenientReader::SkipRest(const CborHead& head, int levels) {
  switch (head.type) {
    case CborType::kUnsigned:
    case CborType::kNegative:
    case CborType::kFloat:
      return true;
    case CborType::kSimple:  // false, true, null, undefined: the reference knows no other
      return (head.value >= 20 && head.value <= 23) || Fail(DecodeFault::kNotAMessage);
    case CborType::kBytes:
    case CborType::kText:
      return ForEachChunk(head, [](std::string_view) {});
    case CborType::kArray:
    case CborType::kMap:
      return SkipElements(head, levels);
    case CborType::kTag:
      return SkipTagged(head, levels);
  }
  return Fail(DecodeFault::kMalformed);
}

bool LenientReader::SkipElements(const CborHead& container, int levels) {
  if (levels == 0) return Fail(DecodeFault::kTooDeep);
  for (uint64_t taken = 0; !TakeEnd(container, taken); ++taken) {
    if (!SkipItem(levels - 1)) return false;
    if (container.type == CborType::kMap && !SkipItem(levels - 1)) return false;
  }
  return true;
}

bool LenientReader::SkipTagged(const CborHead& tag, int levels) {
  CborHead head;
  if (!Pull(head)) return false;
  if (IsBignum(tag) && head.type == CborType::kBytes && !head.indefinite &&
      head.content.size() <= 16) {
    const bool fits = head.content.size() < 16 || static_cast<uint8_t>(head.content[0]) < 0x80;
    return tag.value == kTagPositiveBignum || fits || Fail(DecodeFault::kNotAMessage);
  }
  if (levels == 0) return Fail(DecodeFault::kTooDeep);
  return SkipRest(head, levels - 1);
}

}  // namespace cairn::wire
