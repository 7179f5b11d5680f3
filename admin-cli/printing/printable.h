// Untrusted text made safe for a terminal: clients choose topics, user agents and close reasons.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_
#define CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::admin {

// Control characters, characters that change the writing direction, and bytes that are not UTF-8
// become "\x1b" or "\u{202e}"; a backslash stays. The result cannot move the cursor or imitate
// other text.
std::string Printable(std::string_view text);

// The terminal columns of printable UTF-8: 2 for East Asian wide characters and emoji, 0 for
// combining marks.
size_t DisplayWidth(std::string_view text);

// Cuts printable UTF-8 to at most `width` columns; ends with `mark` if something was cut.
std::string CutToWidth(std::string_view text, size_t width, std::string_view mark);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_
