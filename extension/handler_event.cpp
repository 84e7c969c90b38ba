#include "extension/handler_event.h"

#include "common/json_text.h"
#include "common/spool.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

namespace postlude::extension {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr mode_t kOwnerOnly = 0600;

UniqueFd memory_file() {
  return UniqueFd(::memfd_create("postlude-event", MFD_CLOEXEC));
}

UniqueFd nameless_file(const std::string& folder) {
  UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kOwnerOnly));
  return file ? std::move(file) : memory_file();
}

Result<void> copy_event(const AttemptInput& input, int file) {
  std::array<char, kPieceBytes> piece;
  std::uint64_t at = 0;
  while (at < input.event_bytes) {
    const auto most = std::min<std::uint64_t>(piece.size(), input.event_bytes - at);
    const ssize_t size =
        ::pread(input.event_file.get(), piece.data(), most, static_cast<off_t>(at));
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return fail("the captured event cannot be read any more");
    }
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(size));
    if (auto written = write_all(file, bytes, "event of a handler task"); !written) {
      return written;
    }
    at += static_cast<std::uint64_t>(size);
  }
  return {};
}

Result<void> write_document(const AttemptInput& input, int file) {
  const TaskDocument document = input.document();
  auto written = write_all(file, R"({"postlude":)" + document.before_event, "event");
  if (written && input.event_file) {
    written = copy_event(input, file);
  } else if (written) {
    written = write_all(file, "null", "event");
  }
  return written ? write_all(file, document.after_event + "}", "event") : written;
}

/// A version 4 UUID, as Lambda's own request ids are.
std::string new_request_id() {
  std::random_device random;
  const auto bits = [&random](unsigned count) { return random() & ((1U << count) - 1U); };
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:08x}{:04x}",
                     random(),
                     bits(16),
                     bits(12),
                     0x8000U | bits(14),
                     random(),
                     bits(16));
}

}  // namespace

Result<HandlerEvent> write_handler_event(const std::optional<std::string>& event,
                                         const AttemptInput& input,
                                         const std::string& folder) {
  HandlerEvent result;
  // With its templates resolved it may hold secrets, which touch no disk.
  result.file = event ? memory_file() : nameless_file(folder);
  if (!result.file) {
    return errno_failure("file for the event of a handler task", folder);
  }
  const int file = result.file.get();
  if (auto written = event ? write_all(file, *event, "event") : write_document(input, file);
      !written) {
    return tl::unexpected(written.error());
  }
  const off_t size = ::lseek(file, 0, SEEK_CUR);
  result.bytes = size > 0 ? static_cast<std::uint64_t>(size) : 0;
  return result;
}

Reenter reenter_for(const AttemptInput& input,
                    const InvocationKey& host,
                    std::uint64_t event_bytes) {
  const TaskRecord& record = input.record;
  const nlohmann::json context = {{"custom",
                                   {{"postlude.task", record.task.name},
                                    {"postlude.attempt", std::to_string(input.attempt)},
                                    {"postlude.requestId", record.key.request_id}}}};
  return {.key = host,
          .request_id = new_request_id(),
          .deadline = input.until,
          .function_arn = record.function_arn,
          .trace_id = record.trace_id,
          .tenant_id = record.tenant_id,
          .cognito_identity = record.cognito_identity,
          .client_context = dump_json(context),
          .event_bytes = event_bytes,
          .depth = record.depth + 1};
}

}  // namespace postlude::extension
