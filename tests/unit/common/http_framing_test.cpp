#include "common/http_framing.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude {
namespace {

/// Feeds pieces as a connection would and writes down what was found, one letter an event:
/// h(ead), f(raming), p(ayload, adjacent ones as one), t(railers), e(nd), ! (invalid).
class Reader {
 public:
  explicit Reader(MessageKind kind) : framing_(kind) {}

  void feed(std::string_view piece) {
    buffer_.append(piece);
    while (true) {
      const FramingStep step = framing_.next(buffer_);
      if (step.event == FramingEvent::need_more) {
        CHECK(step.consumed == 0);
        return;
      }
      consumed_.append(buffer_, 0, step.consumed);
      buffer_.erase(0, step.consumed);
      note(step);
      if (step.event == FramingEvent::invalid) {
        return;
      }
    }
  }

  HttpFraming& framing() { return framing_; }
  [[nodiscard]] const std::string& found() const { return found_; }
  [[nodiscard]] const std::string& payload() const { return payload_; }
  [[nodiscard]] const std::string& consumed() const { return consumed_; }
  [[nodiscard]] const std::string& rest() const { return buffer_; }

 private:
  void note(FramingStep step) {
    static constexpr std::string_view kLetters = "?hfpte!";
    const char letter = kLetters.at(static_cast<std::size_t>(step.event));
    if (step.event == FramingEvent::payload) {
      CHECK(step.consumed > 0);
      payload_.append(consumed_, consumed_.size() - step.consumed);
      if (found_.ends_with('p')) {
        return;
      }
    }
    found_.push_back(letter);
  }

  HttpFraming framing_;
  std::string buffer_;
  std::string found_;
  std::string payload_;
  std::string consumed_;
};

struct Sample {
  MessageKind kind;
  std::string_view bytes;
  std::string_view events;
  std::string_view payload;
};

const std::vector<Sample>& samples() {
  using enum MessageKind;
  static const std::vector<Sample> kAll = {
      {request, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n", "he", ""},
      {request, "\r\n\r\nGET /next HTTP/1.0\r\n\r\n", "he", ""},
      {request, "POST /r HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "hpe", "hello"},
      {request, "POST /r HTTP/1.1\r\ncontent-length:0\r\n\r\n", "he", ""},
      {request,
       "POST /r HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
       "hpe",
       "ab"},
      {request, "POST /r HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "hfte", ""},
      {request,
       "POST /r HTTP/1.1\r\nTRANSFER-ENCODING: gzip, Chunked\r\nTrailer: A\r\nTrailer: B\r\n\r\n"
       "5\r\nhello\r\n00000A;ext=\"a;b\" \r\n, world!\r\n\r\n000\r\nA: 1\r\nb:\r\n\r\n",
       "hfpffpffte",
       "hello, world!\r\n"},
      {request,
       "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET /b HTTP/1.1\r\n\r\n",
       "hpehe",
       "a"},
      {response, "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nok\n", "hpe", "ok\n"},
      {response, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", "he", ""},
      {response, "HTTP/1.1 304 Not Modified\r\n\r\n", "he", ""},
      {response,
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       "hehehpe",
       "x"},
      {response, "HTTP/1.0 200 OK\r\n\r\nuntil the end", "hp", "until the end"},
      {response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nuntil", "hp", "until"},
      {response, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw", "hp", "raw"},
      {response,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX: 1\r\n\r\n",
       "hfpffpffte",
       "ab"},
  };
  return kAll;
}

void check(const Sample& sample, const Reader& reader) {
  CHECK(reader.found() == sample.events);
  CHECK(reader.payload() == sample.payload);
  CHECK(reader.consumed() == sample.bytes);
  CHECK(reader.rest().empty());
}

TEST_CASE("messages are found whole, split anywhere in two, and byte by byte") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.bytes);
    Reader whole(sample.kind);
    whole.feed(sample.bytes);
    check(sample, whole);

    for (std::size_t at = 1; at < sample.bytes.size(); ++at) {
      CAPTURE(at);
      Reader split(sample.kind);
      split.feed(sample.bytes.substr(0, at));
      split.feed(sample.bytes.substr(at));
      check(sample, split);
    }

    Reader bytewise(sample.kind);
    for (const char byte : sample.bytes) {
      bytewise.feed({&byte, 1});
    }
    check(sample, bytewise);
  }
}

TEST_CASE("two ways to read a message, or none, are refused however they are split") {
  using enum MessageKind;
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::string> bodies = {
      "g\r\n",
      "\r\n",
      ";a\r\n",
      "-1\r\n",
      "0x1\r\n",
      "1a z\n",
      "1\n",
      "1\r\nab",
      "1\r\na\n",
      "1\r\na\rb",
      "fffffffffffffffff\r\n",
      "0\r\nA\r\n\r\n",
      "0\r\nA : 1\r\n\r\n",
      "0\r\n A: 1\r\n\r\n",
      "0\r\nA: 1\n\n",
  };
  std::vector<std::pair<MessageKind, std::string>> refused = {
      {request, "\n"},
      {request, "GET / HTTP/1.1\n\n"},
      {request, "GET / HTTP/1.1\r\nHost: x\n\r\n"},
      {request, "GET /\r\n\r\n"},
      {request, "GET / HTTP/2.0\r\n\r\n"},
      {request, "GET / http/1.1\r\n\r\n"},
      {request, "GET  HTTP/1.1\r\n\r\n"},
      {request, "HTTP/1.1 200 OK\r\n\r\n"},
      {request, "hello\r\n\r\n"},
      {request, "GET / HTTP/1.1\r\nHost\r\n\r\n"},
      {request, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
      {request, "GET / HTTP/1.1\r\n: x\r\n\r\n"},
      {request, "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n"},
      {request, "GET / HTTP/1.1\r\n A: b\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 1 1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"},
      {request, "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n"},
      {response, "GET / HTTP/1.1\r\n\r\n"},
      {response, "HTTP/1.1 20 OK\r\n\r\n"},
      {response, "HTTP/1.1 abc OK\r\n\r\n"},
      {response, "HTTP/1.1 099 Low\r\n\r\n"},
      {response, "HTTP/2 200\r\n\r\n"},
      {response, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
  };
  for (const std::string& body : bodies) {
    refused.emplace_back(request, chunked + body);
  }
  for (const auto& message : refused) {
    const MessageKind kind = message.first;
    const std::string& bytes = message.second;
    CAPTURE(bytes);
    Reader whole(kind);
    whole.feed(bytes);
    CHECK(whole.found().ends_with('!'));
    CHECK(whole.framing().next("GET / HTTP/1.1\r\n\r\n").event == FramingEvent::invalid);

    Reader bytewise(kind);
    for (const char byte : bytes) {
      if (!bytewise.found().ends_with('!')) {
        bytewise.feed({&byte, 1});
      }
    }
    CHECK(bytewise.found().ends_with('!'));
  }
}

TEST_CASE("a head, a trailer section and a chunk size line have a limit") {
  const auto refused = [](const std::string& bytes) {
    Reader reader(MessageKind::request);
    reader.feed(bytes);
    return reader.found().ends_with('!');
  };
  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string end = "\r\n\r\n";
  const std::size_t room = HttpFraming::kMaxHeadBytes - start.size() - end.size();
  CHECK_FALSE(refused(start + std::string(room, 'a') + end));
  CHECK(refused(start + std::string(room + 1, 'a') + end));
  CHECK(refused(start + std::string(HttpFraming::kMaxHeadBytes, 'a')));

  const std::string body = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::size_t trailer_room = HttpFraming::kMaxTrailerBytes - std::string("A: ").size() - 4;
  CHECK_FALSE(refused(body + "0\r\nA: " + std::string(trailer_room, 'a') + end));
  CHECK(refused(body + "0\r\nA: " + std::string(trailer_room + 1, 'a') + end));

  const std::size_t line_room = HttpFraming::kMaxChunkLineBytes - std::string("1;\r\n").size();
  CHECK_FALSE(refused(body + "1;" + std::string(line_room, 'e') + "\r\na\r\n"));
  CHECK(refused(body + "1;" + std::string(line_room + 1, 'e') + "\r\na\r\n"));
  CHECK(refused(body + std::string(HttpFraming::kMaxChunkLineBytes, '0')));
}

TEST_CASE("the answer to a HEAD request has no body, interim answers before it do not count") {
  Reader reader(MessageKind::response);
  reader.framing().expect_no_body();
  reader.feed(
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  CHECK(reader.found() == "hehehpe");
  CHECK(reader.payload() == "x");
}

TEST_CASE("it tells where a peer may close") {
  Reader sized(MessageKind::response);
  CHECK(sized.framing().may_close());
  CHECK_FALSE(sized.framing().in_message());
  sized.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
  CHECK_FALSE(sized.framing().may_close());
  CHECK(sized.framing().in_message());
  sized.feed("b");
  CHECK(sized.framing().may_close());
  CHECK_FALSE(sized.framing().in_message());

  Reader open_ended(MessageKind::response);
  open_ended.feed("HTTP/1.0 200 OK\r\n\r\n");
  CHECK(open_ended.framing().may_close());
  CHECK(open_ended.framing().in_message());

  Reader chunked(MessageKind::response);
  chunked.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  CHECK(chunked.framing().chunked());
  CHECK_FALSE(chunked.framing().may_close());
  chunked.feed("\r\n");
  CHECK(chunked.framing().may_close());
}

}  // namespace
}  // namespace postlude
