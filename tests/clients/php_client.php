<?php
// Runs behaviours with mysqli or PDO; see README.md. Variants: mysqli, pdo_native, pdo_emulated.

declare(strict_types=1);

[, $driver, $script, $host, $port, $tls] = $argv;
const SHOWN_ROWS = 50;
const SHOWN_CHARACTERS = 200;
ini_set('memory_limit', '1G');
ini_set('error_log', '/dev/stdout');
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
set_error_handler(function (int $level, string $text): bool {
    say('notice', $text);
    return true;
});

function say(mixed ...$words): void
{
    echo '  ', implode(' ', array_map(fn($word) => is_string($word) ? $word : shown($word), $words)), "\n";
}

function shown(mixed $value): string
{
    $text = is_string($value) ? "'" . addcslashes($value, "\0..\37\\'\177..\377") . "'"
        : (is_array($value) ? json_encode($value, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION)
        : var_export($value, true));
    return strlen($text) <= SHOWN_CHARACTERS ? $text : substr($text, 0, 60) . '... ' . strlen($text);
}

function unescape(string $word): string
{
    return strtr($word, ['\\\\' => '\\', '\t' => "\t", '\n' => "\n", '\r' => "\r", '\0' => "\0"]);
}

/** @return mixed a value for binding; unsigned integers too large for PHP stay text */
function bound(string $word): mixed
{
    $rest = substr($word, 1);
    return match ($word[0]) {
        'n' => null,
        'i' => (int) $rest,
        'u', 's' => $rest,
        'f' => (float) $rest,
        'x' => (string) hex2bin($rest),
    };
}

function show_rows(iterable $rows): void
{
    $count = 0;
    $characters = 0;
    $held = [];
    foreach ($rows as $row) {
        $text = 'row ' . implode(', ', array_map('shown', array_values($row)));
        $characters += strlen($text);
        if (++$count <= SHOWN_ROWS) {
            $held[] = $text;
        }
    }
    foreach ($count <= SHOWN_ROWS ? $held : array_slice($held, 0, 3) as $text) {
        say($text);
    }
    say("$count rows, $characters characters");
}

function pattern(int $size): string
{
    $bytes = implode('', array_map('chr', range(0, 255)));
    return substr(str_repeat($bytes, intdiv($size, 256) + 1), 0, $size);
}

final class MysqliClient
{
    private mysqli $connection;
    private ?mysqli_stmt $statement = null;
    private array $account;

    public function __construct(string ...$account)
    {
        global $host, $port, $tls;
        $this->account = $account;
        [$user, $password, $database, $options] = $account;
        $asked = explode(',', $options);
        $connection = mysqli_init();
        $connection->options(MYSQLI_OPT_LOCAL_INFILE, in_array('local', $asked) ? 1 : 0);
        $flags = in_array('found_rows', $asked) ? MYSQLI_CLIENT_FOUND_ROWS : 0;
        $flags |= in_array('compress', $asked) ? MYSQLI_CLIENT_COMPRESS : 0;
        if ($tls === '1') {
            $connection->ssl_set(null, null, null, null, null);
            $flags |= MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT;
        }
        $connection->real_connect($host, $user, $password, $database ?: null, (int) $port, null, $flags);
        $this->connection = $connection;
        $connection->set_charset(in_array('gbk', $asked) ? 'gbk' : 'utf8mb4');
    }

    private function show(mysqli_result|bool $result): void
    {
        if ($result instanceof mysqli_result) {
            foreach ($result->fetch_fields() as $field) {
                unset($field->max_length);
                say('column', (array) $field);
            }
            show_rows((fn() => yield from $result->fetch_all())());
        }
        $c = $this->connection;
        say("affected $c->affected_rows, id $c->insert_id, warnings $c->warning_count, info $c->info, $c->sqlstate");
    }

    public function info(): void
    {
        $c = $this->connection;
        say($c->server_info, $c->server_version, $c->protocol_version, $c->character_set_name(), (array) $c->get_charset());
    }

    public function query(string $sql): void
    {
        $this->connection->multi_query($sql);
        while (true) {
            $this->show($this->connection->store_result());
            if (!$this->connection->more_results()) {
                break;
            }
            $this->connection->next_result();
        }
    }

    public function prepare(string $sql): void
    {
        $this->statement = null;
        $this->statement = $this->connection->prepare($sql);
        say("parameters {$this->statement->param_count}, fields {$this->statement->field_count}");
    }

    public function execute(string ...$words): void
    {
        if ($this->statement === null) {
            say('no statement');
            return;
        }
        $statement = $this->statement;
        $values = array_map('bound', $words);
        if ($values) {
            $types = implode('', array_map(fn($word) => match ($word[0]) {
                'i' => 'i', 'f' => 'd', default => 's',
            }, $words));
            $statement->bind_param($types, ...$values);
        }
        $statement->execute();
        do {
            $result = $statement->get_result();
            if ($result) {
                foreach ($result->fetch_fields() as $field) {
                    unset($field->max_length);
                    say('column', (array) $field);
                }
                show_rows($result->fetch_all());
            }
            say("affected $statement->affected_rows, id $statement->insert_id, $statement->sqlstate");
        } while ($statement->more_results() && $statement->next_result());
    }

    public function fetch(string $size, string $sql): void
    {
        $statement = $this->connection->prepare($sql);
        $statement->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
        $statement->execute();
        $rows = [];
        $result = $statement->get_result();
        while ($row = $result->fetch_row()) {
            $rows[] = $row;
        }
        show_rows($rows);
        $statement->close();
    }

    public function blob(string $id, string $size): void
    {
        $data = pattern((int) $size);
        $statement = $this->connection->prepare('INSERT INTO blobs VALUES (?, ?)');
        $number = (int) $id;
        $nothing = null;
        $statement->bind_param('ib', $number, $nothing);
        foreach (str_split($data, 1 << 20) as $chunk) {
            $statement->send_long_data(1, $chunk);
        }
        $statement->execute();
        say("inserted $statement->affected_rows");
        $back = $this->connection->query("SELECT b FROM blobs WHERE id = $id")->fetch_row()[0] ?? '';
        say('same', $back === $data, strlen($back));
    }

    public function load_local(string $file, string $sql): void
    {
        $this->query(str_replace('%s', $file, $sql));
    }

    public function begin(): void { $this->connection->begin_transaction(); }
    public function commit(): void { $this->connection->commit(); }
    public function rollback(): void { $this->connection->rollback(); }
    public function use(string $name): void { $this->connection->select_db($name); }
    public function statistics(): void { say($this->connection->stat()); }

    public function ping(): void
    {
        say(@$this->connection->ping());
    }

    public function change_user(string $user, string $password, string $database): void
    {
        $this->connection->change_user($user, $password, $database);
    }

    public function kill_query(string $sql): void
    {
        $this->connection->query($sql, MYSQLI_ASYNC);
        $second = new MysqliClient(...$this->account);
        $running = "SELECT COUNT(*) FROM performance_schema.threads WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'";
        for ($tries = 0; $tries < 400 && $second->connection->query($running)->fetch_row()[0] != 1; $tries++) {
            usleep(20000);
        }
        $second->connection->query("KILL QUERY {$this->connection->thread_id}");
        $second->close();
        show_rows($this->connection->reap_async_query()->fetch_all());
    }

    public function close(): void
    {
        $this->connection->close();
    }
}

final class PdoClient
{
    private ?PDO $connection;
    private ?PDOStatement $statement = null;
    private bool $native;

    public function __construct(string $user, string $password, string $database, string $options)
    {
        global $host, $port, $tls, $driver;
        $asked = explode(',', $options);
        $this->native = $driver === 'pdo_native';
        $charset = in_array('gbk', $asked) ? 'gbk' : 'utf8mb4';
        $settings = [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_EMULATE_PREPARES => !$this->native,
            PDO::MYSQL_ATTR_FOUND_ROWS => in_array('found_rows', $asked),
            PDO::MYSQL_ATTR_LOCAL_INFILE => in_array('local', $asked),
            PDO::MYSQL_ATTR_COMPRESS => in_array('compress', $asked),
            PDO::MYSQL_ATTR_MULTI_STATEMENTS => in_array('multi', $asked),
        ];
        if ($tls === '1') {
            $settings[PDO::MYSQL_ATTR_SSL_CIPHER] = 'DEFAULT';
            $settings[PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT] = false;
        }
        $this->connection = new PDO("mysql:host=$host;port=$port;dbname=$database;charset=$charset", $user, $password, $settings);
    }

    private function show(PDOStatement $statement): void
    {
        do {
            for ($i = 0; $i < $statement->columnCount(); $i++) {
                $column = $statement->getColumnMeta($i);
                say('column', $column === false ? false : $column);
            }
            if ($statement->columnCount() > 0) {
                show_rows($statement->fetchAll(PDO::FETCH_NUM));
            }
            say('affected', $statement->rowCount(), 'id', $this->connection->lastInsertId());
        } while ($statement->nextRowset());
    }

    public function info(): void
    {
        $c = $this->connection;
        say($c->getAttribute(PDO::ATTR_SERVER_VERSION), $c->getAttribute(PDO::ATTR_CLIENT_VERSION));
    }

    public function query(string $sql): void
    {
        $this->show($this->connection->query($sql));
    }

    public function prepare(string $sql): void
    {
        $this->statement = null;
        $this->statement = $this->connection->prepare($sql);
    }

    public function execute(string ...$words): void
    {
        if ($this->statement === null) {
            say('no statement');
            return;
        }
        foreach ($words as $at => $word) {
            $type = match ($word[0]) {
                'i' => PDO::PARAM_INT,
                'n' => PDO::PARAM_NULL,
                'x' => PDO::PARAM_LOB,
                default => PDO::PARAM_STR,
            };
            $this->statement->bindValue($at + 1, bound($word), $type);
        }
        $this->statement->execute();
        $this->show($this->statement);
    }

    public function fetch(string $size, string $sql): void
    {
        $this->connection->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
        try {
            show_rows((function () use ($sql) {
                $statement = $this->connection->query($sql);
                while ($row = $statement->fetch(PDO::FETCH_NUM)) {
                    yield $row;
                }
            })());
        } finally {
            $this->connection->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, true);
        }
    }

    public function blob(string $id, string $size): void
    {
        $data = pattern((int) $size);
        $statement = $this->connection->prepare('INSERT INTO blobs VALUES (?, ?)');
        $statement->bindValue(1, (int) $id, PDO::PARAM_INT);
        $statement->bindValue(2, $data, PDO::PARAM_LOB);
        $statement->execute();
        say('inserted', $statement->rowCount());
        $back = $this->connection->query("SELECT b FROM blobs WHERE id = $id")->fetch(PDO::FETCH_NUM)[0];
        say('same', $back === $data, strlen($back));
    }

    public function load_local(string $file, string $sql): void
    {
        say('affected', $this->connection->exec(str_replace('%s', $file, $sql)));
    }

    public function begin(): void { $this->connection->beginTransaction(); }
    public function commit(): void { $this->connection->commit(); }
    public function rollback(): void { $this->connection->rollBack(); }
    public function statistics(): void { say($this->connection->getAttribute(PDO::ATTR_SERVER_INFO)); }

    public function close(): void
    {
        $this->statement = null;
        $this->connection = null;
    }
}

$client = null;
$number = 0;
foreach (explode("\n", rtrim(file_get_contents($script), "\n")) as $line) {
    $words = array_map('unescape', explode("\t", $line));
    $operation = array_shift($words);
    echo ++$number, " $operation ", shown($words), "\n";
    try {
        if ($operation === 'behaviour' || $operation === 'close') {
            $client?->close();
            $client = null;
        } elseif ($operation === 'connect') {
            $client?->close();
            $client = null;
            $client = $driver === 'mysqli' ? new MysqliClient(...$words) : new PdoClient(...$words);
            say('connected');
        } elseif ($client === null) {
            say('no connection');
        } elseif (method_exists($client, $operation)) {
            $client->$operation(...$words);
        } else {
            say('not offered');
        }
    } catch (mysqli_sql_exception $error) {
        say('error', $error->getCode(), $error->getSqlState(), $error->getMessage());
    } catch (ValueError $error) {
        say('refused by PHP', $error->getMessage());
    } catch (PDOException $error) {
        say('error', $error->getCode(), $error->errorInfo, $error->getMessage());
    }
}
