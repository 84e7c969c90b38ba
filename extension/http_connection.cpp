#include "extension/http_connection.h"

#include "common/http_head.h"
#include "common/unique_fd.h"
#include "extension/final_answer.h"
#include "extension/request_head.h"
#include "extension/tcp_counts.h"

#include <fmt/format.h>
#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace postlude::extension {
namespace {

using Kind = HttpFailure::Kind;
using Stage = HttpConnection::Stage;

/// For httplib's waits, each of which counts anew. Longer than any call: calls are ended by their
/// deadline, from outside.
constexpr std::chrono::seconds kLongerThanCalls = std::chrono::hours(1);

/// What came over TLS, without its own messages: session tickets may come at any time.
struct TlsRecords {
  std::uint64_t count = 0;  ///< for the application
  bool goodbye = false;     ///< the peer has ended its stream properly
};

void note_record(int sent,
                 int /*version*/,
                 int type,
                 const void* bytes,
                 std::size_t size,
                 SSL* session,
                 void* noted) {
  if (sent != 0 || size == 0) {
    return;
  }
  auto& records = *static_cast<TlsRecords*>(noted);
  const auto* content = static_cast<const unsigned char*>(bytes);
  const bool tells = type == SSL3_RT_INNER_CONTENT_TYPE ||
                     (type == SSL3_RT_HEADER && SSL_version(session) <= TLS1_2_VERSION);
  if (tells && content[0] == SSL3_RT_APPLICATION_DATA) {
    ++records.count;
  }
  if (type == SSL3_RT_ALERT && size > 1 && content[1] == SSL_AD_CLOSE_NOTIFY) {
    records.goodbye = true;
  }
}

/// Makes every further use of the descriptor fail at once.
void make_unusable(int fd) {
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  static_cast<void>(::dup3(nothing.get(), fd, O_CLOEXEC));
}

bool closes(const HttpAnswer& answer) {
  const auto value = answer.find("Connection");
  return value && equal_ignoring_case(*value, "close");
}

}  // namespace

struct HttpConnection::State {
  State(Url to, const IpAddress& at, TlsTrust& authorities)
      : origin(std::move(to)), address(at), trust(authorities) {}

  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] tl::expected<HttpAnswer, Failure> exchange(EpochTime connect_by);
  [[nodiscard]] bool await_request();
  void adopt(int fd);
  ssize_t write_head(httplib::Stream& stream);
  [[nodiscard]] httplib::Result send(HttpAnswer& answer, bool& ends_with_connection);
  [[nodiscard]] tl::expected<HttpAnswer, Failure> answer_behind_interim(
      const httplib::Result& result) const;
  [[nodiscard]] std::uint64_t received() const;
  [[nodiscard]] Failure explain(const httplib::Result& result) const;
  [[nodiscard]] Failure explain_unsent(const httplib::Result& result) const;

  Url origin;
  IpAddress address;
  TlsTrust& trust;
  // The TLS context writes to these two, so they stand before the client.
  int verify_error = X509_V_OK;
  TlsRecords records;
  std::unique_ptr<httplib::ClientImpl> client;
  UniqueFd socket;  ///< a duplicate of the client's; once set, it stays
  bool finished = false;

  // Of the exchange under way.
  const HttpRequest* request = nullptr;  ///< null: it is brought to `ready`
  ReadyConnection* ready = nullptr;
  OngoingCall* call = nullptr;
  bool sent = false;
  std::uint64_t received_before = 0;
  std::optional<FinalAnswer> behind_interim;
};

/// Before the first exchange.
Result<void> HttpConnection::State::prepare() {
  if (origin.tls) {
    initialise_tls();
    auto secure = std::make_unique<httplib::SSLClient>(origin.host, origin.port);
    auto* context = static_cast<SSL_CTX*>(secure->tls_context());
    if (context == nullptr) {
      return fail("no memory for TLS");
    }
    // OpenSSL verifies chain and name within the handshake. What is switched off is httplib's own
    // check after it, which would load a CA bundle of its choice for every connection.
    if (auto verified = trust.verify_peer(context, origin, &verify_error); !verified) {
      return verified;
    }
    secure->enable_server_certificate_verification(false);
    // Else closing would wait for the peer's goodbye.
    SSL_CTX_set_quiet_shutdown(context, 1);
    SSL_CTX_set_msg_callback(context, &note_record);
    SSL_CTX_set_msg_callback_arg(context, &records);
    client = std::move(secure);
  } else {
    client = std::make_unique<httplib::ClientImpl>(origin.host, origin.port);
  }
  client->set_hostname_addr_map({{origin.host, address.text()}});
  client->set_keep_alive(true);
  client->set_follow_location(false);
  client->set_decompress(false);
  client->set_tcp_nodelay(true);
  client->set_read_timeout(kLongerThanCalls);
  client->set_write_timeout(kLongerThanCalls);
  client->set_socket_options([this](int fd) { adopt(fd); });
  client->set_header_writer(
      [this](httplib::Stream& stream, httplib::Headers& /*its*/) { return write_head(stream); });
  return {};
}

/// httplib shows us the socket before it connects it. It would quietly connect another one where
/// the first broke: whether a request may be sent again is not its decision.
void HttpConnection::State::adopt(int fd) {
  if (socket || call->ended() != OngoingCall::End::none) {
    make_unusable(fd);
    return;
  }
  socket.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  call->use_socket(fd);
}

/// Replaces the request line that httplib wrote. The body follows at once: one packet for both, and
/// no copies of it on the way.
ssize_t HttpConnection::State::write_head(httplib::Stream& stream) {
  auto* buffer = dynamic_cast<httplib::detail::BufferStream*>(&stream);
  if (buffer == nullptr || sent || (request == nullptr && !await_request()) ||
      call->ended() != OngoingCall::End::none) {
    return -1;
  }
  received_before = received();
  sent = true;
  *buffer = httplib::detail::BufferStream();
  const std::string head = request_head(*request);
  const ssize_t written = buffer->write(head.data(), head.size());
  return written + buffer->write(request->body.data(), request->body.size());
}

/// The connection stands; from here on it belongs to the call that uses it.
bool HttpConnection::State::await_request() {
  const auto use = ready == nullptr ? std::nullopt : ready->await_use(*call);
  if (!use) {
    // httplib would send what it has of a request, and wait for an answer.
    static_cast<void>(::shutdown(socket.get(), SHUT_RDWR));
    return false;
  }
  request = use->request;
  call = use->call;
  call->use_socket(socket.get());
  return true;
}

/// Of answers. Where the kernel does not tell, ever more.
std::uint64_t HttpConnection::State::received() const {
  if (origin.tls) {
    return records.count;
  }
  const auto counts = tcp_counts(socket.get());
  return counts ? counts->bytes : received_before + 2;
}

HttpConnection::Failure HttpConnection::State::explain(const httplib::Result& result) const {
  if (!sent) {
    return explain_unsent(result);
  }
  // The end of the stream counts as a byte.
  const std::uint64_t silence = origin.tls ? 0 : 1;
  const std::string peer = origin.endpoint();
  if (received() - received_before <= silence) {
    return {Stage::unanswered,
            {Kind::unreachable, fmt::format("{} closed the connection without an answer", peer)}};
  }
  return {Stage::answered,
          {Kind::unreachable, fmt::format("the answer of {} was cut short, or is not HTTP", peer)}};
}

HttpConnection::Failure HttpConnection::State::explain_unsent(const httplib::Result& result) const {
  const std::string peer = origin.endpoint();
  if (verify_error != X509_V_OK) {
    return {Stage::connecting,
            {Kind::refused, explain_certificate(verify_error, origin, trust.file())}};
  }
  const auto counts = tcp_counts(socket.get());
  switch (result.error()) {
    case httplib::Error::ConnectionTimeout:
      return {Stage::connecting,
              {Kind::unreachable, fmt::format("no connection to {} in time", peer)}};
    case httplib::Error::SSLConnection: {
      const char* reason = ::ERR_reason_error_string(result.ssl_backend_error());
      return {Stage::connecting,
              {Kind::unreachable,
               fmt::format("TLS with {} failed{}{}",
                           peer,
                           reason == nullptr ? "" : ": ",
                           reason == nullptr ? "" : reason)}};
    }
    default:
      return {Stage::connecting,
              {Kind::unreachable,
               fmt::format("connection to {} {}",
                           peer,
                           counts && counts->segments > 0 ? "refused" : "failed")}};
  }
}

HttpConnection::HttpConnection(const Url& origin, const IpAddress& address, TlsTrust& trust)
    : state_(std::make_unique<State>(origin, address, trust)) {}

HttpConnection::~HttpConnection() = default;

const IpAddress& HttpConnection::address() const {
  return state_->address;
}

bool HttpConnection::leads_to(const Url& origin) const {
  const Url& own = state_->origin;
  return own.tls == origin.tls && own.port == origin.port && own.host == origin.host;
}

bool HttpConnection::reusable() const {
  pollfd waiting = {state_->socket.get(), POLLIN, 0};
  return state_->socket && !state_->finished && ::poll(&waiting, 1, 0) == 0;
}

/// Sends the request and reads the answer; nothing that httplib throws gets further.
httplib::Result HttpConnection::State::send(HttpAnswer& answer, bool& ends_with_connection) {
  httplib::Request message;
  // Of methods it only needs to know those whose answers have no body; such requests bring none.
  message.method = request == nullptr ? "POST" : request->method;
  message.path.push_back('/');  // write_head has the true one
  message.response_handler = [&](const httplib::Response& head) {
    if (is_interim_status(head.status)) {
      behind_interim.emplace();
    }
    ends_with_connection =
        !head.has_header("Content-Length") && !head.has_header("Transfer-Encoding");
    answer.status = head.status;
    answer.fields.assign(head.headers.begin(), head.headers.end());
    return head.status != httplib::StatusCode::SwitchingProtocol_101;
  };
  message.content_receiver = [&](const char* bytes, std::size_t size, auto&&...) {
    if (behind_interim) {
      return behind_interim->add({bytes, size});
    }
    answer.body.append(bytes, std::min(size, kMostAnswerBytes - answer.body.size()));
    return true;
  };
  try {
    return client->send(message);
  } catch (const std::exception& /*error*/) {
    return {};
  }
}

/// The connection is not used again: httplib has another idea of where the answer ended.
tl::expected<HttpAnswer, HttpConnection::Failure> HttpConnection::State::answer_behind_interim(
    const httplib::Result& result) const {
  const bool ended_properly = origin.tls ? records.goodbye : static_cast<bool>(result);
  if (behind_interim->whole() || (behind_interim->ends_with_connection() && ended_properly)) {
    return behind_interim->answer();
  }
  return tl::unexpected(explain(result));
}

tl::expected<HttpAnswer, HttpConnection::Failure> HttpConnection::exchange(
    const HttpRequest& request, EpochTime connect_by, OngoingCall& call) {
  state_->request = &request;
  state_->ready = nullptr;
  state_->call = &call;
  return state_->exchange(connect_by);
}

tl::expected<HttpAnswer, HttpConnection::Failure> HttpConnection::exchange_when_asked(
    ReadyConnection& ready, EpochTime connect_by, OngoingCall& opening) {
  state_->request = nullptr;
  state_->ready = &ready;
  state_->call = &opening;
  return state_->exchange(connect_by);
}

tl::expected<HttpAnswer, HttpConnection::Failure> HttpConnection::State::exchange(
    EpochTime connect_by) {
  if (!client) {
    if (auto prepared = prepare(); !prepared) {
      return tl::unexpected(
          Failure{Stage::connecting, {Kind::refused, std::move(prepared.error().message)}});
    }
  }
  const bool kept = static_cast<bool>(socket);
  sent = false;
  behind_interim.reset();
  finished = true;  // until the answer is whole
  if (kept) {
    call->use_socket(socket.get());
  } else {
    client->set_connection_timeout(std::max(remaining(connect_by, now()), Millis(1)));
  }

  HttpAnswer answer;
  bool ends_with_connection = false;
  const httplib::Result result = send(answer, ends_with_connection);
  // Such a body ends with the stream: properly, and not because we shut the socket down. httplib
  // takes the proper end of TLS for a failure.
  if (ends_with_connection && call->ended() != OngoingCall::End::none) {
    return tl::unexpected(Failure{Stage::answered, {}});
  }
  if (behind_interim) {
    return answer_behind_interim(result);
  }
  if (!result && !(ends_with_connection && records.goodbye)) {
    Failure failure = explain(result);
    if (kept && failure.stage == Stage::connecting) {
      failure.stage = Stage::unanswered;
    }
    return tl::unexpected(std::move(failure));
  }
  if (result) {
    answer.status = result->status;
    answer.fields.assign(result->headers.begin(), result->headers.end());
  }
  finished = !result || closes(answer) || client->is_socket_open() == 0;
  return answer;
}

}  // namespace postlude::extension
