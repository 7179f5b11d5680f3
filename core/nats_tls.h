// NewNatsTls: what a core trusts, and presents, in TLS to a NATS server.
//
// Owner:  one attempt to connect, which reads the files anew: they may have been replaced.
// Thread: any.
// Errors: a Status that names the file.
#ifndef CAIRN_CORE_NATS_TLS_H_
#define CAIRN_CORE_NATS_TLS_H_

#include <absl/status/statusor.h>

#include "base/tls_settings.h"
#include "core/nats_options.h"

namespace cairn::core {

// Without a CA: what the system trusts.
absl::StatusOr<SslContextPtr> NewNatsTls(const NatsOptions& options);

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_TLS_H_
