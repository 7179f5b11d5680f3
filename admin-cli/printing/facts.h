// Facts: names and values of one thing, one pair a line.
#ifndef CAIRN_ADMIN_CLI_PRINTING_FACTS_H_
#define CAIRN_ADMIN_CLI_PRINTING_FACTS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <utility>
#include <vector>

#include "admin-cli/printing/table.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

class Facts {
 public:
  // An empty name continues the value above. Values are made printable; long ones are wrapped.
  void Add(std::string name, const std::string& value, Tone tone = Tone::kPlain);

  std::string ToString(const Style& style) const;

 private:
  std::vector<std::pair<std::string, Cell>> facts_;
};

// "slow_reader 12, client_gone 3", the most frequent first; "none".
std::string HumaneReasons(
    const google::protobuf::RepeatedPtrField<::cairn::signaling::v1::ReasonCount>& reasons);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_FACTS_H_
