#include "edge/tls_takeover.h"

#include <openssl/crypto.h>

#include <optional>
#include <string>
#include <string_view>

namespace cairn::edge {
namespace {

// What one handshake has reported.
struct TrafficSecrets {
  TrafficSecrets() = default;
  ~TrafficSecrets() {
    OPENSSL_cleanse(client.data(), client.size());
    OPENSSL_cleanse(server.data(), server.size());
  }
  TrafficSecrets(const TrafficSecrets&) = delete;
  TrafficSecrets& operator=(const TrafficSecrets&) = delete;

  std::string client;  // empty: not yet
  std::string server;
  uint64_t sent = 0;  // records under the server's
};

void FreeSecrets(void*, void* secrets, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<TrafficSecrets*>(secrets);
}

int SecretsIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeSecrets);
  return index;
}

TrafficSecrets* SecretsOf(const SSL* ssl) {
  return static_cast<TrafficSecrets*>(SSL_get_ex_data(ssl, SecretsIndex()));
}

// `line`: label, client random, secret.
void NoteSecret(const SSL* ssl, const char* line) {
  std::string_view rest(line);
  const bool server = rest.starts_with("SERVER_TRAFFIC_SECRET_0 ");
  if (!server && !rest.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) return;
  TrafficSecrets* secrets = SecretsOf(ssl);
  if (secrets == nullptr) {
    auto made = std::make_unique<TrafficSecrets>();
    // Its ex_data is no part of the state that const stands for.
    if (SSL_set_ex_data(const_cast<SSL*>(ssl), SecretsIndex(), made.get()) != 1) return;
    secrets = made.release();
  }
  rest.remove_prefix(rest.rfind(' ') + 1);
  std::string& secret = server ? secrets->server : secrets->client;
  secret.resize(rest.size() / 2);
  size_t bytes = 0;
  const bool read = OPENSSL_hexstr2buf_ex(reinterpret_cast<unsigned char*>(secret.data()),
                                          secret.size(), &bytes, rest.data(), '\0') == 1;
  if (!read) secret.clear();
}

void CountRecord(int writes, int, int type, const void*, size_t, SSL* ssl, void*) {
  if (writes == 0 || type != SSL3_RT_HEADER) return;
  TrafficSecrets* const secrets = SecretsOf(ssl);
  if (secrets != nullptr && !secrets->server.empty()) ++secrets->sent;
}

}  // namespace

void TlsTakeover::Prepare(SSL_CTX* context) {
  SSL_CTX_set_keylog_callback(context, NoteSecret);
  SSL_CTX_set_msg_callback(context, CountRecord);
}

std::unique_ptr<TlsRecords> TlsTakeover::Take(const SSL* ssl) {
  const TrafficSecrets* const secrets = SecretsOf(ssl);
  if (secrets == nullptr || SSL_has_pending(ssl) != 0) return nullptr;
  const SSL_SESSION* const session = SSL_get_session(ssl);
  if (session == nullptr ||
      SSL_SESSION_get_max_fragment_length(session) != TLSEXT_max_fragment_length_DISABLED)
    return nullptr;
  const std::optional<TlsKeys::Suite> suite =
      TlsKeys::SuiteOf(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
  if (!suite) return nullptr;
  const std::optional<TlsKeys> received = TlsKeys::Make(*suite, secrets->client);
  const std::optional<TlsKeys> sent = TlsKeys::Make(*suite, secrets->server, secrets->sent);
  if (!received || !sent) return nullptr;
  return std::make_unique<TlsRecords>(*received, *sent);
}

}  // namespace cairn::edge
