// Documents of the source tree that tests compare with the code, such as docs/PROTOCOL.md.
#ifndef CAIRN_TESTS_SUPPORT_DOCUMENT_H_
#define CAIRN_TESTS_SUPPORT_DOCUMENT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// `path`: relative to docs/.
inline std::string ReadDocument(const std::string& path) {
  std::ifstream file(CAIRN_DOCS_DIR "/" + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The rows of the table whose heading begins with `heading`, without the heading's two lines.
inline std::vector<std::string> TableRows(const std::string& path, std::string_view heading) {
  std::vector<std::string> rows;
  bool inside = false;
  for (const std::string& line : LinesOf(ReadDocument(path))) {
    if (inside && line.empty()) break;
    if (inside && line.rfind("|---", 0) != 0) rows.push_back(line);
    if (line.rfind(heading, 0) == 0) inside = true;
  }
  EXPECT_FALSE(rows.empty()) << path << " has no table " << heading;
  return rows;
}

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_DOCUMENT_H_
