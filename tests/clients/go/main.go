// Command go runs behaviours with go-sql-driver/mysql; see ../README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	shownRows  = 50
	shownBytes = 200
)

var (
	host, port string
	secure     bool
	pool       *sql.DB
	conn       *sql.Conn
	tx         *sql.Tx
	statement  *sql.Stmt
	account    []string
)

func say(words ...any) { fmt.Println(append([]any{" "}, words...)...) }

func shown(value any) string {
	var text string
	switch value := value.(type) {
	case []byte:
		text = fmt.Sprintf("bytes %q", value)
	case time.Time:
		text = value.Format(time.RFC3339Nano)
	default:
		text = fmt.Sprintf("%T %q", value, fmt.Sprint(value))
	}
	if len(text) > shownBytes {
		return fmt.Sprintf("%s... %d", text[:60], len(text))
	}
	return text
}

func showError(err error) {
	var failed *mysql.MySQLError
	if errors.As(err, &failed) {
		say("error", failed.Number, string(failed.SQLState[:]), failed.Message)
		return
	}
	say("error", err)
}

func connect(words []string) (*sql.DB, *sql.Conn, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = words[0], words[1], words[2]
	config.Net, config.Addr = "tcp", host+":"+port
	config.ParseTime = true
	config.MaxAllowedPacket = 64 << 20
	if secure {
		config.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, nil, err
	}
	for _, option := range strings.Split(words[3], ",") {
		switch option {
		case "multi":
			config.MultiStatements = true
		case "found_rows":
			config.ClientFoundRows = true
		case "local":
			config.AllowAllFiles = true
		case "gbk":
			if err := config.Apply(mysql.Charset("gbk", "")); err != nil {
				return nil, nil, err
			}
		case "compress":
			if err := config.Apply(mysql.EnableCompression(true)); err != nil {
				return nil, nil, err
			}
		}
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	one, err := db.Conn(context.Background())
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, one, nil
}

func disconnect() {
	if statement != nil {
		statement.Close()
	}
	if conn != nil {
		conn.Close()
	}
	if pool != nil {
		pool.Close()
	}
	pool, conn, tx, statement = nil, nil, nil, nil
}

func showRows(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		for _, column := range types {
			nullable, nullableKnown := column.Nullable()
			length, lengthKnown := column.Length()
			precision, scale, decimal := column.DecimalSize()
			say("column", column.Name(), column.DatabaseTypeName(), column.ScanType(),
				nullable, nullableKnown, length, lengthKnown, precision, scale, decimal)
		}
		values := make([]any, len(types))
		places := make([]any, len(types))
		for i := range values {
			places[i] = &values[i]
		}
		count, characters := 0, 0
		for rows.Next() {
			if err := rows.Scan(places...); err != nil {
				return err
			}
			texts := make([]string, len(values))
			for i, value := range values {
				texts[i] = shown(value)
				characters += len(texts[i])
			}
			if count++; count <= shownRows {
				say("row", strings.Join(texts, ", "))
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		say(count, "rows,", characters, "characters")
		if !rows.NextResultSet() {
			return rows.Err()
		}
	}
}

func showResult(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	affected, _ := result.RowsAffected()
	id, _ := result.LastInsertId()
	say("affected", affected, "id", id)
	return nil
}

func givesRows(text string) bool {
	verb := strings.ToUpper(strings.TrimLeft(text, " "))
	for _, prefix := range []string{"SELECT", "SHOW", "DESCRIBE", "EXPLAIN", "CALL", "TABLE", "VALUES",
		"ANALYZE", "CHECK", "EXECUTE", "/*"} {
		if strings.HasPrefix(verb, prefix) {
			return true
		}
	}
	return strings.Contains(verb, "RETURNING")
}

func query(text string) error {
	ctx := context.Background()
	if givesRows(text) {
		return showRows(conn.QueryContext(ctx, text))
	}
	return showResult(conn.ExecContext(ctx, text))
}

func bound(word string) any {
	rest := word[1:]
	switch word[0] {
	case 'i':
		value, _ := strconv.ParseInt(rest, 10, 64)
		return value
	case 'u':
		value, _ := strconv.ParseUint(rest, 10, 64)
		return value
	case 'f':
		value, _ := strconv.ParseFloat(rest, 64)
		return value
	case 's':
		return rest
	case 'x':
		value, _ := hex.DecodeString(rest)
		return value
	}
	return nil
}

var prepared string

func execute(words []string) error {
	if statement == nil {
		say("no statement")
		return nil
	}
	values := make([]any, len(words))
	for i, word := range words {
		values[i] = bound(word)
	}
	if givesRows(prepared) {
		return showRows(statement.Query(values...))
	}
	return showResult(statement.Exec(values...))
}

func blob(id string, size string) error {
	ctx := context.Background()
	length, _ := strconv.Atoi(size)
	data := make([]byte, length)
	for at := range data {
		data[at] = byte(at)
	}
	if err := showResult(conn.ExecContext(ctx, "INSERT INTO blobs VALUES (?, ?)", id, data)); err != nil {
		return err
	}
	var back []byte
	if err := conn.QueryRowContext(ctx, "SELECT b FROM blobs WHERE id = ?", id).Scan(&back); err != nil {
		return err
	}
	say("same", bytes.Equal(back, data), len(back))
	return nil
}

func killQuery(text string) error {
	ctx := context.Background()
	var id uint64
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		return err
	}
	killed := make(chan error)
	go func() {
		db, second, err := connect(account)
		if err != nil {
			killed <- err
			return
		}
		defer db.Close()
		for range 400 {
			var running int
			second.QueryRowContext(ctx, "SELECT COUNT(*) FROM performance_schema.threads "+
				"WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'").Scan(&running)
			if running == 1 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		_, err = second.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", id))
		second.Close()
		killed <- err
	}()
	err := query(text)
	if failed := <-killed; failed != nil {
		say("kill:", failed)
	}
	return err
}

func step(operation string, words []string) error {
	ctx := context.Background()
	switch operation {
	case "connect":
		disconnect()
		account = words
		var err error
		if pool, conn, err = connect(words); err == nil {
			say("connected")
		}
		return err
	case "behaviour", "close":
		disconnect()
		return nil
	}
	if conn == nil {
		say("no connection")
		return nil
	}
	switch operation {
	case "query":
		return query(words[0])
	case "prepare":
		if statement != nil {
			statement.Close()
		}
		var err error
		prepared = words[0]
		statement, err = conn.PrepareContext(ctx, prepared)
		if err != nil {
			statement = nil
		}
		return err
	case "execute":
		return execute(words)
	case "fetch":
		return showRows(conn.QueryContext(ctx, words[1]))
	case "load_local":
		return query(strings.Replace(words[1], "%s", words[0], 1))
	case "blob":
		return blob(words[0], words[1])
	case "begin":
		var err error
		tx, err = conn.BeginTx(ctx, nil)
		return err
	case "commit":
		return tx.Commit()
	case "rollback":
		return tx.Rollback()
	case "ping":
		return conn.PingContext(ctx)
	case "kill_query":
		return killQuery(words[0])
	}
	say("not offered")
	return nil
}

func main() {
	script := os.Args[1]
	host, port, secure = os.Args[2], os.Args[3], os.Args[4] == "1"
	mysql.SetLogger(&mysql.NopLogger{})
	file, err := os.Open(script)
	if err != nil {
		panic(err)
	}
	unescape := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r", `\0`, "\x00")
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		words := strings.Split(lines.Text(), "\t")
		for i, word := range words {
			words[i] = unescape.Replace(word)
		}
		fmt.Println(number, words[0], shown(words[1:]))
		if err := step(words[0], words[1:]); err != nil {
			showError(err)
		}
	}
	disconnect()
}
