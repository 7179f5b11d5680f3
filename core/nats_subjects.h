// NatsSubjects: the addresses of a fleet's cores on NATS, and how a message to them is written.
//
//   sg.FLEET.all      every core
//   sg.FLEET.c.ID     one core
//   sg.FLEET.n.OWN.ID what the server answers to a message that had nobody to go to at core ID
//
// Thread: immutable after construction.
#ifndef CAIRN_CORE_NATS_SUBJECTS_H_
#define CAIRN_CORE_NATS_SUBJECTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/nats_options.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class NatsSubjects {
 public:
  explicit NatsSubjects(const NatsOptions& options);

  const std::string& all() const { return all_; }
  const std::string& inbox() const { return inbox_; }
  const std::string& answers() const { return answers_; }  // with "*" at its end
  // The core that a subject of answers() is about.
  std::optional<uint64_t> CoreOf(std::string_view answer) const;

  // What publishes a message: `head`, followed by `items`, to the core that head.to() names or to
  // all. The server sends the status 503 to the answers' subject if nobody is at a core's address.
  void AppendPublish(const signaling::v1::MeshMessage& head, std::string_view items,
                     std::string& to) const;

 private:
  void AppendInboxOf(uint64_t core_id, std::string& to) const;

  std::string prefix_;  // "sg.FLEET."
  std::string all_, inbox_, own_, answers_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_SUBJECTS_H_
