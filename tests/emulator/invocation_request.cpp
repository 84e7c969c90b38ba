#include "tests/emulator/invocation_request.h"

#include "tests/emulator/extension_registry.h"

#include <fmt/format.h>

#include <ctime>
#include <vector>

namespace postlude::emulator {
namespace {

std::string hex_digits(std::size_t count) {
  std::string digits = new_uuid() + new_uuid();
  std::erase(digits, '-');
  return digits.substr(0, count);
}

std::string trace_id(const std::string& given) {
  constexpr std::size_t kRootDigits = 24;
  constexpr std::size_t kLineageDigits = 8;
  if (given.find("Root=") != std::string::npos) {
    return given;
  }
  return fmt::format("Root=1-{:08x}-{};Lineage=1:{}:0",
                     static_cast<unsigned long>(std::time(nullptr)),
                     hex_digits(kRootDigits),
                     hex_digits(kLineageDigits));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

}  // namespace

InvocationRequest new_request(const Options& options,
                              const std::string& trace_header,
                              CallerMode mode) {
  InvocationRequest request;
  request.request_id = new_uuid();
  if (options.invocation_ids == InvocationIds::on) {
    request.attempt_id = new_uuid();
  }
  request.function_arn = function_arn(options, {});
  request.trace_id = trace_id(trace_header);
  request.mode = mode;
  return request;
}

std::string function_arn(const Options& options, const std::string& qualifier) {
  std::string arn = fmt::format("arn:aws:lambda:{}:{}:function:{}",
                                options.region,
                                options.account_id,
                                options.function_name);
  return qualifier.empty() ? arn : arn + ":" + qualifier;
}

FunctionReference parse_function_reference(const std::string& text) {
  // arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER], ACCOUNT:function:NAME[:QUALIFIER],
  // NAME[:QUALIFIER]
  const auto parts = split(text);
  std::size_t name = 0;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i] == "function" && i > 0) {
      name = i + 1;
      break;
    }
  }
  return {parts[name], name + 1 < parts.size() ? parts[name + 1] : std::string()};
}

}  // namespace postlude::emulator
