// Untrusted text made safe for a terminal: clients choose topics, user agents and close reasons.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_
#define CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::admin {

// Control characters, changes of writing direction and bytes that are not UTF-8 become "\x1b",
// "\u{202e}"; a backslash stays as it is. What is left cannot move the cursor or pass for other
// text.
std::string Printable(std::string_view text);

// Terminal columns that printable UTF-8 takes: 2 for East Asian wide characters and emoji, 0 for
// combining marks.
size_t DisplayWidth(std::string_view text);

// At most `width` columns of printable UTF-8, ending with `mark` if something was cut.
std::string CutToWidth(std::string_view text, size_t width, std::string_view mark);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_PRINTABLE_H_
