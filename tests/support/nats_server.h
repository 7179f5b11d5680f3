// NatsServer: a nats-server process on a port of its own, that a test kills and stops.
#ifndef CAIRN_TESTS_SUPPORT_NATS_SERVER_H_
#define CAIRN_TESTS_SUPPORT_NATS_SERVER_H_

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace cairn::test {

class NatsServer {
 public:
  static bool Installed() { return !Program().empty(); }

  // `more`: lines of its configuration.
  explicit NatsServer(const std::string& more = "") : port_(FreePort()) {
    char path[] = "/tmp/cairn-nats-XXXXXX";
    directory_ = mkdtemp(path);
    std::ofstream(directory_ / "nats.conf")
        << "listen: 127.0.0.1:" << port_ << "\nping_interval: \"1s\"\nping_max: 2\n"
        << "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"\n"
        << more << "\n";
    Start();
  }
  ~NatsServer() {
    if (pid_ > 0) Kill();
    std::filesystem::remove_all(directory_);
  }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  void Start() {
    const std::string config = directory_ / "nats.conf", log = directory_ / "log",
                      program = Program();
    pid_ = fork();
    if (pid_ == 0) {
      const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(out, STDOUT_FILENO);
      dup2(out, STDERR_FILENO);
      execl(program.c_str(), program.c_str(), "-c", config.c_str(), nullptr);
      _exit(127);
    }
    for (int i = 0; i < 2000 && !Accepts(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!Accepts()) throw std::runtime_error("nats-server does not listen: " + log);
  }
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void Hang() const { kill(pid_, SIGSTOP); }
  void GoOn() const { kill(pid_, SIGCONT); }
  void LameDuck() const { kill(pid_, SIGUSR2); }

 private:
  static std::string Program() {
    for (const char* path :
         {"/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"}) {
      if (access(path, X_OK) == 0) return path;
    }
    return "";
  }
  static int FreePort() {
    boost::asio::io_context context;
    return boost::asio::ip::tcp::acceptor(context, {boost::asio::ip::address_v4::loopback(), 0})
        .local_endpoint()
        .port();
  }
  bool Accepts() const {
    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket(context);
    boost::system::error_code error;
    socket.connect({boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(port_)}, error);
    return !error;
  }

  const int port_;
  std::filesystem::path directory_;
  pid_t pid_ = -1;
};

}  // namespace cairn::test

#endif  // CAIRN_TESTS_SUPPORT_NATS_SERVER_H_
