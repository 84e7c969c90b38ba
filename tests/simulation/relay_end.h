#pragma once

#include "common/event_loop.h"
#include "runtime/exchange.h"
#include "runtime/relay_traffic.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postlude::simulation {

/// What the runtime, or code of the function, sends to the proxy.
struct RuntimeRequest {
  runtime::ExchangeKind kind = runtime::ExchangeKind::next;
  std::string id;
  std::string body = "{}";
  std::string error_type = {};  ///< of an error, or in the trailers of a streamed response
  bool cut = false;             ///< the connection breaks before its end
  Millis upload{};              ///< from its head to its end
  std::function<void(int status, const std::string& head, const std::string& body)> done = {};
};

/// The relay as the flow of invocations sees it: it calls RelayTraffic in the order in which the
/// real one does, for requests of a simulated runtime and answers of a simulated platform. One for
/// each life of the shim, which owns it; it acts on the shim's turns.
class RelayEnd {
 public:
  struct Place {
    EventLoop& loop;
    runtime::RelayTraffic& traffic;
    std::function<void()> ended;  ///< after a connection has gone
  };
  explicit RelayEnd(Place place);
  RelayEnd(const RelayEnd&) = delete;
  RelayEnd& operator=(const RelayEnd&) = delete;
  ~RelayEnd();

  // From the runtime, at any time.
  void submit(RuntimeRequest request);
  void runtime_gone();

  // On the shim's turns.
  [[nodiscard]] bool ready() const { return !inbox_->empty(); }
  void take_one();
  void resume();
  [[nodiscard]] bool drained() const { return passages_.empty(); }
  [[nodiscard]] bool awaits_answer() const;

 private:
  enum class Phase { held, relaying, local };
  struct Passage {
    RuntimeRequest request;
    Phase phase = Phase::held;
    std::uint64_t sequence = 0;
    std::string platform_id;
    bool whole = false;  ///< all of the request was read
    bool went_up = false;
    bool handler = false;
    int local_status = 0;  ///< what we answer ourselves
  };
  using Handle = std::shared_ptr<Passage>;

  void put(std::function<void()> item);
  void begin(const Handle& passage);
  void begin_poll(const Handle& passage);
  void begin_answer(const Handle& passage);
  void finish_upload(const Handle& passage);
  void finish_local(const Handle& passage);
  void send_up(const Handle& passage);
  void cut(const Handle& passage);
  void acknowledged(const Handle& passage, int status);
  void event_came(const Handle& passage, const std::string& head, const std::string& body);
  void defer(const Handle& passage);
  void inspect(const Handle& passage);
  void reply(const Handle& passage, int status, std::string head, std::string body);
  void leave(const Handle& passage);
  void drop_all();

  Place place_;
  std::shared_ptr<std::deque<std::function<void()>>> inbox_;
  std::vector<Handle> passages_;
  bool runtime_gone_ = false;
};

}  // namespace postlude::simulation
