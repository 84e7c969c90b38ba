# frozen_string_literal: true

require 'json'
require 'socket'

# The local API as a script: keeps every request as it came over the wire, answers as it is told.
#
# +pieces+ gets every chunk when it arrives, +events+ a line for each whole request, before its answer is sent.
# +script+ maps the end of a path to [status, body], or to [:hang_up].
class ScriptedApi
  Request = Struct.new(:line, :fields, :body, :trailers) do
    def [](name)
      fields.assoc(name)&.last
    end
  end

  attr_reader :requests, :events, :pieces, :script, :url

  def initialize
    @requests = []
    @events = []
    @script = {}
    @pieces = Queue.new
    @server = TCPServer.new('127.0.0.1', 0)
    @url = "http://127.0.0.1:#{@server.addr[1]}/postlude/v1"
    @threads = []
    @threads << Thread.new { loop { accept(@server.accept) } }
  end

  def close
    @threads.first.kill.join
    @server.close
    @threads.each(&:join)
  end

  private

  def accept(socket)
    @threads << Thread.new do
      serve(socket)
    ensure
      socket.close
    end
  end

  def serve(socket)
    line, *fields = read_lines(socket)
    request = Request.new(line, fields.map { |field| field.split(': ', 2) }, +'', {})
    status, body = @script.fetch(line.split[1].split('/').last, [202, { status: 'OK' }])
    return if status == :hang_up

    read_body(socket, request)
    @requests << request
    @events << line
    text = "#{JSON.generate(body)}\n"
    socket.write("HTTP/1.1 #{status} X\r\nContent-Length: #{text.bytesize}\r\n\r\n#{text}")
  end

  def read_body(socket, request)
    return request.body = socket.read(request['Content-Length'].to_i) unless request['Transfer-Encoding'] == 'chunked'

    until (size = socket.gets.to_i(16)).zero?
      piece = socket.read(size)
      socket.read(2)
      request.body << piece
      @pieces << piece
    end
    request.trailers = read_lines(socket).to_h { |line| line.split(': ', 2) }
  end

  def read_lines(socket)
    lines = []
    while (line = socket.gets.chomp) != ''
      lines << line
    end
    lines
  end
end
