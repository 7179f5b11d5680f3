#include "admin-cli/printing/json_lines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "signaling/v1/admin.pb.h"

namespace cairn::admin {
namespace {

namespace v1 = ::cairn::signaling::v1;

TEST(JsonLinesTest, EveryFieldIsThereUnderItsNameInTheProto) {
  EXPECT_EQ(ToJson(v1::ReasonCount()), R"({"reason":"","count":0})");
  EXPECT_EQ(ToJson(v1::ListPeersResponse()), R"({"peers":[],"next_page_token":""})");
}

TEST(JsonLinesTest, LargeIntegersAreNumbers) {
  v1::ReasonCount count;
  count.set_count(std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ToJson(count), R"({"reason":"","count":18446744073709551615})");
  v1::EdgeInfo edge;
  edge.set_connected_since_us(1'769'900'000'123'456);
  EXPECT_NE(ToJson(edge).find(R"("connected_since_us":1769900000123456,)"), std::string::npos);
}

TEST(JsonLinesTest, EnumsAreNamesAndBooleansAreBooleans) {
  v1::Event event;
  event.set_kind(v1::Event::KIND_CLOSED);
  EXPECT_EQ(ToJson(event).substr(0, 22), R"({"kind":"KIND_CLOSED",)");
  v1::EdgeInfo edge;
  edge.set_draining(true);
  EXPECT_NE(ToJson(edge).find(R"("draining":true)"), std::string::npos);
}

TEST(JsonLinesTest, RepeatedFieldsAreArraysOfStringsOrObjects) {
  v1::Peer peer;
  peer.add_topics("a");
  peer.add_topics("b");
  EXPECT_NE(ToJson(peer).find(R"("topics":["a","b"])"), std::string::npos);
  v1::EdgeInfo edge;
  v1::ReasonCount& close = *edge.add_closes();
  close.set_reason("slow_reader");
  close.set_count(3);
  EXPECT_NE(ToJson(edge).find(R"("closes":[{"reason":"slow_reader","count":3}],"drops":[])"),
            std::string::npos);
}

TEST(JsonLinesTest, AMemberOfAOneofIsThereOnlyWhenItIsSet) {
  v1::TraceRequest request;
  EXPECT_EQ(ToJson(request), "{}");
  request.set_topic("");
  EXPECT_EQ(ToJson(request), R"({"topic":""})");
}

TEST(JsonLinesTest, AnUnsetSubMessageIsLeftOut) {
  v1::ListPeersRequest request;
  EXPECT_EQ(ToJson(request).find("filter"), std::string::npos);
  request.mutable_filter();
  EXPECT_NE(ToJson(request).find(R"("filter":{"edge":"")"), std::string::npos);
}

TEST(JsonLinesTest, DoublesReadBackAsTheSameNumber) {
  v1::Topic topic;
  for (const double value : {0.0, 0.1, 12.0, 1e300, 1234567.891}) {
    topic.set_relays_per_second(value);
    const std::string json = ToJson(topic);
    const size_t at = json.find("relays_per_second") + 19;
    EXPECT_EQ(std::stod(json.substr(at)), value) << json;
  }
  topic.set_relays_per_second(std::nan(""));
  EXPECT_NE(ToJson(topic).find(R"("relays_per_second":null)"), std::string::npos);
}

}  // namespace
}  // namespace cairn::admin
