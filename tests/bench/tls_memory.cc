// What OpenSSL still holds for a connection of an edge once it is idle, by purpose:
// `tls_memory CERTIFICATE KEY`; `./dev bench tls` runs it.
//
// The server's end is the product's TlsContext and Stream; the client's is OpenSSL too, and is not
// counted. OpenSSL names the source file of each allocation, which tells what it is for.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "edge/stream.h"
#include "edge/tls_context.h"

namespace cairn::bench {
namespace {

struct Purpose {
  const char* what;
  std::array<std::string_view, 3> files;  // of OpenSSL 3.0
  size_t bytes = 0;
  size_t blocks = 0;
};

// The last one is for all other files.
std::array<Purpose, 10> purposes = {{
    {"`SSL`", {"ssl_lib.c"}},
    {"ciphers of both directions", {"cipher_aes_gcm.c", "cipher_chacha20_poly1305.c", "evp_enc.c"}},
    {"session", {"ssl_sess.c"}},
    {"certificate table", {"ssl_cert.c"}},
    {"locks", {"threads_pthread.c"}},
    {"hashes of the handshake", {"sha2_prov.c", "digest.c"}},
    {"keys of the key exchange", {"ecx_key.c", "ec_key.c", "p_lib.c"}},
    {"what the client offered", {"stack.c", "t1_lib.c", "packet.h"}},
    {"`BIO` of the socket", {"bio_lib.c"}},
    {"others", {}},
}};

// In front of every block.
struct alignas(std::max_align_t) Header {
  size_t bytes;
  Purpose* purpose;  // null: not counted
};

bool counting = false;

Purpose& PurposeOf(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const std::string_view file = slash != nullptr ? slash + 1 : path;
  const auto fits = [file](const Purpose& one) {
    return std::find(one.files.begin(), one.files.end(), file) != one.files.end();
  };
  const auto found = std::find_if(purposes.begin(), purposes.end() - 1, fits);
  return *found;
}

void* Allocate(size_t bytes, const char* file, int) {
  auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + bytes));
  if (header == nullptr) return nullptr;
  *header = {bytes, counting ? &PurposeOf(file) : nullptr};
  if (header->purpose != nullptr) {
    header->purpose->bytes += bytes;
    ++header->purpose->blocks;
  }
  return header + 1;
}

void Free(void* block, const char*, int) {
  if (block == nullptr) return;
  Header* header = static_cast<Header*>(block) - 1;
  if (header->purpose != nullptr) {
    header->purpose->bytes -= header->bytes;
    --header->purpose->blocks;
  }
  std::free(header);
}

void* Resize(void* block, size_t bytes, const char* file, int line) {
  void* moved = Allocate(bytes, file, line);
  if (block == nullptr || moved == nullptr) return moved;
  std::memcpy(moved, block, std::min(bytes, (static_cast<Header*>(block) - 1)->bytes));
  Free(block, file, line);
  return moved;
}

// A connection as an edge has it after its handshake and one message in each direction.
class IdleConnection {
 public:
  IdleConnection(const edge::TlsContext& server, SSL_CTX* client) : server_(MakeStream(server)) {
    client_.reset(SSL_new(client));
    SSL_set_fd(client_.get(), client_fd_.get());
    SSL_set_connect_state(client_.get());
    do {
      SSL_do_handshake(client_.get());
    } while (!Counted([this] { return server_.Handshake() == edge::Stream::Status::kOk; }));
  }

  bool Exchange() {
    std::array<char, edge::Stream::kLeastRead> buffer;
    return SSL_write(client_.get(), "ping", 4) == 4 && Counted([&] {
             return server_.Read(buffer).bytes == 4 && server_.Write("pong").bytes == 4 &&
                    server_.Read(buffer).status == edge::Stream::Status::kWantRead;
           }) &&
           SSL_read(client_.get(), buffer.data(), buffer.size()) == 4;
  }
  const char* version() const { return server_.tls_version(); }

 private:
  template <typename Step>
  static bool Counted(Step step) {
    counting = true;
    const bool done = step();
    counting = false;
    return done;
  }

  edge::Stream MakeStream(const edge::TlsContext& server) {
    std::array<int, 2> ends = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
    client_fd_ = UniqueFd(ends[0]);
    SslPtr ssl;
    Counted([&] { return (ssl = server.NewServerConnection(ends[1])) != nullptr; });
    return {UniqueFd(ends[1]), std::move(ssl)};
  }

  UniqueFd client_fd_;
  edge::Stream server_;
  SslPtr client_;
};

// For connections of one version.
bool Print(const edge::TlsContext& server, int version) {
  const SslContextPtr client(SSL_CTX_new(TLS_client_method()));
  if (!client || SSL_CTX_set_max_proto_version(client.get(), version) != 1) return false;
  // OpenSSL allocates some things once.
  if (!IdleConnection(server, client.get()).Exchange()) return false;
  for (Purpose& purpose : purposes) purpose.bytes = purpose.blocks = 0;
  IdleConnection idle(server, client.get());
  if (!idle.Exchange()) return false;
  std::printf(
      "| What OpenSSL holds for an idle connection, %s | bytes | blocks |\n|---|---:|---:|\n",
      idle.version());
  size_t bytes = 0, blocks = 0;
  for (const Purpose& purpose : purposes) {
    if (purpose.blocks > 0)
      std::printf("| %s | %zu | %zu |\n", purpose.what, purpose.bytes, purpose.blocks);
    bytes += purpose.bytes;
    blocks += purpose.blocks;
  }
  std::printf("| together | %zu | %zu |\n\n", bytes, blocks);
  return true;
}

int Run(const char* certificate, const char* key) {
  const auto server = edge::TlsContext::Load(certificate, key);
  if (!server.ok()) {
    std::fprintf(stderr, "tls_memory: %s\n", server.status().ToString().c_str());
    return 2;
  }
  return Print(**server, TLS1_3_VERSION) && Print(**server, TLS1_2_VERSION) ? 0 : 1;
}

}  // namespace
}  // namespace cairn::bench

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: tls_memory CERTIFICATE KEY\n");
    return 2;
  }
  using namespace cairn::bench;
  if (CRYPTO_set_mem_functions(Allocate, Resize, Free) != 1) {
    std::fprintf(stderr, "tls_memory: OpenSSL has allocated before main()\n");
    return 2;
  }
  return Run(arguments[1], arguments[2]);
}
