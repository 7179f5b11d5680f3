// Tokens and PEM files that options name.
//
// Errors: INVALID_ARGUMENT that names option and file. Messages never contain a token.
#ifndef CAIRN_ADMIN_CLI_RPC_SECRETS_H_
#define CAIRN_ADMIN_CLI_RPC_SECRETS_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace cairn::admin {

// The token given by --<option>, or the first non-blank line of the file given by --<option>-file;
// "" if neither was given.
absl::StatusOr<std::string> LoadToken(std::string_view option, const std::string& token,
                                      const std::string& file);

// The contents of a file of at most 1 MiB; "" without a path. `option` is for error messages.
absl::StatusOr<std::string> LoadFile(std::string_view option, const std::string& path);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_SECRETS_H_
