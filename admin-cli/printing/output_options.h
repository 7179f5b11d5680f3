// OutputOptions: how the user wants output to look.
#ifndef CAIRN_ADMIN_CLI_PRINTING_OUTPUT_OPTIONS_H_
#define CAIRN_ADMIN_CLI_PRINTING_OUTPUT_OPTIONS_H_

namespace cairn::admin {

enum class Form { kTable, kJson };

struct OutputOptions {
  Form form = Form::kTable;
  bool wide = false;
  bool no_color = false;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_OUTPUT_OPTIONS_H_
