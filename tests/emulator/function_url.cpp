#include "tests/emulator/function_url.h"

#include "tests/emulator/http_connection.h"
#include "tests/emulator/url_exchange.h"

namespace postlude::emulator {

Result<std::unique_ptr<FunctionUrl>> FunctionUrl::start(const Options& options,
                                                        Fleet& fleet,
                                                        EventJournal& journal) {
  auto listener = HttpListener::start(
      options.url_port, [&options, &fleet, &journal](HttpConnection& connection) {
        while (const auto head = connection.read_head()) {
          UrlExchange exchange({options, fleet, journal}, connection);
          if (!exchange.serve(*head)) {
            return;
          }
        }
      });
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  std::unique_ptr<FunctionUrl> url(new FunctionUrl());
  url->listener_ = std::move(*listener);
  return url;
}

}  // namespace postlude::emulator
