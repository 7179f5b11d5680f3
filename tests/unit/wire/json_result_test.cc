#include "proto/wire/json_result.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace cairn::wire {
namespace {

// A topic as the libraries have them.
const std::string kTopic(64, 'a');

PublishedRecord Blob(std::string blob, std::string peer_id = "00000000000000aa") {
  return {std::move(peer_id), std::move(blob), {}};
}

PublishedRecord Addresses(std::vector<std::string> addresses) {
  return {"0b0c", "", std::move(addresses)};
}

std::string Text(const std::vector<PublishedRecord>& records, bool plain_addresses = false) {
  return WriteJsonResult("t", records, plain_addresses).text;
}

size_t PeersIn(const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find("\"peer_id\"", at)) != text.npos; ++at) ++count;
  return count;
}

TEST(JsonResultTest, WithoutRecordsPayloadIsNullAndPeersIsEmpty) {
  EXPECT_EQ(Text({}), R"({"type":"result","topic":"t","payload":null,"peers":[]})");
}

TEST(JsonResultTest, ABlobIsBase64InThePayloadAndHexInTheAddresses) {
  EXPECT_EQ(
      Text({Blob("\xca\xfe")}),
      R"({"type":"result","topic":"t","payload":"yv4=","peers":[{"peer_id":"00000000000000aa","addresses":["cafe"]}]})");
}

TEST(JsonResultTest, ThePayloadIsThatOfTheNewestAndAllArePeers) {
  EXPECT_EQ(
      Text({Blob("new", "01"), Blob("old", "02")}),
      R"({"type":"result","topic":"t","payload":"bmV3","peers":[{"peer_id":"01","addresses":["6e6577"]},)"
      R"({"peer_id":"02","addresses":["6f6c64"]}]})");
}

TEST(JsonResultTest, PlainAddressesAreReturnedOnlyToClientsThatUseThem) {
  const std::vector<PublishedRecord> records = {Addresses({"a:1", "é"})};
  EXPECT_EQ(BlobOf(records[0]), R"(["a:1","é"])");
  EXPECT_EQ(
      Text(records, true),
      R"({"type":"result","topic":"t","payload":"WyJhOjEiLCLDqSJd","peers":[{"peer_id":"0b0c","addresses":["a:1","é"]}]})");
  EXPECT_EQ(
      Text(records, false),
      R"({"type":"result","topic":"t","payload":"WyJhOjEiLCLDqSJd","peers":[{"peer_id":"0b0c",)"
      R"("addresses":["5b22613a31222c22c3a9225d"]}]})");
  EXPECT_EQ(Text({Blob("\xca\xfe", "01")}, true), Text({Blob("\xca\xfe", "01")}, false))
      << "a blob is a blob to all";
}

TEST(JsonResultTest, APeerThatAnnouncedNoAddressHasNone) {
  for (const bool plain_addresses : {false, true}) {
    EXPECT_EQ(
        Text({Addresses({})}, plain_addresses),
        R"({"type":"result","topic":"t","payload":"","peers":[{"peer_id":"0b0c","addresses":[]}]})");
  }
  EXPECT_EQ(BlobOf(Addresses({})), "");
  EXPECT_EQ(BlobOf(Addresses({""})), R"([""])");
}

TEST(JsonResultTest, SpecialCharactersAreEscaped) {
  const std::string odd("\0\"\\\n\x1f", 5);
  const std::string escaped = R"("\u0000\"\\\n\u001f")";
  EXPECT_EQ(WriteJsonAck(odd), R"({"type":"ack","topic":)" + escaped + "}");
  EXPECT_EQ(WriteJsonResult(odd, {}, false).text,
            R"({"type":"result","topic":)" + escaped + R"(,"payload":null,"peers":[]})");
  EXPECT_NE(Text({Addresses({odd})}, true).find("[" + escaped + "]"), std::string::npos);
}

TEST(JsonResultTest, AnAckNamesItsTopic) {
  EXPECT_EQ(WriteJsonAck("t"), R"({"type":"ack","topic":"t"})");
}

// ---- bounds

TEST(JsonResultTest, NoBlobMakesAnAnswerTooLong) {
  for (size_t bytes = 0; bytes < 5000; ++bytes) {
    const JsonResult result =
        WriteJsonResult(kTopic, {Blob(std::string(bytes, 'b')), Blob(std::string(7, 'c'))}, false);
    ASSERT_LE(result.text.size(), kMaxResultBytes) << bytes;
    ASSERT_EQ(PeersIn(result.text) + result.left_out, 2u) << bytes;
  }
}

TEST(JsonResultTest, AnAnswerHasAsManyRecordsAsFit) {
  // The longest blob that each form holds, as docs/CLIENTS.md has them.
  const auto with_blob_of = [](size_t bytes) {
    return WriteJsonResult(kTopic, {Blob(std::string(bytes, 'b'))}, false);
  };
  EXPECT_EQ(with_blob_of(1150).left_out, 0u);
  EXPECT_EQ(with_blob_of(1150).text.size(), kMaxResultBytes);
  EXPECT_EQ(with_blob_of(1151).left_out, 1u);
  EXPECT_NE(with_blob_of(2910).text.find(absl::Base64Escape(std::string(2910, 'b'))),
            std::string::npos);
  EXPECT_NE(with_blob_of(2911).text.find("\"payload\":null"), std::string::npos);
}

TEST(JsonResultTest, TheNewestGoInAndTheRestIsCounted) {
  std::vector<PublishedRecord> records;
  for (char name = 'a'; name < 'a' + 16; ++name) records.push_back(Blob(std::string(200, name)));
  const JsonResult result = WriteJsonResult(kTopic, records, false);
  const size_t held = PeersIn(result.text);
  EXPECT_EQ(held + result.left_out, 16u);
  EXPECT_EQ(held, 8u);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(result.text.find(absl::BytesToHexString(records[i].blob)) != std::string::npos,
              i < held)
        << i;
  }
}

TEST(JsonResultTest, ATooLongRecordIsSkippedForOlderOnes) {
  const JsonResult result =
      WriteJsonResult(kTopic, {Blob(std::string(3000, 'x')), Blob("small")}, false);
  EXPECT_EQ(result.left_out, 1u);
  EXPECT_NE(result.text.find("\"payload\":null"), std::string::npos);
  EXPECT_NE(result.text.find(absl::BytesToHexString("small")), std::string::npos);
}

TEST(JsonResultTest, OnlyATopicThatIsTooLongItselfBreaksTheBound) {
  const std::string topic(1024, '\1');  // six bytes each
  const JsonResult result = WriteJsonResult(topic, {Blob("b")}, false);
  EXPECT_EQ(result.left_out, 1u);
  EXPECT_EQ(result.text.size(),
            std::string(R"({"type":"result","topic":"","payload":null,"peers":[]})").size() +
                size_t{6} * 1024);
  EXPECT_LE(
      WriteJsonResult(std::string(1024, 't'), {Blob(std::string(500, 'b'))}, false).text.size(),
      kMaxResultBytes);
}

TEST(JsonResultTest, ARecordFitsIfSomeClientCanBeToldAllOfIt) {
  EXPECT_TRUE(FitsJsonResult(kTopic, Blob("")));
  EXPECT_TRUE(FitsJsonResult(kTopic, Blob(std::string(49'000, 'b')))) << "as the payload";
  EXPECT_FALSE(FitsJsonResult(kTopic, Blob(std::string(49'200, 'b'))));
  PublishedRecord plain{"0b", "", std::vector<std::string>(8, std::string(8000, 'a'))};
  EXPECT_TRUE(FitsJsonResult(kTopic, plain)) << "as plain addresses";
  plain.addresses.push_back(std::string(1600, 'a'));
  EXPECT_FALSE(FitsJsonResult(kTopic, plain));
  EXPECT_FALSE(FitsJsonResult(std::string(10'000, '\1'), Blob(std::string(10'000, 'b'))));
}

TEST(JsonResultTest, OnlyClientsWithoutAUserAgentGetAnswersForOneReadOfGo) {
  EXPECT_EQ(MaxResultBytes(""), kMaxResultBytes);
  EXPECT_EQ(MaxResultBytes("Python/3.11 websockets/14.0"), kMaxLargeResultBytes);
  const std::vector<PublishedRecord> records(16, Blob(std::string(1500, 'b')));
  EXPECT_EQ(WriteJsonResult(kTopic, records, false, MaxResultBytes("")).left_out, 16u);
  const JsonResult large = WriteJsonResult(kTopic, records, false, MaxResultBytes("Python/3.11"));
  EXPECT_EQ(large.left_out, 0u);
  EXPECT_LE(large.text.size(), kMaxLargeResultBytes);
  const std::vector<PublishedRecord> huge(16, Blob(std::string(4000, 'b')));
  const JsonResult cut = WriteJsonResult(kTopic, huge, false, MaxResultBytes("Python/3.11"));
  EXPECT_EQ(cut.left_out, 9u);
  EXPECT_LE(cut.text.size(), kMaxLargeResultBytes);
}

}  // namespace
}  // namespace cairn::wire
