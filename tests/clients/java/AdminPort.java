// Runs on the admin port with Connector/J what a tool does there; prints what it gets. Run as it
// stands: `java -cp mysql-connector-j.jar AdminPort.java URL`.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

final class AdminPort {
  public static void main(String[] arguments) throws SQLException {
    for (String prepare : new String[] {"false", "true"}) {
      String url = arguments[0] + "&useServerPrepStmts=" + prepare;
      try (Connection connection = DriverManager.getConnection(url)) {
        System.out.println("valid " + connection.isValid(5));
        System.out.println("product " + connection.getMetaData().getDatabaseProductName());
        System.out.println("catalog " + connection.getCatalog());
        try (Statement statement = connection.createStatement();
            ResultSet rows = statement.executeQuery("SELECT workers, version FROM proxy")) {
          rows.next();
          System.out.println("workers " + rows.getInt("workers"));
          System.out.println("warnings " + statement.getWarnings());
        }
        String text = "SELECT count(*) FROM properties WHERE name = ? AND ? > 1";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
          statement.setString(1, "limits.clients_max");
          statement.setInt(2, 7);
          try (ResultSet rows = statement.executeQuery()) {
            rows.next();
            System.out.println("properties " + rows.getLong(1));
          }
        }
        try (Statement statement = connection.createStatement()) {
          System.out.println("set " + statement.executeUpdate("SET limits.clients_max = 77"));
          statement.executeQuery("SELECT a FROM nowhere");
        } catch (SQLException error) {
          System.out.println("refused " + error.getErrorCode());
        }
        connection.setAutoCommit(false);
        connection.commit();
        connection.rollback();
        connection.setReadOnly(true);
        System.out.println("isolation " + connection.getTransactionIsolation());
      }
    }
  }
}
