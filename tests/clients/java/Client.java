// Runs behaviours with Connector/J; see ../README.md. Variants: text (statements prepared by the
// driver), prepared (by the server).

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;

final class Client {
  private static final int SHOWN_ROWS = 50;
  private static final int SHOWN_CHARACTERS = 200;
  private static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final String variant;
  private final String host;
  private final String port;
  private final boolean tls;
  private Connection connection;
  private PreparedStatement statement;
  private List<String> account = List.of();

  private Client(String variant, String host, String port, boolean tls) {
    this.variant = variant;
    this.host = host;
    this.port = port;
    this.tls = tls;
  }

  private static void say(Object... words) {
    StringBuilder line = new StringBuilder(" ");
    for (Object word : words) line.append(' ').append(word);
    out.println(line);
  }

  private static String shown(Object value) {
    String text = value instanceof byte[] bytes
        ? "bytes " + HexFormat.of().formatHex(bytes, 0, Math.min(bytes.length, 101))
        : value == null ? "null" : value.getClass().getSimpleName() + " " + value;
    return text.length() <= SHOWN_CHARACTERS
        ? text
        : text.substring(0, 60) + "... " + text.length();
  }

  private static String unescape(String word) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < word.length(); at++) {
      char letter = word.charAt(at);
      if (letter == '\\') {
        letter = switch (word.charAt(++at)) {
          case 't' -> '\t';
          case 'n' -> '\n';
          case 'r' -> '\r';
          case '0' -> '\0';
          default -> '\\';
        };
      }
      text.append(letter);
    }
    return text.toString();
  }

  private Connection open(List<String> words) throws SQLException {
    List<String> asked = Arrays.asList(words.get(3).split(","));
    Properties settings = new Properties();
    settings.put("user", words.get(0));
    settings.put("password", words.get(1));
    settings.put("sslMode", tls ? "REQUIRED" : "DISABLED");
    settings.put("allowPublicKeyRetrieval", "true");
    settings.put("allowMultiQueries", String.valueOf(asked.contains("multi")));
    settings.put("useAffectedRows", String.valueOf(!asked.contains("found_rows")));
    settings.put("allowLoadLocalInfile", String.valueOf(asked.contains("local")));
    settings.put("useCompression", String.valueOf(asked.contains("compress")));
    settings.put("characterEncoding", asked.contains("gbk") ? "GBK" : "UTF-8");
    settings.put("useServerPrepStmts", String.valueOf(variant.equals("prepared")));
    settings.put("useCursorFetch", String.valueOf(variant.equals("prepared")));
    settings.put("connectionTimeZone", "UTC");
    settings.put("maxAllowedPacket", String.valueOf(64 << 20));
    String url = "jdbc:mysql://" + host + ":" + port + "/" + words.get(2);
    return DriverManager.getConnection(url, settings);
  }

  private void disconnect() throws SQLException {
    Connection before = connection;
    statement = null;
    connection = null;
    if (before != null) before.close();
  }

  private static void showRows(ResultSet rows) throws SQLException {
    ResultSetMetaData columns = rows.getMetaData();
    int width = columns.getColumnCount();
    for (int i = 1; i <= width; i++) {
      say("column", columns.getColumnLabel(i), columns.getColumnTypeName(i),
          columns.getColumnType(i), columns.getColumnDisplaySize(i), columns.getPrecision(i),
          columns.getScale(i), columns.isNullable(i), columns.isSigned(i),
          columns.isAutoIncrement(i), columns.getTableName(i), columns.getCatalogName(i));
    }
    long count = 0;
    long characters = 0;
    while (rows.next()) {
      List<String> texts = new ArrayList<>();
      for (int i = 1; i <= width; i++) {
        String text;
        try {
          text = shown(rows.getObject(i));
        } catch (SQLException | java.time.DateTimeException error) {
          text = "error " + error.getMessage();
        }
        characters += text.length();
        texts.add(text);
      }
      if (++count <= SHOWN_ROWS) say("row", String.join(", ", texts));
    }
    say(count, "rows,", characters, "characters");
  }

  private static void showWarnings(Statement done) throws SQLException {
    for (SQLWarning each = done.getWarnings(); each != null; each = each.getNextWarning()) {
      say("warning", each.getErrorCode(), each.getSQLState(), each.getMessage());
    }
  }

  private static void showResults(Statement done, boolean isResult) throws SQLException {
    boolean more = isResult;
    while (more || done.getUpdateCount() != -1) {
      if (more) {
        try (ResultSet rows = done.getResultSet()) {
          showRows(rows);
        }
      } else {
        say("affected", done.getLargeUpdateCount());
        try (ResultSet keys = done.getGeneratedKeys()) {
          while (keys.next()) say("id", keys.getString(1));
        }
      }
      more = done.getMoreResults();
    }
    showWarnings(done);
  }

  private void query(String sql) throws SQLException {
    try (Statement done = connection.createStatement()) {
      showResults(done, done.execute(sql, Statement.RETURN_GENERATED_KEYS));
    }
  }

  private static void bind(PreparedStatement to, int at, String word) throws SQLException {
    String rest = word.substring(1);
    switch (word.charAt(0)) {
      case 'n' -> to.setNull(at, Types.NULL);
      case 'i' -> to.setLong(at, Long.parseLong(rest));
      case 'u' -> to.setObject(at, new java.math.BigInteger(rest));
      case 'f' -> to.setDouble(at, Double.parseDouble(rest));
      case 'x' -> to.setBytes(at, HexFormat.of().parseHex(rest));
      default -> to.setString(at, rest);
    }
  }

  private void execute(List<String> words) throws SQLException {
    if (statement == null) {
      say("no statement");
      return;
    }
    for (int i = 0; i < words.size(); i++) bind(statement, i + 1, words.get(i));
    showResults(statement, statement.execute());
  }

  private void fetch(String size, String sql) throws SQLException {
    // A cursor where the server prepares, else a stream of rows.
    boolean cursor = variant.equals("prepared");
    try (PreparedStatement done = connection.prepareStatement(sql)) {
      done.setFetchSize(cursor ? Integer.parseInt(size) : Integer.MIN_VALUE);
      showRows(done.executeQuery());
    }
  }

  private void blob(String id, String size) throws SQLException {
    byte[] data = new byte[Integer.parseInt(size)];
    for (int at = 0; at < data.length; at++) data[at] = (byte) at;
    try (PreparedStatement done = connection.prepareStatement("INSERT INTO blobs VALUES (?, ?)")) {
      done.setInt(1, Integer.parseInt(id));
      // A stream goes as long data, in parts.
      done.setBinaryStream(2, new java.io.ByteArrayInputStream(data), data.length);
      say("inserted", done.executeUpdate());
    }
    try (Statement done = connection.createStatement();
        ResultSet rows = done.executeQuery("SELECT b FROM blobs WHERE id = " + id)) {
      rows.next();
      say("same", Arrays.equals(rows.getBytes(1), data));
    }
  }

  private void killQuery(String sql) throws Exception {
    long id;
    try (Statement done = connection.createStatement();
        ResultSet rows = done.executeQuery("SELECT CONNECTION_ID()")) {
      rows.next();
      id = rows.getLong(1);
    }
    Thread killer = new Thread(() -> {
      try (Connection second = open(account);
          Statement done = second.createStatement()) {
        String running = "SELECT COUNT(*) FROM performance_schema.threads "
            + "WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'";
        for (int tries = 0; tries < 400; tries++) {
          ResultSet rows = done.executeQuery(running);
          rows.next();
          if (rows.getInt(1) == 1) break;
          Thread.sleep(20);
        }
        done.execute("KILL QUERY " + id);
      } catch (SQLException | InterruptedException error) {
        say("kill:", error.getMessage());
      }
    });
    killer.start();
    try {
      query(sql);
    } finally {
      killer.join();
    }
  }

  private void step(String operation, List<String> words) throws Exception {
    switch (operation) {
      case "behaviour", "close" -> {
        disconnect();
        return;
      }
      case "connect" -> {
        disconnect();
        account = words;
        connection = open(words);
        say("connected");
        return;
      }
      default -> { }
    }
    if (connection == null) {
      say("no connection");
      return;
    }
    switch (operation) {
      case "info" -> say(connection.getMetaData().getDatabaseProductVersion());
      case "query" -> query(words.get(0));
      case "prepare" -> {
        statement = null;
        statement = connection.prepareStatement(words.get(0), Statement.RETURN_GENERATED_KEYS);
        say("parameters", statement.getParameterMetaData().getParameterCount());
      }
      case "execute" -> execute(words);
      case "fetch" -> fetch(words.get(0), words.get(1));
      case "load_local" -> query(words.get(1).replace("%s", words.get(0)));
      case "blob" -> blob(words.get(0), words.get(1));
      case "begin" -> connection.setAutoCommit(false);
      case "commit" -> {
        connection.commit();
        connection.setAutoCommit(true);
      }
      case "rollback" -> {
        connection.rollback();
        connection.setAutoCommit(true);
      }
      case "ping" -> say(connection.isValid(5));
      case "use" -> connection.setCatalog(words.get(0));
      case "reset" -> connection.unwrap(com.mysql.cj.jdbc.JdbcConnection.class).resetServerState();
      case "change_user" ->
          connection.unwrap(com.mysql.cj.jdbc.JdbcConnection.class)
              .changeUser(words.get(0), words.get(1));
      case "kill_query" -> killQuery(words.get(0));
      default -> say("not offered");
    }
  }

  public static void main(String[] arguments) throws Exception {
    Client client =
        new Client(arguments[0], arguments[2], arguments[3], arguments[4].equals("1"));
    int number = 0;
    for (String line : Files.readString(Path.of(arguments[1])).split("\n")) {
      List<String> words = Arrays.stream(line.split("\t", -1)).map(Client::unescape).toList();
      out.println(++number + " " + words.get(0) + " " + shown(words.subList(1, words.size())));
      try {
        client.step(words.get(0), words.subList(1, words.size()));
      } catch (SQLException error) {
        // The first line: below it come host, time and stack of a lost connection.
        String text = String.valueOf(error.getMessage()).lines().findFirst().orElse("");
        say("error", error.getErrorCode(), error.getSQLState(), text);
      }
    }
    client.disconnect();
  }
}
