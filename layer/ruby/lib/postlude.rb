# frozen_string_literal: true

require 'json'
require 'logger'
require 'net/http'
require 'socket'

# Answer the caller now, finish the work afterwards: the Postlude helper for Ruby.
#
#   Postlude.handler def lambda_handler(event:, context:)
#     Postlude.after { send_mail(event['user']) }     # runs once the caller has the answer
#     { statusCode: 202, body: 'on its way' }
#   end
#
# Without +after+ work nothing changes. With it, the returned value is encoded by the runtime's own marshaller,
# the caller has it, then the work runs in order; an error of it is logged with the request id, and the next one
# still runs. If the function raises, the exception reaches the runtime unchanged; work registered before runs
# only if the caller has its whole answer already, otherwise it is dropped with a warning. If the early answer
# cannot be delivered, a warning says so and the runtime answers, after the work. Without the layer (no
# POSTLUDE_API) the work runs before the function returns, with one warning; respond, stream and defer raise.
# The request is bound to the fiber and to all fibers and threads it starts (before Ruby 3.2: to the fiber).
module Postlude
  # A verb failed; +status+ (409: the caller has its answer already) and +type+ are the local API's.
  class Error < StandardError
    attr_accessor :status, :type
  end

  class << self
    # Wraps a Lambda handler, so that the other verbs work inside it: put it before the +def+ of a method of the
    # file, or around the body of any method (left by +next+: +return+ would let the work go before the answer):
    #
    #   def self.process(event:, context:) = Postlude.handler(context) { ... }
    def handler(target, &body)
      return Invocation.new(target).run(&body) if body
      method = Object.instance_method(target)
      Object.define_method(target) do |*args, **options|
        Invocation.new(options[:context]).run { method.bind_call(self, *args, **options) }
      end
      Object.send(:private, target)
    end

    # Runs the block, with these arguments, once the caller has its answer, in the order of the calls.
    def after(*args, &work)
      raise ArgumentError, 'after takes a block' unless work
      Invocation.current('after').work << -> { work.call(*args) }
    end

    # Answers the caller with +value+, encoded as the runtime would, and returns when the platform took it; what
    # the function returns later is discarded. With a content type, a string is sent as it is.
    def respond(value, content_type: nil)
      invocation = Invocation.current('respond')
      raise Error, 'respond: an open stream answers this invocation already' if invocation.stream
      body, type = content_type ? [value, content_type] : encoded(value)
      Exchange.new('respond', '/response', type, 'Content-Length' => body.bytesize).result(body)
      invocation.answer = :whole
    end

    # Answers in pieces, for a Function URL or API that streams: <tt>Postlude.stream(status: 200) { |out|
    # out.write('a piece') }</tt>. A status, headers or cookies go ahead of the body; without any, the body goes as
    # +content_type+. What the block raises breaks the answer off. Without a block, call +end+ on the result.
    def stream(content_type: nil, status: nil, headers: nil, cookies: nil)
      type = content_type || 'application/octet-stream'
      if status || headers || cookies
        all_headers = { 'content-type' => content_type }.compact.merge(headers || {})
        prelude = JSON.generate(statusCode: status || 200, headers: all_headers, cookies: cookies || []) + "\0" * 8
        type = 'application/vnd.awslambda.http-integration-response'
      end
      out = Stream.new(type)
      out.write(prelude) if prelude
      block_given? ? yield(out).tap { out.end } : out
    rescue Exception => e
      out&.fail(e)
      raise
    end

    # Hands a task to the layer, by name or inline: <tt>defer({ command: ['bin/report'] }, payload)</tt>. Returns
    # its id once it is durable; it runs after the answer, and may outlive this invocation.
    def defer(task, payload = nil)
      body = JSON.generate({ payload: payload }.merge(task.is_a?(Hash) ? task : { task: task }))
      Exchange.new('defer', '/tasks', 'application/json', 'Content-Length' => body.bytesize).result(body)['id']
    end

    # Milliseconds until Lambda ends this invocation.
    def remaining_ms
      Invocation.current('remaining_ms').context.get_remaining_time_in_millis
    end

    private

    # As the runtime will: with its marshaller, which a function may have replaced.
    def encoded(value)
      return [value.to_json, 'application/json'] unless defined?(AwsLambda::Marshaller)
      body, type = AwsLambda::Marshaller.marshall_response(value)
      if body.respond_to?(:read) # by the runtime as well, if this answer fails
        io, start = body, body.pos
        body = io.read.tap { io.pos = start }
      end
      [body, type || 'application/json']
    end
  end

  # What happens around one call of a wrapped function.
  class Invocation # :nodoc:
    @@warned = false
    attr_reader :context, :work, :over
    attr_accessor :stream, :answer # while open; :whole, or :broken for a stream that ended with an error

    def self.storage = Fiber.respond_to?(:[]) ? Fiber : Thread.current # of Ruby 3.1, which is not inherited

    def self.current(verb)
      running = storage[:postlude]
      return running if running && !running.over
      raise Error, "#{verb} works inside a wrapped handler, while it runs: put Postlude.handler before its def"
    end

    def initialize(context)
      @context = context
      @work = []
    end

    def run
      outer = Invocation.storage[:postlude]
      Invocation.storage[:postlude] = self
      yield.tap { |value| answer_now(value) }
    rescue Exception => e
      stream&.fail(e)
      drop(e)
      raise
    ensure
      run_work
      @over = true
      Invocation.storage[:postlude] = outer
    end

    private

    # Sees to it that the caller has its answer before any work runs.
    def answer_now(value)
      stream&.end
      return if work.empty? || answer
      return Postlude.respond(value) if ENV['POSTLUDE_API']
      @@warned ||= log(:warn, 'no POSTLUDE_API, so no layer: after work runs before the answer')
    rescue Error => e # 409: the function has answered by other means
      log(:warn, "it is answered after its work: #{e.message}") unless e.status == 409
    rescue StandardError => e # no encoder takes the value: the runtime will say so to the caller
      drop(e)
    end

    def drop(error)
      return if work.empty? || answer == :whole
      log(:warn, "after work is dropped: #{error.inspect}")
      work.clear
    end

    def run_work
      work.shift.call until work.empty? # work may add work
    rescue StandardError, ScriptError, SystemExit => e # exit in one must not cost the others
      log(:error, "after work failed: #{e.full_message(highlight: false)}")
      retry
    end

    def log(level, text)
      Logger.new($stdout).public_send(level, "postlude: request #{context&.aws_request_id}: #{text}")
    end
  end

  # One exchange with the local API, on its own connection: an open one could be dead after a freeze.
  class Exchange # :nodoc:
    def initialize(verb, route, type, headers)
      @verb = verb
      id = Invocation.current(verb).context&.aws_request_id
      api = URI(ENV.fetch('POSTLUDE_API', ''))
      raise Error, "#{verb} needs the Postlude layer (no POSTLUDE_API) and the context" unless api.host && id
      @socket = reaching { TCPSocket.new(api.host, api.port) }
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      target = "#{api.path}/invocations/#{URI.encode_www_form_component(id).gsub('+', '%20')}#{route}"
      fields = headers.map { |name, value| "#{name}: #{value}\r\n" }.join
      send("POST #{target} HTTP/1.1\r\nHost: #{api.host}:#{api.port}\r\nContent-Type: #{type}\r\n#{fields}\r\n")
    end

    # Nil if the API has refused before all was sent; result says why.
    def send(data)
      @socket.write(data)
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    end

    def result(rest)
      send(rest)
      io = Net::BufferedIO.new(@socket, read_timeout: nil)
      response = reaching { Net::HTTPResponse.read_new(io) }
      value = reaching { JSON.parse(response.reading_body(io, true) { response.body }) }
      return value if response.is_a?(Net::HTTPSuccess)
      type, message = value.fetch('error', {}).values_at('type', 'message')
      error = Error.new("#{@verb}: #{message} (#{type}, HTTP #{response.code})")
      error.status, error.type = response.code.to_i, type
      raise error
    ensure
      @socket.close
    end

    def reaching
      yield
    rescue SystemCallError, IOError, Net::ProtocolError, JSON::ParserError => e
      raise Error, "#{@verb} got no answer from the Postlude shim: #{e.message}"
    end
  end

  # An answer in pieces, made by Postlude.stream.
  class Stream
    TRAILERS = %w[Lambda-Runtime-Function-Error-Type Lambda-Runtime-Function-Error-Body].freeze

    def initialize(type) # :nodoc:
      @invocation = Invocation.current('stream')
      @exchange = Exchange.new('stream', '/response', type, 'Transfer-Encoding' => 'chunked',
        'Lambda-Runtime-Function-Response-Mode' => 'streaming', 'Trailer' => TRAILERS.join(', '))
      @invocation.stream = self
    end

    # Sends a piece at once.
    def write(piece)
      raise Error, 'write on a stream that has ended' unless @invocation.stream.equal?(self)
      return if piece.empty?
      settle('', nil) unless @exchange.send("#{piece.bytesize.to_s(16)}\r\n".b << piece.b << "\r\n")
    end

    # Ends the answer and returns when the platform took it. Ending twice does nothing.
    def end
      settle("0\r\n\r\n", :whole) if @invocation.stream.equal?(self)
    end

    # Breaks the answer off; the error goes into the trailers.
    def fail(error)
      body = [JSON.generate(errorMessage: error.message, errorType: error.class.name)].pack('m0')
      lines = TRAILERS.zip([error.class.name, body]).map { |name, value| "#{name}: #{value}\r\n" }
      settle("0\r\n#{lines.join}\r\n", :broken) if @invocation.stream.equal?(self)
    rescue Error
      nil # the error itself matters more
    end

    private

    def settle(rest, answer)
      @invocation.stream = nil
      @exchange.result(rest)
      @invocation.answer = answer
    end
  end
end
