#include "core/grpc_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace cairn::core {
namespace {

class GrpcSocketTest : public testing::Test {
 protected:
  GrpcSocketTest() {
    char pattern[] = "/tmp/cairn-socket-XXXXXX";
    directory_ = mkdtemp(pattern);
    path_ = directory_ + "/core.sock";
  }
  ~GrpcSocketTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_, path_;
};

TEST_F(GrpcSocketTest, APathWhereAServerListensIsRefused) {
  const auto first = GrpcSocket::Open("unix:" + path_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = GrpcSocket::Open("unix://" + path_);
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_NE(second.status().ToString().find("give another --grpc-listen-addr"), std::string::npos)
      << second.status();
  EXPECT_TRUE(std::filesystem::exists(path_)) << "the first one's";
}

TEST_F(GrpcSocketTest, ASocketThatNobodyListensOnIsReplaced) {
  {
    auto first = GrpcSocket::Open("unix:" + path_);
    ASSERT_TRUE(first.ok());
    // As it is when a process is killed: the path stays.
    std::filesystem::rename(path_, path_ + ".stale");
  }
  std::filesystem::rename(path_ + ".stale", path_);
  const auto second = GrpcSocket::Open("unix:" + path_);
  EXPECT_TRUE(second.ok()) << second.status();
}

TEST_F(GrpcSocketTest, AFileThatIsNoSocketStays) {
  std::ofstream(path_) << "somebody's";
  EXPECT_TRUE(absl::IsUnavailable(GrpcSocket::Open("unix:" + path_).status()));
  EXPECT_EQ(std::filesystem::file_size(path_), 10u);
}

TEST_F(GrpcSocketTest, ThePathGoesWithItsSocketButNotWithAnothers) {
  GrpcSocket::Open("unix:" + path_).value();
  EXPECT_FALSE(std::filesystem::exists(path_));
  {
    const auto first = GrpcSocket::Open("unix:" + path_);
    std::filesystem::rename(path_, path_ + ".moved");
    std::ofstream(path_) << "somebody's";
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(GrpcSocketTest, APathThatIsTooLongOrEmptyIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(GrpcSocket::Open("unix:").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(GrpcSocket::Open("unix:/" + std::string(200, 'x')).status()));
  EXPECT_TRUE(absl::IsUnavailable(GrpcSocket::Open("unix:" + directory_ + "/no/where").status()));
}

TEST_F(GrpcSocketTest, SaysTheRealPortAndRefusesOneThatIsTaken) {
  const auto first = GrpcSocket::Open("127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  EXPECT_NE(first->address(), "127.0.0.1:0");
  EXPECT_TRUE(absl::IsUnavailable(GrpcSocket::Open(first->address()).status()));
  EXPECT_TRUE(GrpcSocket::Open("[::1]:0").ok());
}

}  // namespace
}  // namespace cairn::core
