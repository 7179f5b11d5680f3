// The keys, records and key updates of RFC 8448 and of OpenSSL's own connections.
#include "edge/tls_keys.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>

#include <string>

#include "tests/support/tls_client_records.h"

namespace cairn::edge {
namespace {

using Suite = TlsKeys::Suite;

std::string Hex(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ' ');
  return absl::HexStringToBytes(digits);
}

// RFC 8448 3, "Simple 1-RTT Handshake".
const std::string kClientSecret =
    Hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
const std::string kServerSecret =
    Hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
const std::string kClientRecord =
    Hex("1703030043 "
        "a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b"
        "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
const std::string kServerRecord =
    Hex("1703030043 "
        "2e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8"
        "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d");

std::string FiftyBytes() {
  std::string bytes;
  for (char i = 0; i < 50; ++i) bytes.push_back(i);
  return bytes;
}

TEST(TlsKeysTest, RecordsOfTheRfcAreOpened) {
  auto client = TlsKeys::Make(Suite::kAes128GcmSha256, kClientSecret);
  ASSERT_TRUE(client.has_value());
  EXPECT_EQ(OpenRecord(*client, kClientRecord), FiftyBytes() + "\x17");
  EXPECT_EQ(client->sequence(), 1u);
  // Its close_notify is the next record.
  EXPECT_EQ(OpenRecord(*client, Hex("1703030013 c9872760655666b74d7ff1153efd6db6d0b0e3")),
            std::string("\x01\x00\x15", 3));
}

TEST(TlsKeysTest, RecordsOfTheRfcAreMade) {
  // The first record is the server's ticket.
  auto server = TlsKeys::Make(Suite::kAes128GcmSha256, kServerSecret, 1);
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(SealRecord(*server, FiftyBytes()), kServerRecord);
  EXPECT_EQ(SealRecord(*server, std::string("\x01\x00", 2), 21),
            Hex("1703030013 b58fd67166ebf599d24720cfbe7efa7a8864a9"));
}

TEST(TlsKeysTest, ASecretOfAnotherLengthIsRefused) {
  EXPECT_FALSE(TlsKeys::Make(Suite::kAes256GcmSha384, kClientSecret).has_value());
  EXPECT_FALSE(TlsKeys::Make(Suite::kAes128GcmSha256, "").has_value());
  EXPECT_FALSE(TlsKeys::Make(Suite::kChaCha20Poly1305Sha256, std::string(48, 's')).has_value());
}

TEST(TlsKeysTest, OnlyTheSuitesThatOpenSslOffersByDefaultAreKnown) {
  EXPECT_EQ(TlsKeys::SuiteOf(0x1301), Suite::kAes128GcmSha256);
  EXPECT_EQ(TlsKeys::SuiteOf(0x1303), Suite::kChaCha20Poly1305Sha256);
  EXPECT_EQ(TlsKeys::SuiteOf(0x1304), std::nullopt);  // AES-128-CCM
  EXPECT_EQ(TlsKeys::SuiteOf(0xc02b), std::nullopt);  // of TLS 1.2
}

class TlsKeysOfSuiteTest : public testing::TestWithParam<Suite> {
 protected:
  TlsKeys sender_ = TestKeys('s', 0, GetParam());
  TlsKeys receiver_ = TestKeys('s', 0, GetParam());
};

INSTANTIATE_TEST_SUITE_P(Suites, TlsKeysOfSuiteTest,
                         testing::Values(Suite::kAes128GcmSha256, Suite::kAes256GcmSha384,
                                         Suite::kChaCha20Poly1305Sha256));

TEST_P(TlsKeysOfSuiteTest, WhatIsSealedIsOpenedInOrder) {
  const std::string first = SealRecord(sender_, "one"), second = SealRecord(sender_, "");
  EXPECT_EQ(OpenRecord(receiver_, first), "one\x17");
  EXPECT_EQ(OpenRecord(receiver_, second), "\x17");
}

TEST_P(TlsKeysOfSuiteTest, EachBitIsAuthenticated) {
  const std::string record = SealRecord(sender_, "text");
  for (size_t at = 0; at < record.size(); ++at) {
    std::string other = record;
    other[at] = static_cast<char>(other[at] ^ 0x10);
    EXPECT_EQ(OpenRecord(receiver_, other), "") << at;
  }
  EXPECT_EQ(OpenRecord(receiver_, record), "text\x17");
}

TEST_P(TlsKeysOfSuiteTest, ARecordThatWasSkippedOrRepeatedIsNotAuthentic) {
  const std::string first = SealRecord(sender_, "one"), second = SealRecord(sender_, "two");
  EXPECT_EQ(OpenRecord(receiver_, second), "");
  EXPECT_EQ(OpenRecord(receiver_, first), "one\x17");
  EXPECT_EQ(OpenRecord(receiver_, first), "");
}

TEST_P(TlsKeysOfSuiteTest, AnUpdateChangesTheKeysAndNumbersFromZero) {
  SealRecord(sender_, "before");
  ASSERT_TRUE(sender_.Update());
  EXPECT_EQ(sender_.sequence(), 0u);
  const std::string record = SealRecord(sender_, "after");
  EXPECT_EQ(OpenRecord(receiver_, record), "");
  ASSERT_TRUE(receiver_.Update());
  EXPECT_EQ(OpenRecord(receiver_, record), "after\x17");
}

}  // namespace
}  // namespace cairn::edge
