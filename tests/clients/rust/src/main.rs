//! Runs behaviours with mysql_async; see ../../README.md.

use futures_util::stream::StreamExt;
use mysql_async::{prelude::*, *};
use std::time::Duration;

const SHOWN_ROWS: usize = 50;
const SHOWN_CHARACTERS: usize = 200;

struct Client {
    host: String,
    port: u16,
    tls: bool,
    connection: Option<Conn>,
    statement: Option<Statement>,
    account: Vec<String>,
}

fn say(text: impl std::fmt::Display) {
    println!("  {text}");
}

fn shown(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => text,
        Some(_) => format!("{}... {}", text.chars().take(60).collect::<String>(), text.len()),
    }
}

fn unescape(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                other => other.unwrap_or('\\'),
            },
            plain => plain,
        });
    }
    text
}

fn bound(word: &str) -> Value {
    let rest = &word[1..];
    match &word[..1] {
        "i" => Value::Int(rest.parse().unwrap()),
        "u" => Value::UInt(rest.parse().unwrap()),
        "f" => Value::Double(rest.parse().unwrap()),
        "s" => Value::Bytes(rest.into()),
        "x" => Value::Bytes(
            (0..rest.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&rest[at..at + 2], 16).unwrap())
                .collect(),
        ),
        _ => Value::NULL,
    }
}

fn show_rows(rows: &[Row]) {
    let mut characters = 0;
    for (at, row) in rows.iter().enumerate() {
        let values: Vec<String> = (0..row.len()).map(|i| shown(row.as_ref(i).unwrap())).collect();
        let text = values.join(", ");
        characters += text.len();
        if rows.len() <= SHOWN_ROWS || at < 3 {
            say(format!("row {text}"));
        }
    }
    say(format!("{} rows, {characters} characters", rows.len()));
}

async fn show_results<'a, 't: 'a, P: Protocol>(
    mut result: QueryResult<'a, 't, P>,
) -> Result<()> {
    loop {
        for column in result.columns_ref() {
            say(format!(
                "column {} {:?} {:?} {} {} {}",
                column.name_str(),
                column.column_type(),
                column.flags(),
                column.character_set(),
                column.column_length(),
                column.table_str(),
            ));
        }
        let rows: Vec<Row> = result.collect().await?;
        show_rows(&rows);
        say(format!(
            "affected {} id {:?} warnings {} info {}",
            result.affected_rows(),
            result.last_insert_id(),
            result.warnings(),
            result.info()
        ));
        if result.is_empty() {
            return Ok(());
        }
    }
}

impl Client {
    async fn connect(&self, words: &[String]) -> Result<Conn> {
        let asked: Vec<&str> = words[3].split(',').collect();
        let mut options = OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(&words[0]))
            .pass(Some(&words[1]).filter(|password| !password.is_empty()))
            .db_name(Some(&words[2]).filter(|name| !name.is_empty()))
            .client_found_rows(asked.contains(&"found_rows"))
            .max_allowed_packet(Some(64 << 20))
            // The server's own unix socket would take us past a proxy.
            .prefer_socket(false);
        if asked.contains(&"compress") {
            options = options.compression(Compression::fast());
        }
        if asked.contains(&"gbk") {
            options = options.setup(vec!["SET NAMES gbk"]);
        }
        if asked.contains(&"local") {
            options = options.local_infile_handler(Some(
                WhiteListFsHandler::new(infiles()),
            ));
        }
        if self.tls {
            options = options.ssl_opts(
                SslOpts::default()
                    .with_danger_accept_invalid_certs(true)
                    .with_danger_skip_domain_validation(true),
            );
        }
        Conn::new(options).await
    }

    async fn blob(&mut self, id: &str, size: &str) -> Result<()> {
        let data: Vec<u8> = (0..size.parse::<usize>().unwrap()).map(|at| at as u8).collect();
        let connection = self.connection.as_mut().unwrap();
        connection.exec_drop("INSERT INTO blobs VALUES (?, ?)", (id, &data)).await?;
        say(format!("inserted {}", connection.affected_rows()));
        let back: Option<Vec<u8>> =
            connection.exec_first("SELECT b FROM blobs WHERE id = ?", (id,)).await?;
        say(format!("same {}", back.as_ref() == Some(&data)));
        Ok(())
    }

    async fn kill_query(&mut self, sql: &str) -> Result<()> {
        let mut second = self.connect(&self.account).await?;
        let connection = self.connection.as_mut().unwrap();
        let kill = format!("KILL QUERY {}", connection.id());
        let killer = async move {
            for _ in 0..400 {
                let running: Option<u64> = second
                    .query_first(
                        "SELECT COUNT(*) FROM performance_schema.threads \
                         WHERE processlist_db = DATABASE() AND processlist_state = 'User sleep'",
                    )
                    .await?;
                if running == Some(1) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            second.query_drop(kill).await?;
            second.disconnect().await
        };
        let killed = async { show_results(connection.query_iter(sql).await?).await };
        let (killed, killer) = tokio::join!(killed, killer);
        killer?;
        killed
    }

    async fn step(&mut self, operation: &str, words: &[String]) -> Result<()> {
        if matches!(operation, "connect" | "behaviour" | "close") {
            self.statement = None;
            if let Some(connection) = self.connection.take() {
                // After a refused change of user the server is gone, sooner or later.
                let _ = connection.disconnect().await;
            }
            if operation == "connect" {
                self.account = words.to_vec();
                self.connection = Some(self.connect(words).await?);
                say("connected");
            }
            return Ok(());
        }
        if operation == "blob" && self.connection.is_some() {
            return self.blob(&words[0], &words[1]).await;
        }
        if operation == "kill_query" && self.connection.is_some() {
            return self.kill_query(&words[0]).await;
        }
        let Some(connection) = self.connection.as_mut() else {
            say("no connection");
            return Ok(());
        };
        match operation {
            "info" => say(format!("{:?}", connection.server_version())),
            "query" => show_results(connection.query_iter(&words[0]).await?).await?,
            "load_local" => {
                let sql = words[1].replace("%s", &words[0]);
                show_results(connection.query_iter(sql).await?).await?;
            }
            "prepare" => {
                self.statement = None;
                let statement = connection.prep(&words[0]).await?;
                say(format!("parameters {}", statement.num_params()));
                for column in statement.columns().iter() {
                    say(format!("column {} {:?}", column.name_str(), column.column_type()));
                }
                self.statement = Some(statement);
            }
            "execute" => match &self.statement {
                None => say("no statement"),
                Some(statement) => {
                    let values: Vec<Value> = words.iter().map(|word| bound(word)).collect();
                    let values =
                        if values.is_empty() { Params::Empty } else { Params::Positional(values) };
                    show_results(connection.exec_iter(statement, values).await?).await?;
                }
            },
            "fetch" => {
                let mut stream = connection.query_stream::<Row, _>(&words[1]).await?;
                let mut rows = Vec::new();
                while let Some(row) = stream.next().await {
                    rows.push(row?);
                }
                show_rows(&rows);
            }
            "begin" => connection.query_drop("START TRANSACTION").await?,
            "commit" => connection.query_drop("COMMIT").await?,
            "rollback" => connection.query_drop("ROLLBACK").await?,
            "ping" => connection.ping().await?,
            "reset" => {
                self.statement = None;
                say(connection.reset().await?);
            }
            "change_user" => {
                self.statement = None;
                let options = ChangeUserOpts::new()
                    .with_user(Some(words[0].clone()))
                    .with_pass(Some(words[1].clone()))
                    .with_db_name(Some(words[2].clone()));
                connection.change_user(options).await?;
            }
            _ => say("not offered"),
        }
        Ok(())
    }
}

/// The files that the script names for loading.
fn infiles() -> Vec<String> {
    let script = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(script).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("load_local\t"))
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let script = std::fs::read_to_string(&arguments[1]).unwrap();
    let mut client = Client {
        host: arguments[2].clone(),
        port: arguments[3].parse().unwrap(),
        tls: arguments[4] == "1",
        connection: None,
        statement: None,
        account: Vec::new(),
    };
    for (at, line) in script.lines().enumerate() {
        let words: Vec<String> = line.split('\t').map(unescape).collect();
        println!("{} {} {}", at + 1, words[0], shown(&&words[1..]));
        if let Err(error) = client.step(&words[0], &words[1..]).await {
            say(format!("error {error}"));
        }
    }
    let _ = client.step("close", &[]).await;
}
