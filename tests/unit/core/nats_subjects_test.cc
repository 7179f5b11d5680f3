#include "core/nats_subjects.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace cairn::core {
namespace {

using signaling::v1::MeshMessage;

NatsSubjects Of(uint64_t core_id) {
  NatsOptions options;
  options.fleet = "f";
  options.core_id = core_id;
  return NatsSubjects(options);
}

TEST(NatsSubjectsTest, AMessageToOneCoreAsksWhetherAnybodyIsThere) {
  MeshMessage head;
  head.set_to(0x12);
  const std::string items = "items";
  std::string written = "before ";
  Of(0xab).AppendPublish(head, items, written);
  const std::string bytes = head.SerializeAsString() + items;
  EXPECT_EQ(written,
            "before PUB sg.f.c.0000000000000012 sg.f.n.00000000000000ab.0000000000000012 " +
                std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n");
}

TEST(NatsSubjectsTest, AMessageToAllDoesNot) {
  std::string written;
  Of(1).AppendPublish(MeshMessage(), "", written);
  EXPECT_EQ(written, "PUB sg.f.all 0\r\n\r\n");
}

TEST(NatsSubjectsTest, AnAnswerTellsOfWhichCore) {
  const NatsSubjects subjects = Of(0xab);
  EXPECT_EQ(subjects.all(), "sg.f.all");
  EXPECT_EQ(subjects.answers(), "sg.f.n.00000000000000ab.*");
  EXPECT_EQ(subjects.inbox(), "sg.f.c.00000000000000ab");
  EXPECT_EQ(subjects.CoreOf("sg.f.n.00000000000000ab.0000000000000012"), 0x12u);
  for (const char* other : {"sg.f.n.00000000000000ab.", "sg.f.n.00000000000000ab.x", "sg.f.all",
                            "sg.f.n.00000000000000ac.0000000000000012"}) {
    EXPECT_EQ(subjects.CoreOf(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace cairn::core
