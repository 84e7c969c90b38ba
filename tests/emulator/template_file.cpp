#include "tests/emulator/template_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace postlude::emulator {
namespace {

namespace fs = std::filesystem;

Result<std::string> text_of(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) {
    return errno_failure("read", file);
  }
  return std::string((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
}

Result<std::string> folder_of_code(const fs::path& base,
                                   const std::string& file,
                                   const std::string& code) {
  const fs::path folder = base / code;
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    return fail(fmt::format(
        "{}: its code, {}, is no folder; give one by --function DIR", file, folder.string()));
  }
  return folder.string();
}

Result<TemplateLayer> folder_of_layer(const fs::path& base,
                                      const std::string& file,
                                      TemplateLayer layer) {
  if (layer.id.empty()) {
    return layer;
  }
  const fs::path built = base / ".aws-sam" / "build" / layer.id;
  std::error_code failed;
  if (fs::is_directory(built, failed)) {
    layer.content = built.string();
  } else if (layer.is_built || layer.content.empty()) {
    return fail(
        fmt::format("{}: the layer {} is not built: there is no {}; run 'sam build {}', or "
                    "give its folder by --layer DIR",
                    file,
                    layer.id,
                    built.string(),
                    layer.id));
  } else {
    layer.content = (base / layer.content).string();
  }
  return layer;
}

}  // namespace

Result<TemplateFunction> load_function(const TemplateRequest& request) {
  const auto text = text_of(request.file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  auto document = read_cfn(*text);
  if (!document) {
    return fail(request.file + ":" + document.error().message);
  }
  const auto scope =
      CfnScope::open(std::move(*document), {request.file, request.place, request.parameters});
  if (!scope) {
    return tl::unexpected(scope.error());
  }
  auto function = find_function(*scope, request.question);
  if (!function) {
    return function;
  }
  const fs::path base = fs::absolute(request.file).parent_path();
  if (function->code) {
    function->code = folder_of_code(base, request.file, *function->code);
  }
  if (function->layer) {
    function->layer = folder_of_layer(base, request.file, std::move(*function->layer));
  }
  return function;
}

}  // namespace postlude::emulator
