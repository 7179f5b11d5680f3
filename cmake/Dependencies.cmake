# Every external library, found once. All of them are Debian 12 packages; `dev` lists the package names.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(absl REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(spdlog REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libcbor REQUIRED IMPORTED_TARGET libcbor)
# Its CMake package would ask for what only its HTTP server needs.
pkg_check_modules(prometheus-cpp-core REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd)
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
