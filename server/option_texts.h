// OptionTexts: the options that CLI11 alone cannot parse, as they were given.
#ifndef CAIRN_SERVER_OPTION_TEXTS_H_
#define CAIRN_SERVER_OPTION_TEXTS_H_

#include <string>

namespace cairn::server {

struct OptionTexts {
  std::string role = "all";
  std::string listen_addr = "0.0.0.0:443";
  std::string auth_token;
  std::string trusted_proxies;
  std::string drain = "2s";
  std::string handshake_timeout = "10s";
  std::string ping_interval = "25s";
  std::string lane_timeout = "10s";
  std::string dialects = "cbor,json";
  std::string record_ttl = "1h";
  std::string query_hold = "1s";
  std::string ops_listen_addr;
  std::string log_format = "text";
  std::string mesh;
  std::string core;
  std::string core_choice = "ordered";
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTION_TEXTS_H_
