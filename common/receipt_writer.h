#pragma once

#include "common/log.h"
#include "common/receipt.h"

#include <string>

namespace postlude {

/// Writes what became of invocations to the log: their receipts, and their metrics where these are
/// wanted. Both processes do; each invocation is told of by one of them. Safe from any thread.
class ReceiptWriter {
 public:
  /// `metrics`: POSTLUDE_METRICS=emf. Then it is to be told of every answer.
  ReceiptWriter(Log log, bool metrics, std::string function_name);

  void write(const Receipt& receipt, EpochTime at) const;

 private:
  Log log_;
  bool metrics_;
  std::string function_name_;
};

}  // namespace postlude
