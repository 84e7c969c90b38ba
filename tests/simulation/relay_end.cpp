#include "tests/simulation/relay_end.h"

#include "tests/simulation/simulation.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace postlude::simulation {
namespace {

using runtime::AnswerTurn;
using runtime::ExchangeKind;

std::string request_head(const RuntimeRequest& request) {
  const bool error = request.kind == ExchangeKind::invocation_error;
  return fmt::format(
      "POST /x HTTP/1.1\r\n{}\r\n",
      error ? "Lambda-Runtime-Function-Error-Type: " + request.error_type + "\r\n" : std::string());
}

bool has_error_trailer(const RuntimeRequest& request) {
  return request.kind != ExchangeKind::invocation_error && !request.error_type.empty();
}

std::string error_trailer(const RuntimeRequest& request) {
  return fmt::format("Lambda-Runtime-Function-Error-Type: {}\r\n", request.error_type);
}

int status_of(std::string_view message) {
  return HttpHead(message.substr(0, message.find("\r\n\r\n") + 4)).status();
}

std::string body_of(std::string_view message) {
  return std::string(message.substr(message.find("\r\n\r\n") + 4));
}

std::string contents(const runtime::OwnEvent& event) {
  std::string text(event.bytes, '\0');
  const ssize_t size = ::pread(event.body.get(), text.data(), text.size(), 0);
  if (size != static_cast<ssize_t>(text.size())) {
    World::current().violate("the event of a handler task cannot be read");
  }
  return text;
}

}  // namespace

RelayEnd::RelayEnd(Place place)
    : place_(std::move(place)), inbox_(std::make_shared<std::deque<std::function<void()>>>()) {}

RelayEnd::~RelayEnd() {
  Simulation::current().relay_gone(*this);
}

void RelayEnd::put(std::function<void()> item) {
  inbox_->push_back(std::move(item));
}

void RelayEnd::submit(RuntimeRequest request) {
  auto passage = std::make_shared<Passage>();
  passage->request = std::move(request);
  put([this, passage] {
    if (!runtime_gone_) {
      passages_.push_back(passage);
      begin(passage);
    }
  });
}

void RelayEnd::runtime_gone() {
  put([this] {
    runtime_gone_ = true;
    drop_all();
  });
}

void RelayEnd::take_one() {
  const auto item = std::move(inbox_->front());
  inbox_->pop_front();
  item();
}

void RelayEnd::resume() {
  const std::vector<Handle> passages = passages_;
  for (const Handle& passage : passages) {
    if (passage->phase != Phase::held) {
      continue;
    }
    if (passage->request.kind == ExchangeKind::next) {
      begin_poll(passage);
    } else {
      begin_answer(passage);
    }
  }
}

bool RelayEnd::awaits_answer() const {
  return std::any_of(passages_.begin(), passages_.end(), [](const Handle& passage) {
    return passage->phase == Phase::relaying && passage->whole &&
           passage->request.kind != ExchangeKind::next;
  });
}

void RelayEnd::begin(const Handle& passage) {
  switch (passage->request.kind) {
    case ExchangeKind::next:
      place_.traffic.poll_asked(ExchangeKind::next);
      begin_poll(passage);
      break;
    case ExchangeKind::defer:
      defer(passage);
      break;
    case ExchangeKind::inspect:
      inspect(passage);
      break;
    default:
      begin_answer(passage);
      break;
  }
}

void RelayEnd::begin_poll(const Handle& passage) {
  if (auto own = place_.traffic.own_event()) {
    passage->phase = Phase::local;
    reply(passage, 200, own->head, contents(*own));
    return;
  }
  if (!place_.traffic.may_poll()) {
    passage->phase = Phase::held;
    return;
  }
  passage->phase = Phase::relaying;
  passage->whole = true;
  place_.traffic.poll_went_up();
  if (!World::current().acts()) {
    return;
  }
  Simulation::current().platform().runtime_polls(
      [this, passage, inbox = std::weak_ptr(inbox_)](const std::string& head,
                                                     const std::string& body) {
        if (const auto open = inbox.lock()) {
          open->push_back([this, passage, head, body] { event_came(passage, head, body); });
        }
      });
}

void RelayEnd::event_came(const Handle& passage, const std::string& head, const std::string& body) {
  if (runtime_gone_) {
    return;
  }
  if (const std::uint64_t sequence = place_.traffic.event_head(HttpHead(head)); sequence != 0) {
    place_.traffic.event_bytes(sequence, body);
  }
  reply(passage, 200, head, body);
}

void RelayEnd::begin_answer(const Handle& passage) {
  const std::string head = request_head(passage->request);
  const AnswerTurn turn =
      place_.traffic.answer_head({passage->request.kind, passage->request.id}, HttpHead(head));
  passage->sequence = turn.sequence;
  passage->phase = Phase::local;
  switch (turn.kind) {
    case AnswerTurn::Kind::waits:
      passage->phase = Phase::held;
      return;
    case AnswerTurn::Kind::discarded:
      passage->local_status = 202;
      break;
    case AnswerTurn::Kind::handler:
      passage->handler = true;
      passage->local_status = 202;
      break;
    case AnswerTurn::Kind::refused:
      passage->local_status = turn.refusal.status;
      break;
    case AnswerTurn::Kind::passes:
      passage->phase = Phase::relaying;
      passage->platform_id =
          turn.request_id.empty() ? passage->request.id : std::string(turn.request_id);
      break;
  }
  // A small early answer goes up whole, or not at all.
  if (passage->phase == Phase::relaying && passage->request.kind != ExchangeKind::early_response) {
    send_up(passage);
  }
  World::current().later(passage->request.upload, [this, passage, inbox = std::weak_ptr(inbox_)] {
    if (const auto open = inbox.lock()) {
      open->push_back([this, passage] { finish_upload(passage); });
    }
  });
}

/// The head and a part of the body.
void RelayEnd::send_up(const Handle& passage) {
  passage->went_up = true;
  if (World::current().acts()) {
    Simulation::current().platform().answer_begins(passage->platform_id);
  }
  if (passage->sequence != 0) {
    place_.traffic.answer_bytes(passage->sequence, passage->request.body.substr(0, 1));
  }
}

void RelayEnd::finish_upload(const Handle& passage) {
  if (std::find(passages_.begin(), passages_.end(), passage) == passages_.end()) {
    return;
  }
  if (passage->request.cut) {
    cut(passage);
    reply(passage, 0, "", "");
    return;
  }
  passage->whole = true;
  if (passage->phase == Phase::local) {
    finish_local(passage);
    return;
  }
  if (!passage->went_up) {
    send_up(passage);
  }
  const std::uint64_t sequence = passage->sequence;
  const bool trailer = has_error_trailer(passage->request);
  if (World::current().acts()) {
    Simulation::current().platform().answer_ends(
        {.id = passage->platform_id,
         .failed = passage->request.kind == ExchangeKind::invocation_error || trailer},
        [this, passage, inbox = std::weak_ptr(inbox_)](int status) {
          if (const auto open = inbox.lock()) {
            open->push_back([this, passage, status] { acknowledged(passage, status); });
          }
        });
  }
  if (sequence != 0) {
    place_.traffic.answer_bytes(sequence, std::string_view(passage->request.body).substr(1));
    if (trailer) {
      place_.traffic.answer_trailers(sequence, error_trailer(passage->request));
    }
    place_.traffic.answer_sent(sequence);
  }
}

void RelayEnd::finish_local(const Handle& passage) {
  if (passage->handler) {
    place_.traffic.handler_bytes(passage->request.body);
    if (has_error_trailer(passage->request)) {
      place_.traffic.handler_trailers(error_trailer(passage->request));
    }
    if (World::current().acts()) {
      Simulation::current().handler_answered(passage->request.error_type.empty());
    }
    place_.traffic.handler_answered();
  }
  reply(passage, passage->local_status, "", "");
}

void RelayEnd::cut(const Handle& passage) {
  if (passage->phase == Phase::local) {
    if (passage->handler) {
      place_.traffic.handler_cut();
    }
  } else if (!passage->went_up) {
    if (passage->sequence != 0) {
      place_.traffic.answer_withdrawn(passage->sequence);
    }
  } else {
    if (passage->sequence != 0) {
      place_.traffic.answer_cut(passage->sequence);
    }
    if (World::current().acts()) {
      Simulation::current().platform().answer_breaks(passage->platform_id);
    }
  }
}

void RelayEnd::acknowledged(const Handle& passage, int status) {
  if (passage->sequence != 0) {
    place_.traffic.answer_acknowledged(passage->sequence, status);
  }
  reply(passage, status, "", "");
}

void RelayEnd::defer(const Handle& passage) {
  passage->phase = Phase::local;
  const std::string message = place_.traffic.defer(passage->request.id, passage->request.body);
  const int status = status_of(message);
  constexpr int kAccepted = 202;
  if (status == kAccepted && World::current().acts()) {
    Simulation::current().promised(body_of(message));
  }
  reply(passage, status, "", body_of(message));
}

void RelayEnd::inspect(const Handle& passage) {
  passage->phase = Phase::local;
  place_.traffic.inspect(
      passage->request.id,
      [this, passage, inbox = std::weak_ptr(inbox_)](const std::string& message) {
        if (!inbox.expired()) {
          reply(passage, status_of(message), "", body_of(message));
        }
      });
}

/// On its way back; then this exchange is over.
void RelayEnd::reply(const Handle& passage, int status, std::string head, std::string body) {
  leave(passage);
  if (!World::current().acts() || !passage->request.done) {
    return;
  }
  World::current().later(World::current().hop(),
                         [passage, status, head = std::move(head), body = std::move(body)] {
                           passage->request.done(status, head, body);
                         });
}

void RelayEnd::leave(const Handle& passage) {
  std::erase(passages_, passage);
  if (runtime_gone_) {
    place_.loop.after_round([ended = place_.ended] { ended(); });
  }
}

/// The runtime's connections have ended.
void RelayEnd::drop_all() {
  const std::vector<Handle> passages = passages_;
  for (const Handle& passage : passages) {
    const bool answers =
        passage->request.kind != ExchangeKind::next && passage->phase == Phase::relaying;
    if (answers && passage->whole) {
      continue;  // the platform's word is still to come
    }
    if (passage->phase != Phase::held && passage->request.kind != ExchangeKind::next) {
      cut(passage);
    }
    leave(passage);
  }
  place_.loop.after_round([ended = place_.ended] { ended(); });
}

}  // namespace postlude::simulation
