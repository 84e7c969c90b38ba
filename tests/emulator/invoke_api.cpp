#include "tests/emulator/invoke_api.h"

#include "common/base64.h"
#include "tests/emulator/caller_request.h"
#include "tests/emulator/event_queue.h"
#include "tests/emulator/extension_registry.h"
#include "tests/emulator/stream_answer.h"

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr const char* kInvocations = R"(/2015-03-31/functions/([^/]+)/invocations)";
constexpr const char* kStreams = R"(/2021-11-15/functions/([^/]+)/response-streaming-invocations)";
/// The older way to ask for an Event.
constexpr const char* kInvokeAsync = R"(/2014-11-13/functions/([^/]+)/invoke-async/?)";
/// A caller may be silent between two requests for as long as SDKs keep connections.
constexpr int kKeepAliveSeconds = 900;

/// One bounded thread a connection: parked callers block, and must not starve the others.
class ThreadPerConnection : public httplib::TaskQueue {
 public:
  bool enqueue(std::function<void()> serve) override {
    std::unique_lock lock(mutex_);
    threads_.remove_if([](const Thread& thread) { return thread.done->load(); });
    if (threads_.size() >= InvokeApi::kMaxCallers) {
      return false;
    }
    auto done = std::make_shared<std::atomic<bool>>(false);
    threads_.push_back({done, std::jthread([serve = std::move(serve), done] {
                          serve();
                          *done = true;
                        })});
    return true;
  }
  void shutdown() override {
    const std::lock_guard lock(mutex_);
    threads_.clear();
  }

 private:
  struct Thread {
    std::shared_ptr<std::atomic<bool>> done;
    std::jthread thread;
  };
  std::mutex mutex_;
  std::list<Thread> threads_;
};

void refuse(httplib::Response& answer, const ServiceError& error) {
  answer.status = error.status;
  answer.set_header("x-amzn-ErrorType", error.type);
  answer.set_content(error.body, "application/json");
}

void refuse(httplib::Response& answer, const FunctionFailure& failure) {
  refuse(answer, ServiceError{*failure.service_status, failure.error_type, failure.body});
}

CallerRequest request_of(const httplib::Request& request, CallerMode mode) {
  return {.function = request.matches[1].str(),
          .qualifier = request.get_param_value("Qualifier"),
          .type = request.get_header_value("X-Amz-Invocation-Type"),
          .client_context = request.get_header_value("X-Amz-Client-Context"),
          .tenant_id = request.get_header_value("X-Amz-Tenant-Id"),
          .trace_id = request.get_header_value("X-Amzn-Trace-Id"),
          .body = request.body,
          .mode = mode};
}

}  // namespace

class InvokeApi::Server {
 public:
  Server(const Options& options, Fleet& fleet, EventJournal& journal)
      : options_(options), fleet_(fleet), journal_(journal), queue_(options, fleet, journal) {
    server_.new_task_queue = [] { return new ThreadPerConnection(); };
    server_.set_socket_options([](socket_t socket) {
      // No SO_REUSEPORT: two processes would share a port silently.
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    server_.set_keep_alive_timeout(kKeepAliveSeconds);
    server_.set_read_timeout(kKeepAliveSeconds);
    server_.set_write_timeout(kKeepAliveSeconds);
    server_.Post(kInvocations, [this](const httplib::Request& request, httplib::Response& answer) {
      invoke(request_of(request, CallerMode::buffered), request, answer);
    });
    server_.Post(kStreams, [this](const httplib::Request& request, httplib::Response& answer) {
      invoke(request_of(request, CallerMode::streamed), request, answer);
    });
    server_.Post(kInvokeAsync, [this](const httplib::Request& request, httplib::Response& answer) {
      CallerRequest given = request_of(request, CallerMode::buffered);
      given.type = "Event";
      invoke(std::move(given), request, answer);
    });
  }

  Result<void> listen() {
    const char* const host = "127.0.0.1";
    port_ = options_.port == 0 ? server_.bind_to_any_port(host)
                               : (server_.bind_to_port(host, options_.port) ? options_.port : -1);
    if (port_ <= 0) {
      return fail(fmt::format("listen on port {}: it is taken or not permitted", options_.port));
    }
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
    return {};
  }

  ~Server() { server_.stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

 private:
  void invoke(CallerRequest given, const httplib::Request& request, httplib::Response& answer);
  void queue(InvocationRequest wanted, httplib::Response& answer);
  [[nodiscard]] bool admit(const std::shared_ptr<Invocation>& invocation,
                           httplib::Response& answer);
  void answer_whole(Invocation& invocation, const std::string& log_type, httplib::Response& answer);
  void answer_stream(const std::shared_ptr<Invocation>& invocation,
                     const std::string& log_type,
                     httplib::Response& answer);
  void answered(const Invocation& invocation, const char* how, std::size_t bytes);

  const Options& options_;
  Fleet& fleet_;
  EventJournal& journal_;
  EventQueue queue_;
  httplib::Server server_;
  int port_ = 0;
  std::jthread thread_;
};

void InvokeApi::Server::invoke(CallerRequest given,
                               const httplib::Request& request,
                               httplib::Response& answer) {
  const CallerMode mode = given.mode;
  auto checked = check_call(options_, std::move(given));
  if (const auto* error = std::get_if<ServiceError>(&checked)) {
    answer.set_header("x-amzn-RequestId", new_uuid());
    refuse(answer, *error);
    return;
  }
  auto& call = std::get<CheckedCall>(checked);
  answer.set_header("x-amzn-RequestId", call.request.request_id);
  answer.set_header("X-Amzn-Trace-Id", call.request.trace_id);
  if (call.type == InvocationType::dry_run) {
    answer.status = 204;
    return;
  }
  journal_.record("callerArrived", {{"requestId", call.request.request_id}, {"by", "invoke"}});
  if (call.type == InvocationType::event) {
    queue(std::move(call.request), answer);
    return;
  }
  const auto invocation = std::make_shared<Invocation>(std::move(call.request));
  if (!admit(invocation, answer)) {
    return;
  }
  const std::string log_type = request.get_header_value("X-Amz-Log-Type", "None");
  if (mode == CallerMode::streamed) {
    answer_stream(invocation, log_type, answer);
  } else {
    answer_whole(*invocation, log_type, answer);
  }
}

void InvokeApi::Server::queue(InvocationRequest wanted, httplib::Response& answer) {
  if (queue_.push(std::move(wanted))) {
    answer.status = 202;
  } else {
    refuse(answer, too_many_requests());
  }
}

bool InvokeApi::Server::admit(const std::shared_ptr<Invocation>& invocation,
                              httplib::Response& answer) {
  switch (fleet_.admit(invocation)) {
    case Fleet::Admission::admitted:
      return true;
    case Fleet::Admission::throttled:
      journal_.record("throttled", {{"requestId", invocation->request().request_id}});
      answer.set_header("Retry-After", "1");
      refuse(answer, too_many_requests());
      break;
    case Fleet::Admission::failed:
      refuse(answer, service_error(500, "ServiceException", fleet_.why()));
      break;
  }
  return false;
}

void InvokeApi::Server::answer_whole(Invocation& invocation,
                                     const std::string& log_type,
                                     httplib::Response& answer) {
  static_cast<void>(invocation.wait_answer());
  WholeResult result = invocation.take_whole();
  if (result.failure && result.failure->service_status) {
    refuse(answer, *result.failure);
    return;
  }
  if (log_type == "Tail") {
    answer.set_header("X-Amz-Log-Result", base64_encode(invocation.wait_finished()));
  }
  answer.status = 200;
  answer.set_header("X-Amz-Executed-Version", "$LATEST");
  if (result.failure) {
    answer.set_header("X-Amz-Function-Error", "Unhandled");
  }
  answered(invocation, "whole", result.body.size());
  answer.set_content(std::move(result.body), "application/json");
}

void InvokeApi::Server::answer_stream(const std::shared_ptr<Invocation>& invocation,
                                      const std::string& log_type,
                                      httplib::Response& answer) {
  static_cast<void>(invocation->wait_answer());
  if (const auto failure = invocation->outcome(); failure && failure->service_status) {
    refuse(answer, *failure);
    return;
  }
  answer.status = 200;
  answer.set_header("X-Amz-Executed-Version", "$LATEST");
  auto stream = std::make_shared<StreamAnswer>(
      invocation,
      log_type == "Tail" ? StreamAnswer::Log::tail : StreamAnswer::Log::none,
      options_.shaping);
  answer.set_chunked_content_provider(
      "application/vnd.amazon.eventstream",
      [this, invocation, stream](std::size_t /*offset*/, httplib::DataSink& sink) {
        const char* const how = stream->run(
            [&](std::string_view bytes) { return sink.write(bytes.data(), bytes.size()); });
        answered(*invocation, how, stream->bytes());
        sink.done();
        return true;
      });
}

void InvokeApi::Server::answered(const Invocation& invocation, const char* how, std::size_t bytes) {
  journal_.record("callerAnswered",
                  {{"requestId", invocation.request().request_id},
                   {"by", "invoke"},
                   {"how", how},
                   {"bytes", bytes}});
}

Result<std::unique_ptr<InvokeApi>> InvokeApi::start(const Options& options,
                                                    Fleet& fleet,
                                                    EventJournal& journal) {
  auto server = std::make_unique<Server>(options, fleet, journal);
  if (auto listening = server->listen(); !listening) {
    return tl::unexpected(listening.error());
  }
  return std::unique_ptr<InvokeApi>(new InvokeApi(std::move(server)));
}

InvokeApi::InvokeApi(std::unique_ptr<Server> server) : server_(std::move(server)) {}
InvokeApi::~InvokeApi() = default;

std::uint16_t InvokeApi::port() const {
  return server_->port();
}

}  // namespace postlude::emulator
