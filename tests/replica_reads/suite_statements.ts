// The statements in a .test file of the servers' own test suites. The files are scripts of the
// suites' driver: its commands are left out, and so is what it would put in for variables.

/** The driver's own commands, which end as statements do. */
const COMMANDS = new Set(
  `append_file cat_file change_user character_set chmod chmod connect connection copy_file
  copy_files_wildcard dec diff_files die dirty_close disable_abort_on_error disable_async_client
  disable_connect_log disable_info disable_metadata disable_prepare_warnings disable_ps_protocol
  disable_query_log disable_reconnect disable_result_log disable_session_track_info
  disable_testcase disable_warnings disconnect echo enable_abort_on_error enable_connect_log
  enable_info enable_metadata enable_ps_protocol enable_query_log enable_reconnect
  enable_result_log enable_warnings end_timer error eval_result exec exec_in_background execw exit
  expr file_exists force-cpdir force-rmdir horizontal_results if inc let list_files
  list_files_append_file list_files_write_file lowercase_result mkdir move_file output partially_sorted_result
  perl ping query_get_value query_horizontal query_vertical real_sleep reap remove_file
  remove_files_wildcard replace_column replace_numeric_round replace_regex replace_result
  reset_connection result_format rmdir save_master_pos send_eval send_quit send_shutdown
  shutdown_server skip sleep sorted_result source start_timer sync_slave_with_master
  sync_with_master system vertical_results wait_for_slave_to_stop while write_file end`
    .split(/\s+/),
);
const PREFIX = /^(?:eval|send|query|query_horizontal|query_vertical)\s+/i;

/** The statements of a file, one character a byte, in their order. */
export function suiteStatements(text: string): string[] {
  const found: string[] = [];
  let delimiter = ";";
  let rest = "";
  for (const line of text.split("\n")) {
    if (rest === "") {
      const trimmed = line.trim();
      const [, next] = /^(?:--\s*)?delimiter\s+(\S+?);?$/i.exec(trimmed) ?? [];
      if (next !== undefined) {
        delimiter = next.length > delimiter.length && next.endsWith(delimiter)
          ? next.slice(0, -delimiter.length)
          : next;
        continue;
      }
      if (trimmed === "" || /^(?:#|--|[{}])/.test(trimmed)) continue;
      if (/^(?:if|while)\b/i.test(trimmed)) continue;
    }
    rest += rest === "" ? line : `\n${line}`;
    // A delimiter inside of a line ends a statement too, but for one in a string.
    for (let end = endOf(rest, delimiter); end >= 0; end = endOf(rest, delimiter)) {
      add(found, rest.slice(0, end));
      rest = rest.slice(end + delimiter.length).trimStart();
      if (rest.startsWith("#") || rest.startsWith("--")) rest = "";
    }
  }
  return found;
}

function endOf(text: string, delimiter: string): number {
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const each = text[at];
    if (quote !== "") {
      if (each === "\\" && quote !== "`") at++;
      else if (each === quote) quote = "";
    } else if (text.startsWith(delimiter, at)) return at;
    else if (each === "'" || each === '"' || each === "`") quote = each;
  }
  return -1;
}

function add(found: string[], text: string): void {
  const statement = text.trim().replace(PREFIX, "");
  const [word = ""] = /^[\w-]+/.exec(statement) ?? [];
  if (statement !== "" && !COMMANDS.has(word.toLowerCase())) found.push(statement);
}
