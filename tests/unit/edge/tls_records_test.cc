// What clients may send over TLS after their handshake, and what ends them.
#include "edge/tls_records.h"

#include <gmock/gmock.h>

#include <array>
#include <initializer_list>
#include <string>

#include "tests/support/tls_client_records.h"

namespace cairn::edge {
namespace {

using Alert = TlsRecords::Alert;
using End = TlsRecords::End;

const std::string kUpdate("\x18\0\0\1\0", 5), kUpdateRequest("\x18\0\0\1\1", 5);

class TlsRecordsTest : public testing::Test {
 protected:
  std::string Record(std::string_view text, uint8_t type = kDataRecord) {
    return SealRecord(client_, text, type);
  }
  // Records that are made in this order.
  static std::string All(std::initializer_list<std::string> records) {
    std::string all;
    for (const std::string& record : records) all += record;
    return all;
  }

  std::string Receive(std::string_view bytes) {
    std::string all(records_.partial());
    all += bytes;
    const size_t data = records_.Open(all);
    EXPECT_LE(data, all.size());
    return all.substr(0, data);
  }

  // The server's records, opened: a letter for the type, and the text.
  std::string Told(std::string_view bytes) {
    std::string told;
    while (!bytes.empty()) {
      const size_t size =
          5 + static_cast<uint8_t>(bytes[3]) * 256u + static_cast<uint8_t>(bytes[4]);
      const std::string inner = OpenRecord(from_server_, std::string(bytes.substr(0, size)));
      if (inner.empty()) return told + "not authentic";
      bytes.remove_prefix(size);
      told += inner.back() == kDataRecord ? 'D' : inner.back() == kAlertRecord ? 'A' : 'H';
      told += inner.substr(0, inner.size() - 1);
      if (inner.back() == kHandshakeRecord && !from_server_.Update()) return told + "no keys";
    }
    return told;
  }
  std::string Sealed(std::string_view text) { return {room_.data(), records_.Seal(text, room_)}; }
  // The alert that the client is told of a failure.
  Alert Failure() {
    if (records_.end() != End::kFailed) return Alert::kCloseNotify;
    const std::string told = Told({room_.data(), records_.SealAlert(room_)});
    EXPECT_EQ(told.substr(0, 2), "A\2");
    return static_cast<Alert>(told.at(2));
  }

  TlsKeys client_ = TestKeys('c');
  TlsKeys from_server_ = TestKeys('s', 1);
  TlsRecords records_ = TlsRecords(TestKeys('c'), TestKeys('s', 1));
  std::array<char, TlsRecords::kMaxSealed> room_;
};

TEST_F(TlsRecordsTest, DataOfAnyNumberOfRecordsComesInOnePiece) {
  const std::string bytes = All(
      {Record("one "), Record(""), Record(std::string("padded\x17\0\0\0", 10), 0), Record("two")});
  EXPECT_EQ(Receive(bytes), "one paddedtwo");
  EXPECT_EQ(records_.end(), End::kNone);
}

TEST_F(TlsRecordsTest, WhereTheInputIsCutMakesNoDifference) {
  const std::string before = All({Record("one"), Record(kUpdate, kHandshakeRecord)});
  ASSERT_TRUE(client_.Update());
  const std::string all =
      All({before, Record("two"), Record(std::string("\1\0", 2), kAlertRecord)});
  std::string received;
  for (const char byte : all) {
    EXPECT_EQ(records_.end(), End::kNone);
    received += Receive({&byte, 1});
  }
  EXPECT_EQ(received, "onetwo");
  EXPECT_EQ(records_.end(), End::kClosed);
  EXPECT_EQ(records_.partial(), "");
}

TEST_F(TlsRecordsTest, TheLargestRecordIsReadAndWritten) {
  const std::string text(TlsRecords::kMaxText, 'x');
  EXPECT_EQ(Receive(Record(text)), text);
  EXPECT_EQ(Told(Sealed(text)), "D" + text);
}

TEST_F(TlsRecordsTest, NothingIsReadBehindTheEnd) {
  EXPECT_EQ(Receive(All({Record("x"), Record(std::string("\1\0", 2), kAlertRecord), Record("y")})),
            "x");
  EXPECT_EQ(records_.end(), End::kClosed);
  EXPECT_EQ(Receive("z"), "");
  EXPECT_EQ(records_.partial(), "");
  // The other direction goes on until it is closed too.
  EXPECT_EQ(Told(Sealed("still")), "Dstill");
  EXPECT_EQ(Told({room_.data(), records_.SealAlert(room_)}), std::string("A\1\0", 3));
}

TEST_F(TlsRecordsTest, AKeyUpdateIsAnsweredBeforeTheNextData) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Receive(Record(kUpdateRequest, kHandshakeRecord)), "");
    ASSERT_TRUE(client_.Update());
  }
  EXPECT_EQ(Receive(Record("new keys")), "new keys");
  EXPECT_EQ(Told(Sealed("one")), "H" + kUpdate + "Done") << "one answer is enough";
  EXPECT_EQ(Told(Sealed("two")), "Dtwo");
}

TEST_F(TlsRecordsTest, AKeyUpdateWithoutARequestIsNotAnswered) {
  EXPECT_EQ(Receive(Record(kUpdate, kHandshakeRecord)), "");
  EXPECT_EQ(Told(Sealed("one")), "Done");
}

TEST_F(TlsRecordsTest, AKeyUpdateMayComeInSeveralRecords) {
  EXPECT_EQ(Receive(All({Record("\x18", kHandshakeRecord),
                         Record(std::string("\0\0\1", 3), kHandshakeRecord)})),
            "");
  EXPECT_EQ(Receive(Record("\1", kHandshakeRecord)), "");
  ASSERT_TRUE(client_.Update());
  EXPECT_EQ(Receive(Record("new keys")), "new keys");
}

TEST_F(TlsRecordsTest, TheServerUpdatesItsKeyBeforeItsLastRecord) {
  TlsRecords old(TestKeys('c'), TestKeys('s', TlsRecords::kMaxOfKey));
  from_server_ = TestKeys('s', TlsRecords::kMaxOfKey);
  const std::string bytes(room_.data(), old.Seal("text", room_));
  EXPECT_EQ(Told(bytes), "H" + kUpdate + "Dtext");
}

struct WrongRecord {
  const char* name;
  std::string text;
  uint8_t type;
  Alert alert;
};
class WrongRecordTest : public TlsRecordsTest, public testing::WithParamInterface<WrongRecord> {};

INSTANTIATE_TEST_SUITE_P(
    Records, WrongRecordTest,
    testing::Values(WrongRecord{"AllPadding", std::string(9, '\0'), 0, Alert::kUnexpectedMessage},
                    WrongRecord{"ChangeCipherSpec", "\1", 20, Alert::kUnexpectedMessage},
                    WrongRecord{"UnknownType", "x", 24, Alert::kUnexpectedMessage},
                    WrongRecord{"TooLong", std::string(TlsRecords::kMaxText + 1, 'x'), kDataRecord,
                                Alert::kRecordOverflow},
                    WrongRecord{"AlertOfOneByte", "\1", kAlertRecord, Alert::kDecodeError},
                    WrongRecord{"EmptyHandshake", "", kHandshakeRecord, Alert::kUnexpectedMessage},
                    WrongRecord{"Finished", std::string("\x14\0\0\x20", 4), kHandshakeRecord,
                                Alert::kUnexpectedMessage},
                    WrongRecord{"UpdateOfAnotherLength", std::string("\x18\0\0\2\0", 5),
                                kHandshakeRecord, Alert::kUnexpectedMessage},
                    WrongRecord{"UpdateOfAnotherValue", std::string("\x18\0\0\1\2", 5),
                                kHandshakeRecord, Alert::kIllegalParameter},
                    WrongRecord{"TwoUpdatesInOneRecord", kUpdate + kUpdate, kHandshakeRecord,
                                Alert::kUnexpectedMessage}),
    [](const auto& wrong) { return wrong.param.name; });

TEST_P(WrongRecordTest, EndsTheConnectionWithItsAlert) {
  EXPECT_EQ(Receive(Record("before")), "before");
  EXPECT_EQ(Receive(Record(GetParam().text, GetParam().type)), "");
  EXPECT_EQ(Failure(), GetParam().alert);
}

TEST_F(TlsRecordsTest, DataBetweenTheRecordsOfAKeyUpdateEndsIt) {
  Receive(All({Record("\x18", kHandshakeRecord), Record("x")}));
  EXPECT_EQ(Failure(), Alert::kUnexpectedMessage);
}

TEST_F(TlsRecordsTest, ARecordThatIsNotAuthenticEndsIt) {
  std::string record = Record("text");
  record.back() = static_cast<char>(record.back() ^ 1);
  EXPECT_EQ(Receive(record), "");
  EXPECT_EQ(Failure(), Alert::kBadRecordMac);
}

TEST_F(TlsRecordsTest, AHeaderThatCannotBeTrueEndsItBeforeMoreIsReceived) {
  EXPECT_EQ(Receive(std::string("\x17\3\3\x41\1", 5)), "");
  EXPECT_EQ(Failure(), Alert::kRecordOverflow);
}

TEST_F(TlsRecordsTest, AnAlertThatIsNotEncryptedEndsIt) {
  EXPECT_EQ(Receive(std::string("\x15\3\3\0\2\1\0", 7)), "");
  EXPECT_EQ(Failure(), Alert::kUnexpectedMessage);
}

TEST_F(TlsRecordsTest, ARecordWithoutRoomForATypeEndsIt) {
  EXPECT_EQ(Receive(std::string("\x17\3\3\0\x10", 5) + std::string(16, 'x')), "");
  EXPECT_EQ(Failure(), Alert::kBadRecordMac);
}

TEST_F(TlsRecordsTest, AnAlertOfTheClientsIsAnEndWithoutAnother) {
  EXPECT_EQ(Receive(All({Record("x"), Record(std::string("\1\x5a", 2), kAlertRecord)})), "x");
  EXPECT_EQ(records_.end(), End::kNone) << "user_canceled announces a close_notify";
  EXPECT_EQ(Receive(Record(std::string("\2\x28", 2), kAlertRecord)), "");
  EXPECT_EQ(records_.end(), End::kAlerted);
}

TEST_F(TlsRecordsTest, RecordsWithoutDataAreBounded) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < TlsRecords::kMaxIdleRecords; ++i) {
      if (i > 0) {
        Receive(Record(""));
      } else {
        Receive(Record(kUpdate, kHandshakeRecord));
        ASSERT_TRUE(client_.Update());
      }
    }
    EXPECT_EQ(Receive(Record("data")), "data");
  }
  for (int i = 0; i < TlsRecords::kMaxIdleRecords; ++i) Receive(Record(""));
  EXPECT_EQ(records_.end(), End::kNone);
  Receive(Record(""));
  EXPECT_EQ(Failure(), Alert::kUnexpectedMessage);
}

// Each costs as much as kilobytes of data.
TEST_F(TlsRecordsTest, UpdatesOfKeysAreBoundedByTheDataBetweenThem) {
  const auto update = [this] {
    Receive(Record(kUpdate, kHandshakeRecord));
    EXPECT_TRUE(client_.Update());
  };
  for (int i = 0; i < 3 * TlsRecords::kMaxUpdates; ++i) {
    update();
    for (size_t sent = 0; sent < TlsRecords::kBytesPerUpdate; sent += TlsRecords::kMaxText)
      Receive(Record(std::string(TlsRecords::kMaxText, 'x')));
  }
  for (int i = 0; i < TlsRecords::kMaxUpdates; ++i) {
    update();
    Receive(Record("x"));
  }
  EXPECT_EQ(records_.end(), End::kNone);
  Receive(Record(kUpdate, kHandshakeRecord));
  EXPECT_EQ(Failure(), Alert::kUnexpectedMessage);
}

TEST_F(TlsRecordsTest, WhatTheSocketDidNotTakeIsKeptUntilItDoes) {
  const std::string sealed = Sealed("text");
  records_.KeepUnsent(std::string_view(sealed).substr(3), 4);
  EXPECT_EQ(records_.unsent(), sealed.substr(3));
  EXPECT_EQ(records_.unsent_text(), 4u);
  records_.Sent(5);
  EXPECT_EQ(records_.unsent(), sealed.substr(8));
  records_.Sent(sealed.size() - 8);
  EXPECT_EQ(records_.unsent(), "");
}

}  // namespace
}  // namespace cairn::edge
