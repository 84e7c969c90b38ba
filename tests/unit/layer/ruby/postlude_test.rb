# frozen_string_literal: true

# The Ruby helper against a scripted local API.

require 'minitest/autorun'
require 'stringio'

LIBRARY = File.expand_path('../../../../layer/ruby/lib/postlude.rb', __dir__)
require LIBRARY
require_relative 'scripted_api'

RESPONSE = 'POST /postlude/v1/invocations/request-1/response HTTP/1.1'
PRELUDE = 'application/vnd.awslambda.http-integration-response'
Context = Struct.new(:aws_request_id) do
  def get_remaining_time_in_millis = 4321
end

Postlude.handler def top_level_handler(event:, context:)
  Postlude.after { event[:events] << 'work' }
  event[:value]
end

class HelperTest < Minitest::Test
  def setup
    @api = ScriptedApi.new
    ENV.update('POSTLUDE_API' => @api.url, 'http_proxy' => 'http://127.0.0.1:9')
    Postlude::Invocation.class_variable_set(:@@warned, false)
    @output = $stdout
    $stdout = @log = StringIO.new
  end

  def teardown
    $stdout = @output
    @api.close
  end

  def run_handler(id = 'request-1', &body)
    Postlude.handler(Context.new(id), &body)
  end

  def events = @api.events

  def levels = @log.string.scan(/^[A-Z], .*? +(\w+) -- /).flatten

  def only_request
    assert_equal 1, @api.requests.size
    @api.requests.first
  end
end

class PlainTest < HelperTest
  def test_without_work_nothing_is_called_and_the_value_is_the_same_object
    value = { a: 1 }
    assert_same value, (run_handler { value })
    assert_empty @api.requests
    assert_empty @log.string
  end

  def test_a_method_of_the_file_is_wrapped_in_its_place
    event = { events: events, value: { ok: true } }
    assert_equal({ ok: true }, Object.new.send(:top_level_handler, event: event, context: Context.new('request-1')))
    assert_equal [RESPONSE, 'work'], events
    assert_includes Object.private_instance_methods, :top_level_handler
  end

  def test_every_exception_is_the_same_object
    [KeyError.new('x'), SystemExit.new(3), NotImplementedError.new].each do |error|
      assert_same error, (assert_raises(error.class) { run_handler { raise error } })
    end
  end

  def test_verbs_outside_a_wrapped_function_say_how_to_wrap
    [-> { Postlude.after {} }, -> { Postlude.respond(1) }, -> { Postlude.stream }, -> { Postlude.defer('x') },
     -> { Postlude.remaining_ms }].each do |verb|
      assert_match(/Postlude\.handler/, assert_raises(Postlude::Error, &verb).message)
    end
  end

  def test_remaining_ms_is_that_of_the_context
    assert_equal 4321, (run_handler { Postlude.remaining_ms })
  end

  def test_the_source_is_below_250_lines
    assert_operator File.readlines(LIBRARY).size, :<, 250
  end
end

class AfterTest < HelperTest
  def test_the_answer_goes_first_then_the_work_in_order_then_the_value
    value = run_handler do
      Postlude.after(1, 2) { |*numbers| events << numbers }
      Postlude.after { events << 'two' }
      events << 'returning'
      { ok: "\u00e9" }
    end
    assert_equal({ ok: "\u00e9" }, value)
    assert_equal ['returning', RESPONSE, [1, 2], 'two'], events
    assert_equal '{"ok":"é"}'.b, only_request.body
    assert_equal 'application/json', only_request['Content-Type']
    assert_equal '11', only_request['Content-Length']
    assert_nil only_request['Lambda-Runtime-Function-Response-Mode']
  end

  def test_work_may_add_work_and_use_the_verbs
    run_handler do
      Postlude.after do
        Postlude.after { events << 'second' }
        events << Postlude.remaining_ms
      end
    end
    assert_equal [RESPONSE, 4321, 'second'], events
  end

  def test_an_error_of_work_is_logged_and_the_next_one_runs
    run_handler do
      Postlude.after { raise ArgumentError, 'no mail' }
      Postlude.after { exit 1 }
      Postlude.after { events << 'next' }
    end
    assert_equal [RESPONSE, 'next'], events
    assert_equal %w[ERROR ERROR], levels
    assert_match(/request-1: after work failed: .*postlude_test\.rb:\d+:in .*no mail \(ArgumentError\)/, @log.string)
  end

  def test_an_exception_drops_the_work_with_one_warning
    assert_raises(RuntimeError) do
      run_handler do
        2.times { Postlude.after { events << 'never' } }
        raise 'boom'
      end
    end
    assert_empty events
    assert_equal %w[WARN], levels
    assert_match(/request-1.*dropped.*boom/, @log.string)
  end

  def test_a_value_that_cannot_be_encoded_is_left_to_the_runtime
    value = [Float::NAN]
    assert_same value, (run_handler do
      Postlude.after { events << 'never' }
      value
    end)
    assert_empty events
    assert_equal %w[WARN], levels
  end

  def test_work_left_by_return_still_runs
    leaves = lambda do
      run_handler do
        Postlude.after { events << 'work' }
        return 5
      end
    end
    define_singleton_method(:leaving, &leaves)
    leaving
    assert_equal ['work'], events
  end

  def test_after_is_over_when_the_handler_is
    fiber = Fiber.new { run_handler { Fiber.yield(Postlude::Invocation.current('test')) } }
    invocation = fiber.resume
    fiber.resume
    assert invocation.over
    assert_raises(ArgumentError) { run_handler { Postlude.after } }
  end

  def test_the_value_is_encoded_by_the_marshaller_of_the_runtime
    marshaller = Object.new
    def marshaller.marshall_response(value) = value.is_a?(StringIO) ? [value, 'application/unknown'] : 'marshalled'
    Object.const_set(:AwsLambda, Module.new).const_set(:Marshaller, marshaller)
    run_handler { Postlude.after {}; 1 }
    file = run_handler { Postlude.after {}; StringIO.new("\xff".b) }
    assert_equal ['marshalled', "\xff".b], @api.requests.map(&:body)
    assert_equal %w[application/json application/unknown], (@api.requests.map { |request| request['Content-Type'] })
    assert_equal "\xff".b, file.read
  ensure
    Object.send(:remove_const, :AwsLambda)
  end
end

class FailedEarlyAnswerTest < HelperTest
  def expect_fallback(warnings)
    value = run_handler do
      Postlude.after { events << 'work' }
      'value'
    end
    assert_equal 'value', value
    assert_equal 'work', events.last
    assert_equal ['WARN'] * warnings, levels
  end

  def test_a_refusal_is_logged_and_the_runtime_answers_after_the_work
    @api.script['response'] = [503, { error: { type: 'Unavailable', message: 'later' } }]
    expect_fallback(1)
    assert_match(/later/, @log.string)
  end

  def test_a_connection_that_dies_is_logged_and_the_runtime_answers
    @api.script['response'] = [:hang_up]
    expect_fallback(1)
  end

  def test_a_shim_that_is_gone_is_logged_and_the_runtime_answers
    ENV['POSTLUDE_API'] = 'http://127.0.0.1:1/postlude/v1'
    expect_fallback(1)
  end

  def test_an_answer_given_by_other_means_is_no_reason_to_warn
    @api.script['response'] = [409, { error: { type: 'AlreadyAnswered', message: 'it is' } }]
    expect_fallback(0)
  end
end

class RespondTest < HelperTest
  def test_the_caller_has_the_answer_while_the_handler_goes_on
    value = run_handler do
      Postlude.respond({ statusCode: 202 })
      events << 'working'
      Postlude.after { events << 'work' }
      'discarded'
    end
    assert_equal 'discarded', value
    assert_equal [RESPONSE, 'working', 'work'], events
    assert_equal '{"statusCode":202}', only_request.body
  end

  def test_a_string_under_a_content_type_goes_as_it_is
    ["\u00e9", "\x00\xff".b, ''].each do |value|
      run_handler { Postlude.respond(value, content_type: 'text/plain') }
      assert_equal value.b, @api.requests.last.body.b
      assert_equal 'text/plain', @api.requests.last['Content-Type']
    end
  end

  def test_a_second_answer_raises_what_the_api_said
    run_handler do
      Postlude.respond(1)
      @api.script['response'] = [409, { error: { type: 'AlreadyAnswered', message: 'it has its answer' } }]
      error = assert_raises(Postlude::Error) { Postlude.respond(2) }
      assert_equal [409, 'AlreadyAnswered'], [error.status, error.type]
      assert_match(/it has its answer/, error.message)
    end
    assert_equal 2, @api.requests.size
  end

  def test_work_still_runs_when_the_handler_raises_after_its_answer
    assert_raises(RuntimeError) do
      run_handler do
        Postlude.after { events << 'work' }
        Postlude.respond(1)
        raise 'late'
      end
    end
    assert_equal [RESPONSE, 'work'], events
  end

  def test_request_ids_are_quoted
    run_handler('a/b c') { Postlude.respond(1) }
    assert_includes only_request.line, '/invocations/a%2Fb%20c/response '
  end
end

class StreamTest < HelperTest
  def test_pieces_arrive_while_the_handler_goes_on
    value = run_handler do
      Postlude.after { events << 'work' }
      Postlude.stream(status: 201, headers: { 'x-a' => 'b' }, cookies: ['c=d']) do |out|
        prelude = @api.pieces.pop
        assert_equal "\0" * 8, prelude[-8..]
        assert_equal({ 'statusCode' => 201, 'headers' => { 'x-a' => 'b' }, 'cookies' => ['c=d'] }, JSON.parse(prelude[...-8]))
        ["\u00e9", "\x00\xff".b].each do |piece|
          out.write(piece)
          assert_equal piece.b, @api.pieces.pop.b
        end
        out.write('')
        assert_empty @api.requests
        'of the block'
      end
    end
    assert_equal 'of the block', value
    assert_equal RESPONSE, only_request.line
    assert_equal PRELUDE, only_request['Content-Type']
    assert_equal 'streaming', only_request['Lambda-Runtime-Function-Response-Mode']
    assert_nil only_request['Content-Length']
    assert_empty only_request.trailers
    assert_equal [RESPONSE, 'work'], events
  end

  def test_without_a_status_the_body_goes_under_its_content_type
    [[{}, 'application/octet-stream'], [{ content_type: 'text/event-stream' }, 'text/event-stream']].each do |options, type|
      run_handler { Postlude.stream(**options) { |out| out.write('x') } }
      assert_equal [type, 'x'], [@api.requests.last['Content-Type'], @api.requests.last.body]
    end
    run_handler { Postlude.stream(status: 200, content_type: 'text/html') {} }
    assert_equal({ 'content-type' => 'text/html' }, JSON.parse(@api.requests.last.body[...-8])['headers'])
  end

  def test_an_exception_breaks_the_stream_off_with_the_error_trailers_and_goes_on
    assert_raises(KeyError) do
      run_handler do
        Postlude.after { events << 'never' }
        Postlude.stream do |out|
          out.write('half')
          raise KeyError, "lost \u00e9\r\n"
        end
      end
    end
    assert_equal 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body', only_request['Trailer']
    assert_equal 'KeyError', only_request.trailers['Lambda-Runtime-Function-Error-Type']
    error = JSON.parse(only_request.trailers['Lambda-Runtime-Function-Error-Body'].unpack1('m0'))
    assert_equal({ 'errorMessage' => "lost \u00e9\r\n", 'errorType' => 'KeyError' }, error)
    assert_equal [RESPONSE], events
  end

  def test_an_exception_beside_an_open_stream_breaks_it_off_too
    assert_raises(KeyError) do
      run_handler do
        Postlude.stream.write('half')
        raise KeyError
      end
    end
    assert_equal 'KeyError', only_request.trailers['Lambda-Runtime-Function-Error-Type']
  end

  def test_a_stream_left_open_is_ended_before_the_work
    run_handler do
      Postlude.stream.write('x')
      Postlude.after { events << 'work' }
    end
    assert_equal [RESPONSE, 'work'], events
  end

  def test_nothing_else_answers_while_a_stream_is_open_and_nothing_is_written_when_it_ended
    run_handler do
      out = Postlude.stream
      assert_match(/open stream/, assert_raises(Postlude::Error) { Postlude.respond(1) }.message)
      2.times { out.end }
      assert_match(/ended/, assert_raises(Postlude::Error) { out.write('x') }.message)
    end
    only_request
  end

  def test_a_refused_stream_raises_what_the_api_said
    @api.script['response'] = [409, { error: { type: 'AlreadyAnswered', message: 'too late' } }]
    error = assert_raises(Postlude::Error) { run_handler { Postlude.stream { |out| out.write('x') } } }
    assert_equal 409, error.status
    assert_match(/too late/, error.message)
  end
end

class DeferTest < HelperTest
  def test_a_task_is_handed_over_by_name_or_inline_and_its_id_returned
    @api.script['tasks'] = [202, { id: 'request-1/mail/1' }]
    assert_equal 'request-1/mail/1', (run_handler { Postlude.defer('mail', { to: 'a' }) })
    run_handler { Postlude.defer({ command: ['bin/report'] }, 5) }
    assert_equal [{ 'payload' => { 'to' => 'a' }, 'task' => 'mail' }, { 'payload' => 5, 'command' => ['bin/report'] }],
                 (@api.requests.map { |request| JSON.parse(request.body) })
    assert_equal 'POST /postlude/v1/invocations/request-1/tasks HTTP/1.1', events.first
    assert_equal 'application/json', @api.requests.first['Content-Type']
  end

  def test_a_refusal_carries_the_type_and_message_of_the_api
    @api.script['tasks'] = [404, { error: { type: 'UnknownTask', message: 'no task mails' } }]
    error = assert_raises(Postlude::Error) { run_handler { Postlude.defer('mails') } }
    assert_equal [404, 'UnknownTask'], [error.status, error.type]
    assert_match(/no task mails/, error.message)
  end
end

class ConcurrentTest < HelperTest
  def test_two_invocations_at_once_are_not_mixed_up
    @api.script['tasks'] = [202, { id: 'x' }]
    inside = Queue.new
    go_on = Queue.new
    threads = %w[one two].map do |name|
      Thread.new do
        run_handler(name) do
          inside << name
          go_on.pop
          Postlude.after { Postlude.defer(name) }
          name
        end
      end
    end
    2.times { inside.pop }
    2.times { go_on << true }
    threads.each(&:join)
    seen = @api.requests.map { |request| "#{request.line[%r{invocations/(\S+)}, 1]} #{request.body}" }
    assert_equal ['one/response "one"', 'one/tasks {"payload":null,"task":"one"}',
                  'two/response "two"', 'two/tasks {"payload":null,"task":"two"}'], seen.sort
  end

  def test_threads_started_by_the_handler_see_its_request
    skip 'Ruby before 3.2 has no storage that threads inherit' unless Fiber.respond_to?(:[])
    assert_equal 4321, (run_handler { Thread.new { Postlude.remaining_ms }.value })
  end

  def test_a_wrapped_function_called_by_a_wrapped_one_leaves_the_outer_binding
    run_handler('outer') do
      run_handler('inner') { Postlude.respond('inner') }
      Postlude.respond('outer')
    end
    assert_equal %w[inner outer], (@api.requests.map { |request| request.line.split('/')[4] })
  end
end

class OutsideTheLayerTest < HelperTest
  def setup
    super
    ENV.delete('POSTLUDE_API')
  end

  def test_work_runs_before_the_return_with_one_warning_for_all_invocations
    [1, 2].each do |number|
      assert_equal number, (run_handler do
        Postlude.after { events << number }
        number
      end)
    end
    assert_equal [1, 2], events
    assert_equal %w[WARN], levels
    assert_match(/POSTLUDE_API/, @log.string)
  end

  def test_the_other_verbs_raise_and_name_the_layer
    [-> { Postlude.respond(1) }, -> { Postlude.stream }, -> { Postlude.defer('x') }].each do |verb|
      assert_match(/POSTLUDE_API/, assert_raises(Postlude::Error) { run_handler { verb.call } }.message)
    end
  end
end
