# What AWS's own runtime client for Ruby does for a handler, in short; that one is in no package of
# Debian. The handler's name is _HANDLER, as everywhere on Lambda.
require 'json'
require 'net/http'

ROOT = '/2018-06-01/runtime/invocation'
Context = Struct.new(:aws_request_id, :invoked_function_arn, :deadline_ms) do
  def function_name = ENV.fetch('AWS_LAMBDA_FUNCTION_NAME')
  def function_version = ENV.fetch('AWS_LAMBDA_FUNCTION_VERSION')
  def memory_limit_in_mb = ENV.fetch('AWS_LAMBDA_FUNCTION_MEMORY_SIZE')
  def log_group_name = ENV.fetch('AWS_LAMBDA_LOG_GROUP_NAME')
  def log_stream_name = ENV.fetch('AWS_LAMBDA_LOG_STREAM_NAME')

  def get_remaining_time_in_millis
    [deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
  end
end

$stdout.sync = true
host, port = ENV.fetch('AWS_LAMBDA_RUNTIME_API').split(':')
api = Net::HTTP.new(host, port.to_i, nil)
api.read_timeout = nil
api.start

file, method_name = ENV.fetch('_HANDLER').split('.')
require File.join(ENV.fetch('LAMBDA_TASK_ROOT'), file)

def post(api, path, body, headers)
  answer = api.post(ROOT + path, body, headers)
  abort("the platform refused POST #{path}: #{answer.code} #{answer.body}") unless answer.code == '202'
end

loop do
  event = api.get("#{ROOT}/next")
  context = Context.new(event['Lambda-Runtime-Aws-Request-Id'], event['Lambda-Runtime-Invoked-Function-Arn'],
                        event['Lambda-Runtime-Deadline-Ms'].to_i)
  ENV['_X_AMZN_TRACE_ID'] = event['Lambda-Runtime-Trace-Id']
  path = "/#{context.aws_request_id}"
  begin
    result = JSON.generate(method(method_name).call(event: JSON.parse(event.body), context: context))
  rescue StandardError => error
    puts "[ERROR] #{error.class}: #{error.message}"
    failure = { errorMessage: error.message, errorType: error.class.name, stackTrace: error.backtrace }
    post(api, "#{path}/error", JSON.generate(failure), 'Lambda-Runtime-Function-Error-Type' => error.class.name)
  else
    post(api, "#{path}/response", result, 'Content-Type' => 'application/json')
  end
end
