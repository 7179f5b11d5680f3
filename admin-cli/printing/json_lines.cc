#include "admin-cli/printing/json_lines.h"

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <cmath>

#include "base/unicode.h"

namespace cairn::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void AppendMessage(const Message& message, std::string& out);

void AppendDouble(double value, std::string& out) {
  // The shortest text that parses to the same number.
  out += std::isfinite(value) ? fmt::format("{}", value) : "null";
}

void AppendText(const FieldDescriptor& field, const std::string& value, std::string& out) {
  if (field.type() == FieldDescriptor::TYPE_BYTES)
    return AppendJsonString(absl::Base64Escape(value), out);
  AppendJsonString(value, out);
}

// The value of a singular field, or element `index` of a repeated one.
#define CAIRN_GET(Type)                              \
  (index < 0 ? reflection.Get##Type(message, &field) \
             : reflection.GetRepeated##Type(message, &field, index))
void AppendValue(const Message& message, const FieldDescriptor& field, int index,
                 std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      out += fmt::format("{}", CAIRN_GET(Int32));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      out += fmt::format("{}", CAIRN_GET(Int64));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out += fmt::format("{}", CAIRN_GET(UInt32));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out += fmt::format("{}", CAIRN_GET(UInt64));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      AppendDouble(CAIRN_GET(Double), out);
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      AppendDouble(CAIRN_GET(Float), out);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out += CAIRN_GET(Bool) ? "true" : "false";
      break;
    case FieldDescriptor::CPPTYPE_ENUM: {
      // An enumerator newer than this program is printed by its number.
      AppendJsonString(CAIRN_GET(Enum)->name(), out);
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING:
      AppendText(field, CAIRN_GET(String), out);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      AppendMessage(CAIRN_GET(Message), out);
      break;
  }
}
#undef CAIRN_GET

void AppendField(const Message& message, const FieldDescriptor& field, std::string& out) {
  if (!field.is_repeated()) return AppendValue(message, field, -1, out);
  out += '[';
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int index = 0; index < size; ++index) {
    if (index > 0) out += ',';
    AppendValue(message, field, index, out);
  }
  out += ']';
}

void AppendMessage(const Message& message, std::string& out) {
  out += '{';
  const size_t start = out.size();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const bool may_be_unset = !field.is_repeated() && field.has_presence();
    if (may_be_unset && !message.GetReflection()->HasField(message, &field)) continue;
    if (out.size() > start) out += ',';
    AppendJsonString(field.name(), out);
    out += ':';
    AppendField(message, field, out);
  }
  out += '}';
}

}  // namespace

std::string ToJson(const Message& message) {
  std::string out;
  AppendMessage(message, out);
  return out;
}

}  // namespace cairn::admin
