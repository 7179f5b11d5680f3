#include "core/nats_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::core {
namespace {

using Frame = NatsFrames::Frame;
using Kind = NatsFrames::Frame::Kind;

constexpr size_t kMaxMessage = 1'000'000;

std::string Name(Kind kind) {
  switch (kind) {
    case Kind::kMessage:
      return "message";
    case Kind::kNobody:
      return "nobody";
    case Kind::kPing:
      return "ping";
    case Kind::kPong:
      return "pong";
    case Kind::kInfo:
      return "info";
    case Kind::kError:
      return "error";
  }
  return "";
}

// All frames of `bytes`, of which at most `most` come at once.
std::vector<std::string> Read(NatsFrames& frames, std::string_view bytes, size_t most = 1 << 20) {
  std::vector<std::string> read;
  do {
    const std::span<char> room = frames.Room();
    const size_t count = std::min({most, room.size(), bytes.size()});
    std::copy_n(bytes.data(), count, room.data());
    bytes.remove_prefix(count);
    frames.OnReceived(count);
    while (const std::optional<Frame> frame = frames.Next()) {
      read.push_back(Name(frame->kind) + "(" + std::string(frame->subject) + "," +
                     std::string(frame->text) + ")");
    }
  } while (!bytes.empty() && !frames.broken());
  return read;
}

constexpr std::string_view kAll =
    "INFO {\"headers\":true}\r\n+OK\r\nPING\r\nPONG\r\n"
    "MSG sg.f.all 2 5\r\nhello\r\n"
    "MSG sg.f.c.1 1 sg.f.n.2.1 2\r\n\r\n\r\n"
    "HMSG sg.f.n.1.2 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
    "HMSG sg.f.c.1 1 reply 16 19\r\nNATS/1.0\r\nA:\r\n\r\nyes\r\n"
    "MSG sg.f.c.1 1 0\r\n\r\n"
    "-ERR 'Stale Connection'\r\n";

const std::vector<std::string> kRead = {
    "info(,{\"headers\":true})",
    "ping(,)",
    "pong(,)",
    "message(sg.f.all,hello)",
    "message(sg.f.c.1,\r\n)",
    "nobody(sg.f.n.1.2,)",
    "message(sg.f.c.1,yes)",
    "message(sg.f.c.1,)",
    "error(,Stale Connection)",
};

TEST(NatsFramesTest, FramesAreTheSameWhereverTheyAreCut) {
  for (const size_t most : {1u, 2u, 3u, 7u, 50u, 10'000u}) {
    NatsFrames frames(kMaxMessage);
    EXPECT_EQ(Read(frames, kAll, most), kRead) << most;
    EXPECT_FALSE(frames.broken());
  }
}

TEST(NatsFramesTest, AMessageIsReadUpToTheBound) {
  const std::string large(kMaxMessage, 'x');
  NatsFrames frames(kMaxMessage);
  std::string bytes;
  for (int i = 0; i < 3; ++i) bytes += "MSG a 1 1000000\r\n" + large + "\r\nPING\r\n";
  const std::vector<std::string> read = Read(frames, bytes, 40'000);
  const std::string message = "message(a," + large + ")";
  EXPECT_EQ(read,
            (std::vector<std::string>{message, "ping(,)", message, "ping(,)", message, "ping(,)"}));
  EXPECT_LE(frames.Room().size(), NatsFrames::kReadBytes) << "the memory is given back";
  Read(frames, "MSG a 1 1000001\r\n");
  EXPECT_TRUE(frames.broken());
}

TEST(NatsFramesTest, AMessageDoesNotNeedMoreMemoryThanItself) {
  NatsFrames frames(kMaxMessage);
  Read(frames, "MSG a 1 300000\r\n" + std::string(100'000, 'x'));
  EXPECT_LE(frames.Room().size(), 300'000 + 2 * NatsFrames::kReadBytes);
}

TEST(NatsFramesTest, OnlyInfoMayBeALongLine) {
  const std::string longer(2 * NatsFrames::kMaxLineBytes, 'x');
  NatsFrames frames(kMaxMessage);
  EXPECT_EQ(Read(frames, "INFO " + longer + "\r\n", 1'000),
            std::vector<std::string>{"info(," + longer + ")"});
  for (const std::string& bad :
       {"-ERR " + longer + "\r\n", "MSG " + longer, "INFO " + std::string(40'000, 'x')}) {
    NatsFrames other(kMaxMessage);
    EXPECT_THAT(Read(other, bad, 1'000), testing::IsEmpty());
    EXPECT_TRUE(other.broken());
    EXPECT_LE(other.Room().size(), 2 * NatsFrames::kReadBytes);
  }
}

TEST(NatsFramesTest, WhatIsNoFrameBreaksIt) {
  for (const std::string& bad :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("MSG a 1\r\n"),
        std::string("MSG a 1 b 1 1\r\n"), std::string("MSG a 1 -1\r\n"),
        std::string("MSG a 1 x\r\n"), std::string("MSG a 1 1\r\nabc"),
        std::string("MSG a 1 99999999999\r\n"), std::string("HMSG a 1 5\r\n"),
        std::string("HMSG a 1 6 5\r\n"), std::string("HMSG a 1 b c 1 5\r\n"),
        std::string(NatsFrames::kMaxLineBytes, 'x'), std::string("\r\n")}) {
    NatsFrames frames(kMaxMessage);
    EXPECT_THAT(Read(frames, bad), testing::IsEmpty()) << bad;
    EXPECT_TRUE(frames.broken()) << bad;
    EXPECT_THAT(Read(frames, "PING\r\n"), testing::IsEmpty()) << "nothing is read any more";
  }
}

}  // namespace
}  // namespace cairn::core
