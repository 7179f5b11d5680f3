#include "proto/wire/json_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

namespace cairn::wire {

// For readable failures.
void PrintTo(JsonFault fault, std::ostream* out) {
  static constexpr const char* kNames[] = {"none", "malformed", "not a message"};
  *out << kNames[static_cast<size_t>(fault)];
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = JsonMessage::Kind;

JsonFault FaultOf(std::string_view text) {
  JsonMessage message;
  return ReadJsonMessage(text, message);
}

JsonMessage ReadJson(std::string_view text) {
  JsonMessage message;
  EXPECT_EQ(ReadJsonMessage(text, message), JsonFault::kNone) << text;
  return message;
}

std::string Announce(std::string_view addresses, std::string_view more = "") {
  return std::string(R"({"type":"announce","topic":"t","addresses":)")
             .append(addresses)
             .append(more) +
         "}";
}

std::string Publish(std::string_view payload) {
  return std::string(R"({"type":"publish","topic":"t","payload":)").append(payload) + "}";
}

std::string Repeated(size_t count, std::string_view one, std::string_view between = "") {
  std::string all;
  for (size_t i = 0; i < count; ++i) all.append(i > 0 ? between : "").append(one);
  return all;
}

// ---- as each library writes them

TEST(JsonMessageTest, TypeScriptPublishes) {
  const JsonMessage message = ReadJson(R"({"type":"publish","topic":"70","payload":"yv4="})");
  EXPECT_EQ(message.kind, Kind::kPublish);
  EXPECT_EQ(message.topic, "70");
  EXPECT_EQ(message.blob, "\xca\xfe");
  EXPECT_THAT(message.addresses, IsEmpty());
  EXPECT_EQ(message.peer_id, "");
}

TEST(JsonMessageTest, RustPublishesWithItsMembersSorted) {
  const JsonMessage message = ReadJson(R"({"payload":"yv4=","topic":"70","type":"publish"})");
  EXPECT_EQ(message.kind, Kind::kPublish);
  EXPECT_EQ(message.topic, "70");
  EXPECT_EQ(message.blob, "\xca\xfe");
}

TEST(JsonMessageTest, GoAnnouncesABlobInHexWithoutAPeerId) {
  const JsonMessage message = ReadJson(R"({"type":"announce","topic":"70","addresses":["cafe"]})");
  EXPECT_EQ(message.kind, Kind::kAnnounce);
  EXPECT_EQ(message.blob, "\xca\xfe");
  EXPECT_THAT(message.addresses, IsEmpty());
  EXPECT_EQ(message.peer_id, "");
}

TEST(JsonMessageTest, PythonAnnouncesAddressesWithBlanksAndEscapes) {
  const JsonMessage message = ReadJson(
      R"({"type": "announce", "topic": "70", "peer_id": "0b0c", "addresses": ["a:1", "\u00e9"]})");
  EXPECT_EQ(message.kind, Kind::kAnnounce);
  EXPECT_EQ(message.blob, "");
  EXPECT_THAT(message.addresses, ElementsAre("a:1", "\xc3\xa9"));
  EXPECT_EQ(message.peer_id, "0b0c");
}

TEST(JsonMessageTest, AllQuery) {
  for (const std::string_view text :
       {R"({"type":"query","topic":"70"})", R"({"topic":"70","type":"query"})",
        R"({"type": "query", "topic": "70"})"}) {
    const JsonMessage message = ReadJson(text);
    EXPECT_EQ(message.kind, Kind::kQuery);
    EXPECT_EQ(message.topic, "70");
  }
}

// ---- blobs and addresses

TEST(JsonMessageTest, OneStringOfWholeHexBytesIsABlobAndNothingElseIs) {
  EXPECT_EQ(ReadJson(Announce(R"(["00fF"])")).blob, std::string("\x00\xff", 2));
  for (const std::string_view addresses :
       {R"(["caf"])", R"(["cafe","babe"])", R"([""])", R"(["0xca"])", R"(["ca fe"])",
        R"(["\u00e9\u00e9"])", "[]"}) {
    EXPECT_EQ(ReadJson(Announce(addresses)).blob, "") << addresses;
  }
  EXPECT_THAT(ReadJson(Announce(R"(["cafe","babe"])")).addresses, ElementsAre("cafe", "babe"));
  EXPECT_THAT(ReadJson(Announce(R"([""])")).addresses, ElementsAre(""));
  EXPECT_THAT(ReadJson(Announce("[]")).addresses, IsEmpty());
}

TEST(JsonMessageTest, APayloadIsBase64WithOrWithoutPadding) {
  EXPECT_EQ(ReadJson(Publish(R"("")")).blob, "");
  EXPECT_EQ(ReadJson(Publish(R"("AA==")")).blob, std::string(1, '\0'));
  EXPECT_EQ(ReadJson(Publish(R"("AA")")).blob, std::string(1, '\0'));
  EXPECT_EQ(ReadJson(Publish(R"("+/+/")")).blob, "\xfb\xff\xbf");
  EXPECT_EQ(ReadJson(Publish(R"("\u0041A==")")).blob, std::string(1, '\0'));
  for (const std::string_view payload :
       {R"("A")", R"("A===")", R"("AA=A")", R"("-_-_")", R"("AAA\u0000")", R"("é===")"}) {
    EXPECT_EQ(FaultOf(Publish(payload)), JsonFault::kNotAMessage) << payload;
  }
}

TEST(JsonMessageTest, StringsMayContainEveryJsonEscape) {
  const JsonMessage message = ReadJson(R"({"type":"query","topic":"\u0000\"\\\/\n\ud83d\ude00é"})");
  EXPECT_EQ(message.topic, std::string("\0\"\\/\n\xf0\x9f\x98\x80\xc3\xa9", 11));
}

TEST(JsonMessageTest, OtherMembersAreIgnoredAndTheLastOfTwoIsUsed) {
  EXPECT_EQ(
      ReadJson(
          R"({"x":[{"y":[null,true,-1.5e300,""]}],"topic":"a","type":"query","topic":"b","payload":1})")
          .topic,
      "b");
}

TEST(JsonMessageTest, NothingOfAnEarlierMessageStays) {
  JsonMessage message = ReadJson(Announce(R"(["a","b"])", R"(,"peer_id":"0b")"));
  ASSERT_EQ(ReadJsonMessage(R"({"type":"query","topic":"u"})", message), JsonFault::kNone);
  EXPECT_EQ(message.kind, Kind::kQuery);
  EXPECT_EQ(message.topic, "u");
  EXPECT_EQ(message.peer_id, "");
  EXPECT_THAT(message.addresses, IsEmpty());
}

// ---- what is none

TEST(JsonMessageTest, TextThatIsNotJsonIsMalformed) {
  for (const std::string_view text :
       {"", " ", "{", "}", "nul", "'a'", R"({"type":"query","topic":"t"}x)",
        R"({"type":"query","topic":"t"}{})", R"({"type":"query","topic":"t",})",
        R"({"type":"query" "topic":"t"})", R"({type:"query","topic":"t"})",
        "\xef\xbb\xbf{\"type\":\"query\",\"topic\":\"t\"}", R"({"type":"query","topic":"\ud800"})",
        R"({"type":"query","topic":"\u12"})", R"({"type":"query","topic":"\x41"})",
        "{\"type\":\"query\",\"topic\":\"\n\"}", R"({"type":"query","topic":"t"} // comment)",
        R"({"type":"query","topic":"t","x":01})", "\xff"}) {
    EXPECT_EQ(FaultOf(text), JsonFault::kMalformed) << text;
  }
}

TEST(JsonMessageTest, OtherJsonIsNotAMessage) {
  for (const std::string_view text :
       {"null", "1", R"("query")", "[]", R"(["query","t"])", "{}", R"({"type":"query"})",
        R"({"topic":"t"})", R"({"type":"query","topic":null})", R"({"type":"query","topic":1})",
        R"({"type":null,"topic":"t"})", R"({"type":"","topic":"t"})",
        R"({"type":"Query","topic":"t"})", R"({"type":"result","topic":"t"})",
        R"({"type":"publish","topic":"t"})", R"({"type":"announce","topic":"t"})"}) {
    EXPECT_EQ(FaultOf(text), JsonFault::kNotAMessage) << text;
  }
  for (const std::string_view payload : {"null", "1", "[1,2]", R"(["AA=="])"}) {
    EXPECT_EQ(FaultOf(Publish(payload)), JsonFault::kNotAMessage) << payload;
  }
  for (const std::string_view addresses :
       {"null", R"("cafe")", "{}", "[1]", R"(["a",null])", R"([["a"]])"}) {
    EXPECT_EQ(FaultOf(Announce(addresses)), JsonFault::kNotAMessage) << addresses;
  }
}

// A Python client would drop the whole answer with it.
TEST(JsonMessageTest, APeerIdIsWholeHexBytes) {
  EXPECT_EQ(ReadJson(Announce("[]", R"(,"peer_id":"")")).peer_id, "");
  EXPECT_EQ(ReadJson(Announce("[]", R"(,"peer_id":"0aF9")")).peer_id, "0aF9");
  for (const std::string_view peer_id :
       {R"("abc")", R"("me")", R"("0x0a")", R"(" 0a")", "1", "null", "[]"}) {
    EXPECT_EQ(FaultOf(Announce("[]", std::string(R"(,"peer_id":)").append(peer_id))),
              JsonFault::kNotAMessage)
        << peer_id;
  }
}

// ---- bounds

TEST(JsonMessageTest, NestingIsBounded) {
  const auto nested = [](size_t arrays) {
    return R"({"type":"query","topic":"t","x":)" + std::string(arrays, '[') +
           std::string(arrays, ']') + "}";
  };
  EXPECT_EQ(FaultOf(nested(kMaxJsonDepth - 1)), JsonFault::kNone);
  EXPECT_EQ(FaultOf(nested(kMaxJsonDepth)), JsonFault::kMalformed);
  EXPECT_EQ(FaultOf(std::string(1 << 20, '[')), JsonFault::kMalformed);
}

TEST(JsonMessageTest, AddressesAreBoundedInNumberAndSize) {
  const auto many = [](size_t count) {
    return Announce("[" + Repeated(count, R"("a")", ",") + "]");
  };
  EXPECT_EQ(ReadJson(many(kMaxAddresses)).addresses.size(), kMaxAddresses);
  EXPECT_EQ(FaultOf(many(kMaxAddresses + 1)), JsonFault::kNotAMessage);
  const auto longest = [](size_t bytes) {
    return Announce("[\"" + std::string(bytes, 'x') + "\"]");
  };
  EXPECT_EQ(ReadJson(longest(kMaxAddressBytes)).addresses.at(0).size(), kMaxAddressBytes);
  EXPECT_EQ(FaultOf(longest(kMaxAddressBytes + 1)), JsonFault::kNotAMessage);
  // Bytes, not characters.
  EXPECT_EQ(FaultOf(Announce("[\"" + Repeated(kMaxAddressBytes / 2 + 1, "\xc3\xa9") + "\"]")),
            JsonFault::kNotAMessage);
}

TEST(JsonMessageTest, PeerIdsAreBounded) {
  const auto with = [](size_t bytes) {
    return Announce("[]", ",\"peer_id\":\"" + std::string(bytes, '0') + "\"");
  };
  EXPECT_EQ(ReadJson(with(kMaxPeerIdBytes)).peer_id.size(), kMaxPeerIdBytes);
  EXPECT_EQ(FaultOf(with(kMaxPeerIdBytes + 2)), JsonFault::kNotAMessage);
}

TEST(JsonMessageTest, LargeMessagesAreReadAsWell) {
  const JsonMessage message = ReadJson(Publish("\"" + Repeated(25'000, "////") + "\""));
  EXPECT_EQ(message.blob, std::string(75'000, '\xff'));
}

}  // namespace
}  // namespace cairn::wire
