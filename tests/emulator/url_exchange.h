#pragma once

#include "tests/emulator/bandwidth.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/http_answer.h"
#include "tests/emulator/http_connection.h"
#include "tests/emulator/options.h"
#include "tests/emulator/url_event.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::emulator {

/// One request at the Function URL and its answer, on its connection's thread.
class UrlExchange {
 public:
  struct World {
    const Options& options;
    Fleet& fleet;
    EventJournal& journal;
  };
  UrlExchange(const World& world, HttpConnection& connection)
      : world_(world), connection_(connection) {}

  /// `bytes` is the request's head. False: the connection must end.
  [[nodiscard]] bool serve(std::string_view bytes);

 private:
  enum class Relay { done, caller_left, cut };

  [[nodiscard]] std::shared_ptr<Invocation> make_invocation(const UrlRequest& request) const;
  [[nodiscard]] bool answer_whole(Invocation& invocation);
  [[nodiscard]] bool answer_stream(Invocation& invocation);
  [[nodiscard]] Relay relay_plain(Invocation& invocation);
  [[nodiscard]] Relay relay_with_prelude(Invocation& invocation);
  [[nodiscard]] Relay relay_rest(Invocation& invocation, std::string bytes);
  [[nodiscard]] Relay open_stream(HttpAnswer answer);
  [[nodiscard]] Relay send_shaped(std::string_view bytes);
  [[nodiscard]] bool send(HttpAnswer answer);
  void add_ids(HttpAnswer& answer) const;
  void answered(const char* how) const;

  const World world_;
  HttpConnection& connection_;
  std::string method_;
  std::string request_id_;
  std::string trace_id_;
  bool head_sent_ = false;
  std::optional<Bandwidth> meter_;
};

}  // namespace postlude::emulator
