#include "core/client_hello.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace cairn::core {
namespace {

// The first bytes of a client that offers these protocols, each behind its length.
std::string HelloOffering(std::string_view protocols) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));
  SSL_set_tlsext_host_name(ssl.get(), "core.example.com");
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl.get());
  EXPECT_NE(SSL_do_handshake(ssl.get()), 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

constexpr std::string_view kBoth =
    "\x0a"
    "cairn-lane\x02h2";

TEST(ClientHelloTest, ProtocolsThatAreOfferedAreFound) {
  const std::string hello = HelloOffering(kBoth);
  EXPECT_TRUE(OffersProtocol(hello, "cairn-lane"));
  EXPECT_TRUE(OffersProtocol(hello, "h2"));
  EXPECT_TRUE(OffersProtocol(hello + "more", "h2"));
}

TEST(ClientHelloTest, OthersAreNot) {
  EXPECT_FALSE(OffersProtocol(HelloOffering("\x02h2"), "cairn-lane"));
  EXPECT_FALSE(OffersProtocol(HelloOffering("\x0b"
                                            "cairn-lanes"),
                              "cairn-lane"));
  EXPECT_FALSE(OffersProtocol(HelloOffering(""), "cairn-lane"));
  EXPECT_FALSE(OffersProtocol("GET / HTTP/1.1\r\n\r\n", "h2"));
  EXPECT_FALSE(OffersProtocol("", "h2"));
}

TEST(ClientHelloTest, APartOfAHelloOffersNothing) {
  const std::string hello = HelloOffering(kBoth);
  for (size_t size = 0; size < hello.size(); ++size)
    EXPECT_FALSE(OffersProtocol(std::string_view(hello).substr(0, size), "cairn-lane")) << size;
}

}  // namespace
}  // namespace cairn::core
