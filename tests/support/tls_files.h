// TlsFiles: a self-signed certificate and its key in temporary files, which its destructor removes.
#ifndef CAIRN_TESTS_SUPPORT_TLS_FILES_H_
#define CAIRN_TESTS_SUPPORT_TLS_FILES_H_

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace cairn {

class TlsFiles {
 public:
  TlsFiles() {
    static int count = 0;
    const std::string stem =
        testing::TempDir() + "tls-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    cert = stem + ".crt";
    key = stem + ".key";
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x509), count);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME* name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, pair);
    X509_sign(x509, pair, EVP_sha256());
    std::FILE* file = std::fopen(cert.c_str(), "w");
    PEM_write_X509(file, x509);
    std::fclose(file);
    file = std::fopen(key.c_str(), "w");
    PEM_write_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(x509);
    EVP_PKEY_free(pair);
  }
  ~TlsFiles() {
    unlink(cert.c_str());
    unlink(key.c_str());
  }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  std::string cert;
  std::string key;
};

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_TLS_FILES_H_
