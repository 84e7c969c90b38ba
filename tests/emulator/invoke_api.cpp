#include "tests/emulator/invoke_api.h"

#include "common/base64.h"
#include "tests/emulator/invocation_request.h"
#include "tests/emulator/limits.h"
#include "tests/emulator/refusal.h"

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

void service_error(httplib::Response& response,
                   int status,
                   const std::string& type,
                   const std::string& members) {
  response.status = status;
  response.set_header("x-amzn-ErrorType", type);
  response.set_content(fmt::format(R"({{"Type":"User",{}}})", members), "application/json");
}

std::string message_member(const std::string& message) {
  return "\"message\":" + json_quoted(message);
}

}  // namespace

class InvokeApi::Server {
 public:
  Server(const Options& options, Fleet& fleet, EventJournal& journal)
      : options_(options), fleet_(fleet), journal_(journal) {
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
      invoke(request, answer);
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
  void invoke(const httplib::Request& request, httplib::Response& answer);
  bool complete(const httplib::Request& request,
                httplib::Response& answer,
                InvocationRequest& invocation);
  void answer_with(Invocation& invocation, const std::string& log_type, httplib::Response& answer);

  const Options& options_;
  Fleet& fleet_;
  EventJournal& journal_;
  httplib::Server server_;
  int port_ = 0;
  std::jthread thread_;
};

bool InvokeApi::Server::complete(const httplib::Request& request,
                                 httplib::Response& answer,
                                 InvocationRequest& invocation) {
  const FunctionReference function = parse_function_reference(request.matches[1].str());
  if (function.name != options_.function_name) {
    service_error(
        answer,
        404,
        "ResourceNotFoundException",
        "\"Message\":" +
            json_quoted(fmt::format("Function not found: arn:aws:lambda:{}:{}:function:{}:{}",
                                    options_.region,
                                    options_.account_id,
                                    function.name,
                                    function.qualifier.empty() ? "$LATEST" : function.qualifier)));
    return false;
  }
  const std::string type = request.get_header_value("X-Amz-Invocation-Type", "RequestResponse");
  if (type != "RequestResponse") {
    service_error(answer,
                  400,
                  "InvalidParameterValueException",
                  message_member("Unsupported invocation type: " + type));
    return false;
  }
  if (request.body.size() > kMaxBufferedBytes) {
    service_error(answer,
                  413,
                  "RequestTooLargeException",
                  message_member(fmt::format("{} byte payload is too large for the RequestResponse "
                                             "invocation type (limit {} bytes)",
                                             request.body.size(),
                                             kMaxBufferedBytes)));
    return false;
  }
  if (!request.body.empty() && !nlohmann::json::accept(request.body)) {
    service_error(answer,
                  400,
                  "InvalidRequestContentException",
                  message_member("Could not parse request body into json"));
    return false;
  }
  const auto context = base64_decode(request.get_header_value("X-Amz-Client-Context"));
  if (!context || (!context->empty() && !nlohmann::json::accept(*context))) {
    service_error(answer,
                  400,
                  "InvalidRequestContentException",
                  message_member("Client context must be a valid Base64-encoded JSON object."));
    return false;
  }
  invocation.client_context = *context;
  invocation.tenant_id = request.get_header_value("X-Amz-Tenant-Id");
  invocation.payload = request.body.empty() ? "{}" : request.body;
  const std::string qualifier = request.get_param_value("Qualifier");
  invocation.function_arn =
      function_arn(options_, qualifier.empty() ? function.qualifier : qualifier);
  return true;
}

void InvokeApi::Server::invoke(const httplib::Request& request, httplib::Response& answer) {
  InvocationRequest wanted =
      new_request(options_, request.get_header_value("X-Amzn-Trace-Id"), CallerMode::buffered);
  answer.set_header("x-amzn-RequestId", wanted.request_id);
  if (!complete(request, answer, wanted)) {
    return;
  }
  answer.set_header("X-Amzn-Trace-Id", wanted.trace_id);
  const auto invocation = std::make_shared<Invocation>(std::move(wanted));
  journal_.record("callerArrived",
                  {{"requestId", invocation->request().request_id}, {"by", "invoke"}});
  switch (fleet_.admit(invocation)) {
    case Fleet::Admission::admitted:
      answer_with(*invocation, request.get_header_value("X-Amz-Log-Type", "None"), answer);
      break;
    case Fleet::Admission::throttled:
      journal_.record("throttled", {{"requestId", invocation->request().request_id}});
      answer.set_header("Retry-After", "1");
      service_error(answer,
                    429,
                    "TooManyRequestsException",
                    message_member("Rate Exceeded.") +
                        ",\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\","
                        "\"retryAfterSeconds\":\"1\"");
      break;
    case Fleet::Admission::failed:
      service_error(answer, 500, "ServiceException", message_member(fleet_.why()));
      break;
  }
}

void InvokeApi::Server::answer_with(Invocation& invocation,
                                    const std::string& log_type,
                                    httplib::Response& answer) {
  static_cast<void>(invocation.wait_answer());
  WholeResult result = invocation.take_whole();
  if (log_type == "Tail") {
    answer.set_header("X-Amz-Log-Result", base64_encode(invocation.wait_finished()));
  }
  answer.status = 200;
  answer.set_header("X-Amz-Executed-Version", "$LATEST");
  if (result.failure) {
    answer.set_header("X-Amz-Function-Error", "Unhandled");
  }
  journal_.record("callerAnswered",
                  {{"requestId", invocation.request().request_id},
                   {"by", "invoke"},
                   {"bytes", result.body.size()}});
  answer.set_content(std::move(result.body), "application/json");
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
