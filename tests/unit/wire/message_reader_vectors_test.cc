// MessageReader on every vector of tests/vectors, whose effect was observed on the reference.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/message_writer.h"
#include "tests/support/read_messages.h"

namespace cairn::wire {
namespace {

std::string FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return bytes;
}

struct Row {
  std::string name;
  std::string input;
  std::string effect;
  std::string topic;
  std::string forwarded;
};

// The rows of a file of tests/vectors. Where they have no name of their own it is their line.
std::vector<Row> LoadRows(const std::string& file, bool named) {
  std::ifstream in(CAIRN_VECTORS_DIR "/" + file);
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    const auto next = [&fields] {
      std::string field;
      std::getline(fields, field, '\t');
      return field;
    };
    Row& row = rows.emplace_back();
    row.name = named ? next() : file + ":" + std::to_string(number);
    row.input = FromHex(next());
    row.effect = next();
    row.topic = FromHex(next());
    row.forwarded = FromHex(next());
  }
  return rows;
}

std::vector<Row> AllRows() {
  std::vector<Row> rows = LoadRows("cbor-named.tsv", true);
  for (Row& row : LoadRows("cbor-generated.tsv", false)) rows.push_back(std::move(row));
  return rows;
}

void ExpectEffect(const Row& row) {
  SCOPED_TRACE(row.name);
  const Outcome outcome = Read(row.input);
  if (row.effect == "drop") {
    EXPECT_NE(outcome.fault, DecodeFault::kNone);
    return;
  }
  ASSERT_EQ(outcome.fault, DecodeFault::kNone);
  EXPECT_EQ(outcome.topic, row.topic);
  if (row.effect != "relay") {
    EXPECT_EQ(outcome.kind == MessageKind::kSubscribe, row.effect == "subscribe");
    EXPECT_EQ(outcome.kind == MessageKind::kUnsubscribe, row.effect == "unsubscribe");
    return;
  }
  EXPECT_EQ(outcome.kind, MessageKind::kRelay);
  std::string forwarded;
  AppendRelay(outcome.topic, outcome.payload, forwarded);
  EXPECT_EQ(forwarded, row.forwarded);
}

TEST(MessageReaderVectors, NamedVectorsHaveTheEffectSeenOnTheReference) {
  const std::vector<Row> rows = LoadRows("cbor-named.tsv", true);
  EXPECT_GE(rows.size(), 335u);
  for (const Row& row : rows) ExpectEffect(row);
}

TEST(MessageReaderVectors, GeneratedVectorsHaveTheEffectSeenOnTheReference) {
  const std::vector<Row> rows = LoadRows("cbor-generated.tsv", false);
  EXPECT_GE(rows.size(), 1500u);
  for (const Row& row : rows) ExpectEffect(row);
}

TEST(MessageReaderVectors, APrefixOfAMessageIsThatMessageOrTruncated) {
  for (const Row& row : AllRows()) {
    SCOPED_TRACE(row.name);
    const Outcome whole = Read(row.input);
    if (whole.fault != DecodeFault::kNone) continue;
    bool complete = false;
    for (size_t size = 0; size < row.input.size(); ++size) {
      const Outcome prefix = Read(std::string_view(row.input).substr(0, size));
      complete = complete || prefix.fault == DecodeFault::kNone;
      EXPECT_EQ(prefix, complete ? whole : Fault(DecodeFault::kTruncated)) << size;
    }
  }
}

TEST(MessageReaderVectors, VectorsReadTheSameOnBothPaths) {
  for (const Row& row : AllRows()) {
    if (!row.input.starts_with('\xa1')) continue;
    EXPECT_EQ(Read(row.input), ReadGenerally(row.input)) << row.name;
  }
}

}  // namespace
}  // namespace cairn::wire
