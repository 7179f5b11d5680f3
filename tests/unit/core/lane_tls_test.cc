// Handshakes between a core's end and a client's, in this process.
#include "core/lane_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace cairn::core {
namespace {

using std::string_view_literals::operator""sv;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Issued {
  X509Ptr certificate;
  KeyPtr key;
};

std::string Written(const Issued& issued, bool key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  if (key) {
    PEM_write_bio_PrivateKey(bio, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_X509(bio, issued.certificate.get());
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void SetDnsName(X509* certificate, std::string_view dns) {
  GENERAL_NAMES* const names = GENERAL_NAMES_new();
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
  GENERAL_NAME_set0_value(name, GEN_DNS, text);
  sk_GENERAL_NAME_push(names, name);
  X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
  GENERAL_NAMES_free(names);
}

// Self-signed without an issuer.
Issued Issue(std::string_view name, const Issued* issuer, std::string_view dns = {}) {
  static int serial = 0;
  Issued issued{X509Ptr(X509_new()), KeyPtr(EVP_EC_gen("P-256"))};
  X509* const x509 = issued.certificate.get();
  // Only the oldest kind needs no extension to be an authority's.
  X509_set_version(x509, issuer ? X509_VERSION_3 : X509_VERSION_1);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  X509_set_issuer_name(
      x509, X509_get_subject_name(issuer ? issuer->certificate.get() : issued.certificate.get()));
  X509_set_pubkey(x509, issued.key.get());
  if (!dns.empty()) SetDnsName(x509, dns);
  X509_sign(x509, issuer ? issuer->key.get() : issued.key.get(), EVP_sha256());
  return issued;
}

class LaneTlsTest : public testing::Test {
 protected:
  LaneTlsTest() {
    const Issued core = Issue("core", &authority_);
    const auto made = LaneTls::Make(
        {Written(core, false), Written(core, true), Written(authority_, false), nullptr, nullptr});
    EXPECT_TRUE(made.ok()) << made.status();
    tls_ = *made;
  }

  // Whether the core accepts the client, which offers this protocol.
  bool Accepts(const Issued* client, std::string_view protocol =
                                         "\x0a"
                                         "cairn-lane") {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    core_end_ = UniqueFd(ends[0]);
    client_end_ = UniqueFd(ends[1]);
    core_ = tls_->NewConnection(core_end_.get());
    const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    if (client) {
      SSL_CTX_use_certificate(context.get(), client->certificate.get());
      SSL_CTX_use_PrivateKey(context.get(), client->key.get());
    }
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(protocol.data()),
                            static_cast<unsigned>(protocol.size()));
    const SslPtr ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), client_end_.get());
    SSL_set_connect_state(ssl.get());
    int accepted = 0;
    for (int i = 0; i < 10 && accepted != 1; ++i) {
      SSL_do_handshake(ssl.get());
      accepted = SSL_do_handshake(core_.get());
    }
    return accepted == 1;
  }

  const Issued authority_ = Issue("the CA", nullptr);
  std::shared_ptr<const LaneTls> tls_;
  UniqueFd core_end_, client_end_;
  SslPtr core_;
};

TEST_F(LaneTlsTest, TheNamesAndTheChainOfAClientAreKnown) {
  const Issued edge = Issue("edge", &authority_, "edge.north.example.com");
  ASSERT_TRUE(Accepts(&edge));
  const Credentials caller = LaneTls::CallerOf(*core_);
  EXPECT_THAT(caller.certificate_names, ElementsAre("edge", "edge.north.example.com"));
  EXPECT_EQ(caller.certificate_chain, Written(edge, false));
}

TEST_F(LaneTlsTest, AClientWithoutACertificateOfTheAuthorityIsRefused) {
  EXPECT_FALSE(Accepts(nullptr));
  const Issued other = Issue("the CA", nullptr);
  const Issued theirs = Issue("edge", &other), own = Issue("edge", nullptr);
  EXPECT_FALSE(Accepts(&theirs));
  EXPECT_FALSE(Accepts(&own));
}

TEST_F(LaneTlsTest, AClientThatOffersAnotherProtocolIsRefused) {
  const Issued edge = Issue("edge", &authority_);
  EXPECT_FALSE(Accepts(&edge, "\x02h2"));
  EXPECT_TRUE(Accepts(&edge,
                      "\x02h2\x0a"
                      "cairn-lane"));
}

TEST_F(LaneTlsTest, ANameWithAZeroByteIsNotTakenForAShorterOne) {
  const Issued edge = Issue("edge\0.mallory.example.com"sv, &authority_, "edge\0.mallory"sv);
  ASSERT_TRUE(Accepts(&edge));
  EXPECT_THAT(LaneTls::CallerOf(*core_).certificate_names, IsEmpty());
}

}  // namespace
}  // namespace cairn::core
