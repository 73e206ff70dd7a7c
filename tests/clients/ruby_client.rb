# Runs behaviours with the mysql2 gem; see README.md.

require "mysql2"

SCRIPT, HOST, PORT, TLS = ARGV
SHOWN_ROWS = 50
$stdout.sync = true

def say(*words) = puts("  #{words.join(" ")}")

def shown(value)
  text = value.inspect
  text.length <= 200 ? text : "#{text[0, 60]}... #{text.length} characters"
end

def unescape(word)
  parts = { "t" => "\t", "n" => "\n", "r" => "\r", "0" => "\0", "\\" => "\\" }
  word.gsub(/\\(.)/) { parts[$1] }
end

def bound(word)
  rest = word[1..]
  case word[0]
  when "n" then nil
  when "i", "u" then rest.to_i
  when "f" then rest.to_f
  when "s" then rest
  when "x" then [rest].pack("H*")
  end
end

class Client
  def initialize(*account)
    @account = account
    user, password, database, options = account
    asked = options.split(",")
    flags = Mysql2::Client::REMEMBER_OPTIONS | Mysql2::Client::LONG_PASSWORD |
            Mysql2::Client::LONG_FLAG | Mysql2::Client::TRANSACTIONS |
            Mysql2::Client::PROTOCOL_41 | Mysql2::Client::SECURE_CONNECTION
    flags |= Mysql2::Client::MULTI_STATEMENTS if asked.include?("multi")
    flags |= Mysql2::Client::FOUND_ROWS if asked.include?("found_rows")
    flags |= Mysql2::Client::COMPRESS if asked.include?("compress")
    settings = {
      host: HOST, port: PORT.to_i, username: user, password: password,
      encoding: asked.include?("gbk") ? "gbk" : "utf8mb4", flags: flags,
      local_infile: asked.include?("local"), as: :array, database_timezone: :utc,
      application_timezone: :utc
    }
    settings[:database] = database unless database.empty?
    settings[:sslcipher] = "DEFAULT" if TLS == "1"
    @db = Mysql2::Client.new(**settings)
    @statement = nil
  end

  attr_reader :db

  def info
    say(@db.server_info, @db.encoding, @db.info)
  end

  def show_rows(rows)
    texts = rows.map { |row| shown(row) }
    (texts.length <= SHOWN_ROWS ? texts : texts.first(3)).each { |text| say("row", text) }
    say(texts.length, "rows,", texts.sum(&:length), "characters")
  end

  def show(result)
    if result
      say("columns", result.fields.inspect)
      say("types", result.field_types.inspect) if result.respond_to?(:field_types)
      show_rows(result.to_a)
    end
    say("affected", @db.affected_rows, "id", @db.last_id, "warnings", @db.warning_count,
        "info", @db.query_info_string.inspect)
  end

  def query(sql)
    show(@db.query(sql))
    while @db.next_result
      show(@db.store_result)
    end
  ensure
    @db.abandon_results! unless @db.closed?
  end

  def prepare(sql)
    @statement&.close
    @statement = nil
    @statement = @db.prepare(sql)
    say("parameters", @statement.param_count, "fields", @statement.field_count)
  end

  def execute(*words)
    return say("no statement") if @statement.nil?

    result = @statement.execute(*words.map { |word| bound(word) }, as: :array)
    if result
      say("columns", result.fields.inspect)
      show_rows(result.to_a)
    end
    say("affected", @statement.affected_rows, "id", @statement.last_id)
    @db.abandon_results!
  end

  def fetch(_size, sql)
    show_rows(@db.query(sql, stream: true, cache_rows: false).each.to_a)
  end

  def load_local(file, sql)
    query(sql.sub("%s") { file })
  end

  def blob(id, size)
    pattern = (0..255).to_a.pack("C*")
    data = (pattern * (size.to_i / 256 + 1))[0, size.to_i]
    statement = @db.prepare("INSERT INTO blobs VALUES (?, ?)")
    statement.execute(id.to_i, data)
    say("inserted", statement.affected_rows)
    statement.close
    back = @db.query("SELECT b FROM blobs WHERE id = #{id}").first[0]
    say("same", back == data, back.bytesize)
  end

  def ping = say(@db.ping)
  def use(name) = @db.select_db(name)

  def kill_query(sql)
    id = @db.thread_id
    account = @account
    killer = Thread.new do
      second = Client.new(*account).db
      running = "SELECT COUNT(*) FROM performance_schema.threads " \
                "WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'"
      400.times do
        break if second.query(running).first[0] == 1

        sleep 0.02
      end
      second.query("KILL QUERY #{id}")
      second.close
    end
    show(@db.query(sql))
  ensure
    killer&.join
  end

  def close
    @db.close
  end
end

client = nil
File.foreach(SCRIPT, chomp: true, encoding: "UTF-8").with_index(1) do |line, number|
  operation, *words = line.split("\t", -1).map { |word| unescape(word) }
  puts "#{number} #{operation} #{shown(words)}"
  begin
    case operation
    when "behaviour", "close"
      client&.close
      client = nil
    when "connect"
      client&.close
      client = nil
      client = Client.new(*words)
      say("connected")
    else
      if client.nil?
        say("no connection")
      elsif Client.public_method_defined?(operation, false)
        client.public_send(operation, *words)
      else
        say("not offered")
      end
    end
  rescue Mysql2::Error => e
    say("error", e.error_number, e.sql_state, e.class, e.message.inspect)
  rescue ArgumentError, EncodingError => e
    say("error", e.class, e.message.inspect)
  end
end
