// Runs behaviours with libmariadb's C API; see ../README.md.

#include <ctype.h>
#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 20
#define SHOWN_ROWS 50
#define SHOWN_BYTES 200
#define LONG_DATA_CHUNK 100000

static const char *host, *tls;
static unsigned port;
static MYSQL *db;
static MYSQL_STMT *statement;
static char *account[4];

typedef struct {
    char *bytes;
    unsigned long length;
} Word;

static void show_bytes(const char *bytes, unsigned long length) {
    if (bytes == NULL) {
        printf(" NULL");
        return;
    }
    printf(" '");
    for (unsigned long at = 0; at < length && at < SHOWN_BYTES; at++) {
        unsigned char byte = bytes[at];
        if (isprint(byte)) putchar(byte);
        else printf("\\x%02x", byte);
    }
    printf("'");
    if (length > SHOWN_BYTES) printf(" %lu bytes", length);
}

static int show_error(void) {
    printf("  error %u %s %s\n", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    return 1;
}

static int show_statement_error(void) {
    printf("  error %u %s %s\n", mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
           mysql_stmt_error(statement));
    return 1;
}

static MYSQL *connect_as(char *const *words) {
    MYSQL *connection = mysql_init(NULL);
    const char *options = words[3];
    my_bool enforce = tls[0] == '1', verify = 0;
    unsigned local = strstr(options, "local") != NULL;
    unsigned long flags = 0, packet = 64 << 20;
    if (strstr(options, "multi")) flags |= CLIENT_MULTI_STATEMENTS;
    if (strstr(options, "found_rows")) flags |= CLIENT_FOUND_ROWS;
    if (strstr(options, "compress")) mysql_options(connection, MYSQL_OPT_COMPRESS, NULL);
    mysql_options(connection, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &local);
    mysql_options(connection, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, strstr(options, "gbk") ? "gbk" : "utf8mb4");
    const char *database = words[2][0] ? words[2] : NULL;
    if (!mysql_real_connect(connection, host, words[0], words[1], database, port, NULL, flags)) {
        printf("  error %u %s %s\n", mysql_errno(connection), mysql_sqlstate(connection),
               mysql_error(connection));
        mysql_close(connection);
        return NULL;
    }
    return connection;
}

static void disconnect(void) {
    if (statement) mysql_stmt_close(statement);
    statement = NULL;
    if (db) mysql_close(db);
    db = NULL;
}

static void show_columns(MYSQL_RES *result) {
    MYSQL_FIELD *fields = mysql_fetch_fields(result);
    for (unsigned i = 0; i < mysql_num_fields(result); i++) {
        MYSQL_FIELD *field = &fields[i];
        printf("  column %s %s %s %s %s type %d flags %u charset %u length %lu decimals %u\n",
               field->catalog, field->db, field->table, field->org_name, field->name, field->type,
               field->flags, field->charsetnr, field->length, field->decimals);
    }
}

static void show_trackers(void) {
    const char *data;
    size_t length;
    for (int type = SESSION_TRACK_BEGIN; type <= SESSION_TRACK_END; type++) {
        for (int more = mysql_session_track_get_first(db, type, &data, &length); more == 0;
             more = mysql_session_track_get_next(db, type, &data, &length)) {
            printf("  track %d", type);
            show_bytes(data, length);
            printf("\n");
        }
    }
}

static void show_end(void) {
    const char *info = mysql_info(db);
    printf("  affected %lld id %llu warnings %u status %u info %s\n",
           (long long)mysql_affected_rows(db), (unsigned long long)mysql_insert_id(db),
           mysql_warning_count(db), db->server_status, info ? info : "-");
    show_trackers();
}

static void show_result(MYSQL_RES *result) {
    unsigned long long rows = 0, bytes = 0;
    MYSQL_ROW row;
    show_columns(result);
    while ((row = mysql_fetch_row(result))) {
        unsigned long *lengths = mysql_fetch_lengths(result);
        if (rows++ < SHOWN_ROWS) printf("  row");
        for (unsigned i = 0; i < mysql_num_fields(result); i++) {
            if (rows <= SHOWN_ROWS) show_bytes(row[i], lengths[i]);
            bytes += lengths[i];
        }
        if (rows <= SHOWN_ROWS) printf("\n");
    }
    printf("  %llu rows, %llu bytes\n", rows, bytes);
}

static int query(Word sql) {
    if (mysql_real_query(db, sql.bytes, sql.length)) return show_error();
    for (;;) {
        MYSQL_RES *result = mysql_store_result(db);
        if (result) {
            show_result(result);
            mysql_free_result(result);
        } else if (mysql_field_count(db)) {
            return show_error();
        }
        show_end();
        int next = mysql_next_result(db);
        if (next > 0) return show_error();
        if (next < 0) return 0;
    }
}

static int fetch(const char *size, Word sql) {
    unsigned long type = CURSOR_TYPE_READ_ONLY, rows = strtoul(size, NULL, 10);
    if (statement) mysql_stmt_close(statement);
    statement = mysql_stmt_init(db);
    mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
    mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &rows);
    if (mysql_stmt_prepare(statement, sql.bytes, sql.length)) return show_statement_error();
    if (mysql_stmt_execute(statement)) return show_statement_error();
    MYSQL_BIND columns[2];
    char values[2][500];
    unsigned long lengths[2];
    memset(columns, 0, sizeof columns);
    for (int i = 0; i < 2; i++) {
        columns[i].buffer_type = MYSQL_TYPE_STRING;
        columns[i].buffer = values[i];
        columns[i].buffer_length = sizeof values[i];
        columns[i].length = &lengths[i];
    }
    if (mysql_stmt_bind_result(statement, columns)) return show_statement_error();
    unsigned long long count = 0, bytes = 0;
    while (mysql_stmt_fetch(statement) == 0) {
        if (count++ < 3) printf("  row %.*s\n", (int)lengths[0], values[0]);
        for (unsigned i = 0; i < mysql_stmt_field_count(statement); i++) bytes += lengths[i];
    }
    if (mysql_stmt_errno(statement)) return show_statement_error();
    printf("  %llu rows, %llu bytes\n", count, bytes);
    return 0;
}

static int prepare(Word sql) {
    if (statement) mysql_stmt_close(statement);
    statement = mysql_stmt_init(db);
    my_bool update = 1;
    mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &update);
    if (mysql_stmt_prepare(statement, sql.bytes, sql.length)) return show_statement_error();
    printf("  parameters %lu, fields %u\n", mysql_stmt_param_count(statement),
           mysql_stmt_field_count(statement));
    MYSQL_RES *result = mysql_stmt_result_metadata(statement);
    if (result) show_columns(result), mysql_free_result(result);
    return 0;
}

// The values of one row of a prepared statement's result, as the API hands them out.
static void show_statement_rows(void) {
    unsigned count = mysql_stmt_field_count(statement);
    MYSQL_RES *result = mysql_stmt_result_metadata(statement);
    MYSQL_BIND *columns = calloc(count, sizeof *columns);
    unsigned long *lengths = calloc(count, sizeof *lengths);
    my_bool *nulls = calloc(count, sizeof *nulls);
    show_columns(result);
    if (mysql_stmt_store_result(statement)) {
        show_statement_error();
        goto end;
    }
    mysql_free_result(result);
    result = mysql_stmt_result_metadata(statement);
    for (unsigned i = 0; i < count; i++) {
        MYSQL_FIELD *field = mysql_fetch_field_direct(result, i);
        columns[i].buffer_type = MYSQL_TYPE_STRING;
        columns[i].buffer_length = field->max_length + 64;
        columns[i].buffer = malloc(columns[i].buffer_length);
        columns[i].length = &lengths[i];
        columns[i].is_null = &nulls[i];
    }
    mysql_stmt_bind_result(statement, columns);
    unsigned long long rows = 0;
    for (int got; (got = mysql_stmt_fetch(statement)) != MYSQL_NO_DATA; rows++) {
        if (got == 1) {
            show_statement_error();
            break;
        }
        if (rows >= SHOWN_ROWS) continue;
        printf("  row");
        for (unsigned i = 0; i < count; i++)
            show_bytes(nulls[i] ? NULL : columns[i].buffer, lengths[i]);
        printf(got == MYSQL_DATA_TRUNCATED ? " truncated\n" : "\n");
    }
    printf("  %llu rows\n", rows);
    for (unsigned i = 0; i < count; i++) free(columns[i].buffer);
end:
    mysql_free_result(result);
    free(columns), free(lengths), free(nulls);
}

static int execute(Word *values, unsigned count) {
    MYSQL_BIND binds[WORDS_MAX];
    union {
        long long integer;
        double real;
        char bytes[100];
    } held[WORDS_MAX];
    if (statement == NULL || mysql_stmt_param_count(statement) != count) {
        printf("  no such statement\n");
        return 1;
    }
    memset(binds, 0, sizeof binds);
    for (unsigned i = 0; i < count; i++) {
        char *rest = values[i].bytes + 1;
        binds[i].buffer = &held[i];
        switch (values[i].bytes[0]) {
        case 'n':
            binds[i].buffer_type = MYSQL_TYPE_NULL;
            break;
        case 'i':
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            held[i].integer = strtoll(rest, NULL, 10);
            break;
        case 'u':
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].is_unsigned = 1;
            held[i].integer = (long long)strtoull(rest, NULL, 10);
            break;
        case 'f':
            binds[i].buffer_type = MYSQL_TYPE_DOUBLE;
            held[i].real = strtod(rest, NULL);
            break;
        case 'x':
            binds[i].buffer_type = MYSQL_TYPE_BLOB;
            binds[i].buffer_length = (values[i].length - 1) / 2;
            for (unsigned long at = 0; at < binds[i].buffer_length; at++) {
                unsigned byte;
                sscanf(rest + 2 * at, "%2x", &byte);
                held[i].bytes[at] = (char)byte;
            }
            break;
        default:
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].buffer = rest;
            binds[i].buffer_length = values[i].length - 1;
        }
    }
    if (count && mysql_stmt_bind_param(statement, binds)) return show_statement_error();
    if (mysql_stmt_execute(statement)) return show_statement_error();
    for (;;) {
        if (mysql_stmt_field_count(statement)) show_statement_rows();
        printf("  affected %lld id %llu status %u\n", (long long)mysql_stmt_affected_rows(statement),
               (unsigned long long)mysql_stmt_insert_id(statement), db->server_status);
        mysql_stmt_free_result(statement);
        int next = mysql_stmt_next_result(statement);
        if (next > 0) return show_statement_error();
        if (next < 0) return 0;
    }
}

static int blob(const char *id, const char *size) {
    unsigned long length = strtoul(size, NULL, 10);
    char *data = malloc(length + 1), sql[100];
    for (unsigned long at = 0; at < length; at++) data[at] = (char)at;
    snprintf(sql, sizeof sql, "INSERT INTO blobs VALUES (%s, ?)", id);
    if (prepare((Word){sql, strlen(sql)})) return 1;
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG_BLOB};
    mysql_stmt_bind_param(statement, &bind);
    for (unsigned long at = 0; at < length; at += LONG_DATA_CHUNK) {
        unsigned long rest = length - at;
        if (mysql_stmt_send_long_data(statement, 0, data + at,
                                      rest < LONG_DATA_CHUNK ? rest : LONG_DATA_CHUNK))
            return show_statement_error();
    }
    if (mysql_stmt_execute(statement)) return show_statement_error();
    snprintf(sql, sizeof sql, "SELECT b FROM blobs WHERE id = %s", id);
    if (mysql_query(db, sql)) return show_error();
    MYSQL_RES *result = mysql_use_result(db);
    MYSQL_ROW row = mysql_fetch_row(result);
    unsigned long *lengths = row ? mysql_fetch_lengths(result) : NULL;
    int same = row && row[0] && lengths[0] == length && memcmp(row[0], data, length) == 0;
    printf("  same %d\n", same);
    while (row) row = mysql_fetch_row(result);
    mysql_free_result(result);
    free(data);
    return 0;
}

static void *kill_when_marked(void *id) {
    MYSQL *second = connect_as(account);
    char sql[200];
    for (int tries = 0; second && tries < 400; tries++) {
        mysql_query(second, "SELECT COUNT(*) FROM performance_schema.threads "
                            "WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'");
        MYSQL_RES *result = mysql_store_result(second);
        MYSQL_ROW row = mysql_fetch_row(result);
        int running = row && row[0][0] == '1';
        mysql_free_result(result);
        if (running) break;
        usleep(20000);
    }
    snprintf(sql, sizeof sql, "KILL QUERY %lu", *(unsigned long *)id);
    if (second && mysql_query(second, sql)) printf("  kill: %s\n", mysql_error(second));
    if (second) mysql_close(second);
    return NULL;
}

static int kill_query(Word sql) {
    unsigned long id = mysql_thread_id(db);
    pthread_t killer;
    pthread_create(&killer, NULL, kill_when_marked, &id);
    int failed = query(sql);
    pthread_join(killer, NULL);
    return failed;
}

static void load_local(Word file, Word sql) {
    char full[1000], *place = strstr(sql.bytes, "%s");
    int length = snprintf(full, sizeof full, "%.*s%s%s", (int)(place - sql.bytes), sql.bytes,
                          file.bytes, place + 2);
    query((Word){full, (unsigned long)length});
}

static void step(const char *operation, Word *words, unsigned count) {
    if (!strcmp(operation, "connect")) {
        disconnect();
        for (int i = 0; i < 4; i++) free(account[i]), account[i] = strdup(words[i].bytes);
        if ((db = connect_as(account))) printf("  connected\n"), show_trackers();
    } else if (!strcmp(operation, "behaviour") || !strcmp(operation, "close")) {
        disconnect();
    } else if (!db) {
        printf("  no connection\n");
    } else if (!strcmp(operation, "info")) {
        printf("  %s %lu %s %u\n", mysql_get_server_info(db), mysql_get_server_version(db),
               mysql_character_set_name(db), mysql_get_proto_info(db));
    } else if (!strcmp(operation, "query")) {
        query(words[0]);
    } else if (!strcmp(operation, "prepare")) {
        prepare(words[0]);
    } else if (!strcmp(operation, "execute")) {
        execute(words, count);
    } else if (!strcmp(operation, "fetch")) {
        fetch(words[0].bytes, words[1]);
    } else if (!strcmp(operation, "blob")) {
        blob(words[0].bytes, words[1].bytes);
    } else if (!strcmp(operation, "load_local")) {
        load_local(words[0], words[1]);
    } else if (!strcmp(operation, "begin")) {
        query((Word){"BEGIN", 5});
    } else if (!strcmp(operation, "commit")) {
        mysql_commit(db) ? show_error() : 0;
    } else if (!strcmp(operation, "rollback")) {
        mysql_rollback(db) ? show_error() : 0;
    } else if (!strcmp(operation, "ping")) {
        printf("  %d\n", mysql_ping(db));
    } else if (!strcmp(operation, "use")) {
        mysql_select_db(db, words[0].bytes) ? show_error() : printf("  used\n");
    } else if (!strcmp(operation, "statistics")) {
        printf("  %s\n", mysql_stat(db));
    } else if (!strcmp(operation, "reset")) {
        mysql_reset_connection(db) ? show_error() : printf("  reset\n");
    } else if (!strcmp(operation, "change_user")) {
        if (mysql_change_user(db, words[0].bytes, words[1].bytes, words[2].bytes)) show_error();
        else printf("  changed\n");
    } else if (!strcmp(operation, "kill_query")) {
        kill_query(words[0]);
    } else {
        printf("  not offered\n");
    }
}

static unsigned long unescape(char *word) {
    char *to = word;
    for (char *from = word; *from; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        switch (*++from) {
        case 't': *to++ = '\t'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case '0': *to++ = '\0'; break;
        default: *to++ = *from;
        }
    }
    *to = '\0';
    return (unsigned long)(to - word);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    FILE *lines = fopen(argv[1], "r");
    if (!lines) return 2;
    host = argv[2], port = (unsigned)atoi(argv[3]), tls = argv[4];
    setvbuf(stdout, NULL, _IOLBF, 0);
    char *line = NULL;
    size_t size = 0;
    for (int number = 1; getline(&line, &size, lines) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        printf("%d %.100s\n", number, line);
        Word words[WORDS_MAX];
        unsigned count = 0;
        for (char *rest = line, *word; (word = strsep(&rest, "\t")) && count < WORDS_MAX; count++)
            words[count] = (Word){word, 0};
        for (unsigned i = 0; i < count; i++) words[i].length = unescape(words[i].bytes);
        step(words[0].bytes, words + 1, count - 1);
    }
    disconnect();
    free(line);
    fclose(lines);
    return 0;
}
