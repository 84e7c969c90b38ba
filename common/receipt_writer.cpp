#include "common/receipt_writer.h"

#include "common/metric_lines.h"

#include <utility>

namespace postlude {

ReceiptWriter::ReceiptWriter(Log log, bool metrics, std::string function_name)
    : log_(log), metrics_(metrics), function_name_(std::move(function_name)) {}

void ReceiptWriter::write(const Receipt& receipt, EpochTime at) const {
  if (receipt.tells()) {
    for (const std::string& line : receipt_lines(receipt, at)) {
      log_.raw(line);
    }
  }
  if (metrics_) {
    for (const std::string& line : metric_lines(receipt, function_name_, at)) {
      log_.raw(line);
    }
  }
}

}  // namespace postlude
