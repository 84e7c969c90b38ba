# Does what the event says, with the helper module: {"do": ...}, or the same as the body of a request.
# $GATE holds it back in the middle.
require 'json'
require 'postlude'

def wait
  File.open(ENV.fetch('GATE')) { |gate| gate.readpartial(1) }
end

Postlude.handler def handler(event:, context:)
  kept = "a local of #{context.aws_request_id}"
  what = event['do'] || JSON.parse(event['body'])['do']
  case what
  when 'respond', 'respond, then fail'
    puts format('responding at %.3f', Time.now.to_f * 1000)
    Postlude.respond({ early: context.aws_request_id })
    wait
    puts "worked on with #{kept}"
    raise 'too late' if what != 'respond'
    { late: true }
  when 'stream'
    Postlude.stream(status: 201, headers: { 'x-made-by' => 'helper' }, content_type: 'text/plain') do |out|
      out.write('first ')
      wait
      out.write('second')
    end
    puts 'worked on after the stream'
  when 'after'
    Postlude.after { puts 'after one' }
    Postlude.after { raise 'an error of after work' }
    Postlude.after { wait }
    Postlude.after { puts "after two with #{kept}" }
    { text: 'späť', number: 1.5, list: [1, nil] }
  when 'respond twice'
    Postlude.respond('first')
    begin
      Postlude.respond('second')
    rescue Postlude::Error => e
      puts "refused: #{e.status} #{e.type}"
    end
    'third'
  when 'defer'
    puts "deferred #{Postlude.defer({ command: ['cat'] }, { remaining: Postlude.remaining_ms > 0 })}"
    'done'
  else
    'done'
  end
end
