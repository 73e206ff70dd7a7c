"""Runs behaviours with PyMySQL or MySQLdb (mysqlclient); see README.md."""

import ssl
import sys
import threading
import time

driver, script, host, port, tls = sys.argv[1:6]
if driver == "pymysql":
    import pymysql as db
    from pymysql.constants import CLIENT
    from pymysql.cursors import SSCursor
else:
    import MySQLdb as db
    from MySQLdb.constants import CLIENT
    from MySQLdb.cursors import SSCursor

SHOWN_ROWS = 50
SHOWN_CHARACTERS = 200
connection = None
statement = None
account = None


def short(value):
    shown = repr(value)
    if len(shown) <= SHOWN_CHARACTERS:
        return shown
    return f"{shown[:60]}... {len(shown)} characters"


def unescape(word):
    parts = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "\\": "\\"}
    out, at = [], 0
    while (next_at := word.find("\\", at)) >= 0:
        out += [word[at:next_at], parts[word[next_at + 1]]]
        at = next_at + 2
    return "".join(out) + word[at:]


def bound(word):
    kind, rest = word[0], word[1:]
    return {
        "n": lambda: None,
        "i": lambda: int(rest),
        "u": lambda: int(rest),
        "f": lambda: float(rest),
        "s": lambda: rest,
        "x": lambda: bytes.fromhex(rest),
    }[kind]()


def show_rows(rows):
    total = sum(len(repr(row)) for row in rows)
    for row in rows if len(rows) <= SHOWN_ROWS else rows[:3]:
        print("  row", ", ".join(short(value) for value in row))
    print(f"  {len(rows)} rows, {total} characters")


def warning_count():
    if driver == "pymysql":
        return connection._result.warning_count if connection._result else None
    return connection.warning_count()


def show_results(cursor):
    while True:
        if cursor.description:
            for column in cursor.description:
                print("  column", column)
            if driver == "MySQLdb":
                print("  flags", cursor.description_flags)
            show_rows(cursor.fetchall())
        print(
            f"  rowcount {cursor.rowcount}, lastrowid {cursor.lastrowid},"
            f" warnings {warning_count()}, {connection.info() if driver == 'MySQLdb' else ''}"
        )
        if not cursor.nextset():
            break


def connect(user, password, database, options):
    options = options.split(",")
    flags = 0
    if "multi" in options:
        flags |= CLIENT.MULTI_STATEMENTS
    if "found_rows" in options:
        flags |= CLIENT.FOUND_ROWS
    settings = dict(
        host=host,
        port=int(port),
        user=user,
        password=password,
        database=database,
        charset="gbk" if "gbk" in options else "utf8mb4",
        client_flag=flags,
        local_infile="local" in options,
        use_unicode=True,
    )
    if driver == "MySQLdb":
        # Without a mode libmariadb's clients of this age take TLS if "ssl" is not empty.
        if tls == "1":
            settings["ssl"] = {"cipher": "DEFAULT"}
        # Any value, False included, turns compression on.
        if "compress" in options:
            settings["compress"] = True
    else:
        settings["max_allowed_packet"] = 64 << 20
        if tls == "1":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            settings["ssl"] = context
        else:
            settings["ssl_disabled"] = True
    return db.connect(**settings)


def kill_query(sql):
    identity = connection.thread_id()

    def kill():
        second = connect(*account)
        cursor = second.cursor()
        for _ in range(400):
            cursor.execute(
                "SELECT COUNT(*) FROM performance_schema.threads"
                " WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'"
            )
            if cursor.fetchone()[0] == 1:
                break
            time.sleep(0.02)
        cursor.execute(f"KILL QUERY {identity}")
        second.close()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        cursor = connection.cursor()
        cursor.execute(sql)
        show_results(cursor)
    finally:
        killer.join()


def blob(identity, size):
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    cursor = connection.cursor()
    cursor.execute("INSERT INTO blobs VALUES (%s, %s)", (int(identity), data))
    print("  inserted", cursor.rowcount)
    connection.commit()
    cursor.execute("SELECT b FROM blobs WHERE id = %s", (int(identity),))
    (back,) = cursor.fetchone()
    print("  same", back == data, len(back))


def step(operation, words):
    global connection, statement, account
    if operation == "connect":
        if connection is not None:
            connection.close()
            connection = None
        account = words
        connection = connect(*words)
        connection.autocommit(True)
        print("  connected")
    elif operation == "info":
        print(" ", connection.get_server_info(), connection.character_set_name())
        print(" ", connection.get_proto_info(), connection.get_host_info())
    elif operation == "query":
        cursor = connection.cursor()
        cursor.execute(words[0])
        show_results(cursor)
    elif operation == "prepare":
        statement = words[0].replace("%", "%%").replace("?", "%s")
    elif operation == "execute":
        cursor = connection.cursor()
        cursor.execute(statement, [bound(word) for word in words] or None)
        show_results(cursor)
    elif operation == "fetch":
        cursor = connection.cursor(SSCursor)
        try:
            cursor.execute(words[1])
            rows = []
            while part := cursor.fetchmany(int(words[0])):
                rows += part
            show_rows(rows)
        finally:
            cursor.close()
    elif operation == "load_local":
        cursor = connection.cursor()
        cursor.execute(words[1].replace("%s", words[0]))
        show_results(cursor)
    elif operation == "blob":
        blob(words[0], int(words[1]))
    elif operation == "begin":
        connection.begin() if driver == "pymysql" else connection.query("BEGIN")
    elif operation == "commit":
        connection.commit()
    elif operation == "rollback":
        connection.rollback()
    elif operation == "ping":
        print(" ", connection.ping())
    elif operation == "use":
        connection.select_db(words[0])
    elif operation == "statistics" and driver == "MySQLdb":
        print(" ", connection.stat())
    elif operation == "change_user" and driver == "MySQLdb":
        connection.change_user(*words)
    elif operation == "kill_query":
        kill_query(words[0])
    elif operation == "close":
        connection.close()
        connection = None
    else:
        print("  not offered")


def main():
    global connection
    with open(script, encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            operation, *words = map(unescape, line.rstrip("\n").split("\t"))
            print(f"{number} {operation} {short(words)}", flush=True)
            if operation == "behaviour":
                if connection is not None and connection.open:
                    connection.close()
                connection = None
                continue
            if connection is None and operation not in ("connect", "close"):
                print("  no connection")
                continue
            try:
                step(operation, words)
            except (AttributeError, NameError):
                raise  # the program's own mistake
            except Exception as error:
                print("  error", type(error).__name__, short(error.args))


main()
