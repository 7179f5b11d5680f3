// The core's gRPC port in process: the Admin service behind a real server, called as any gRPC
// client would.
#include "core/admin_service.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/core.h"
#include "core/grpc_server.h"
#include "signaling/v1/admin.grpc.pb.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;
using grpc::StatusCode;
using testing::HasSubstr;

constexpr uint64_t kCoreId = 0xc0de;

BearerTokens Token(const std::string& text) { return *BearerTokens::FromToken(text); }

AuthorityTokens ThreeTokens() { return {Token("edge"), Token("operator"), Token("viewer"), {}}; }

class AdminServiceTest : public testing::Test {
 protected:
  void Start(AuthorityTokens tokens) {
    GrpcOptions options;
    options.address = "127.0.0.1:0";
    options.tokens = std::move(tokens);
    options.version = "1.2.3";
    absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(options, core_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    admin_ = v1::Admin::NewStub(channel_);
  }
  static std::unique_ptr<grpc::ClientContext> Call(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
    return context;
  }
  grpc::Status GetStatus(const std::string& token, v1::GetStatusResponse* response) {
    return admin_->GetStatus(Call(token).get(), {}, response);
  }
  StatusCode DrainEdge(const std::string& token) {
    v1::DrainEdgeRequest request;
    request.set_edge("north");
    v1::DrainEdgeResponse response;
    return admin_->DrainEdge(Call(token).get(), request, &response).error_code();
  }

  SystemClock clock_;
  Core core_{kCoreId, CoreLimits(), clock_};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

TEST_F(AdminServiceTest, StatusNamesTheCoreAndTheProgram) {
  Start({});
  EXPECT_THAT(server_->address(), HasSubstr("127.0.0.1:"));
  v1::GetStatusResponse status;
  ASSERT_TRUE(GetStatus("", &status).ok());
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_EQ(status.core_id(), "000000000000c0de");
  EXPECT_EQ(status.peers(), 0u);
  EXPECT_GT(status.resident_bytes(), 1u << 20);
}

TEST_F(AdminServiceTest, UnknownNamesAreNotFoundAndEmptyTargetsAreRefused) {
  Start({});
  v1::Peer peer;
  v1::GetPeerRequest get;
  get.set_id("0123456789abcdef");
  const grpc::Status unknown = admin_->GetPeer(Call("").get(), get, &peer);
  EXPECT_EQ(unknown.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("0123456789abcdef"));
  EXPECT_EQ(DrainEdge(""), StatusCode::NOT_FOUND);
  v1::DisconnectResponse disconnected;
  EXPECT_EQ(admin_->Disconnect(Call("").get(), {}, &disconnected).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminServiceTest, EachKindOfCallerIsAllowedOnlyItsCalls) {
  Start(ThreeTokens());
  v1::GetStatusResponse status;
  EXPECT_EQ(GetStatus("", &status).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(GetStatus("unknown", &status).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(GetStatus("edge", &status).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(GetStatus("viewer", &status).ok());
  EXPECT_TRUE(GetStatus("operator", &status).ok());
  EXPECT_EQ(DrainEdge("viewer"), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(DrainEdge("operator"), StatusCode::NOT_FOUND);
}

TEST_F(AdminServiceTest, AnOperatorOpensNoLane) {
  Start(ThreeTokens());
  const auto lanes = v1::Lanes::NewStub(channel_);
  const auto context = Call("operator");
  const auto stream = lanes->Open(context.get());
  v1::CoreToLane message;
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::PERMISSION_DENIED);
}

TEST_F(AdminServiceTest, AWatchEndsWhenItsTokenIsRevoked) {
  Start(ThreeTokens());
  const auto context = Call("viewer");
  const auto watch = admin_->Watch(context.get(), {});
  watch->WaitForInitialMetadata();
  EXPECT_EQ(server_->SetTokens({Token("edge"), Token("operator"), Token("other"), {}}), 1u);
  v1::Event event;
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_EQ(watch->Finish().error_code(), StatusCode::UNAUTHENTICATED);
  v1::GetStatusResponse status;
  EXPECT_EQ(GetStatus("viewer", &status).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(GetStatus("other", &status).ok());
}

TEST_F(AdminServiceTest, AnAddressThatIsTakenIsNamed) {
  Start({});
  GrpcOptions options;
  options.address = server_->address();
  const absl::Status status = GrpcServer::Start(options, core_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr(server_->address()));
}

TEST_F(AdminServiceTest, WithoutAFleetThereIsThisCoreOnly) {
  Start({});
  v1::ListCoresResponse cores;
  ASSERT_TRUE(admin_->ListCores(Call("").get(), {}, &cores).ok());
  ASSERT_EQ(cores.cores_size(), 1);
  EXPECT_EQ(cores.fleet(), "");
  EXPECT_EQ(cores.cores(0).core_id(), "000000000000c0de");
  EXPECT_TRUE(cores.cores(0).is_self());
  const auto call = Call("");
  call->AddMetadata("cairn-core", "000000000000c0df");
  v1::GetStatusResponse status;
  EXPECT_EQ(admin_->GetStatus(call.get(), {}, &status).error_code(), StatusCode::NOT_FOUND);
  v1::DrainCoreResponse drained;
  EXPECT_EQ(admin_->DrainCore(Call("").get(), {}, &drained).error_code(),
            StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace cairn::core
