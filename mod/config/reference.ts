// The documentation made from the schema: a commented file and the reference page.

import type { KeyDescription, SectionDescription } from "./keys.ts";
import { describeConfig } from "./keys.ts";

/** A configuration file with every key, its description and its default, as `config init` has it. */
export function configTemplate(): string {
  const lines = [
    "# Configuration of mysqlproxy. A key that is commented out shows its default.",
    '# Durations are written as in "500ms", "10s", "1h30m"; sizes as in "64MiB".',
    "",
  ];
  for (const section of describeConfig()) lines.push(...templateSection(section));
  return lines.join("\n").trimEnd() + "\n";
}

/** The reference page, in Markdown. */
export function configReference(): string {
  const lines = [
    "<!-- Made from mod/config/schema.ts by `just docs`; edit it there. -->",
    "",
    "# Configuration",
    "",
    "A value given as a flag of `mysqlproxy serve` wins over one from the environment, that over one",
    "from the file (`-c FILE`, or `MYSQLPROXY_CONFIG`), and that over the default. An environment",
    "variable that is empty counts as not set; one that holds a list separates it with commas.",
    "`mysqlproxy config init` prints a commented file, `mysqlproxy config check FILE` says what is",
    "wrong with one. An unknown key is an error.",
    "",
    'Durations are strings such as `"500ms"`, `"10s"` or `"1h30m"`, with the units d, h, m, s and ms.',
    'Sizes are strings such as `"64MiB"` with the units B, KiB, MiB and GiB, or numbers of bytes.',
    "Addresses are `host:port`, `[v6]:port` or `unix:/path`. Paths of files are relative to the",
    "directory the proxy is started in.",
    "",
  ];
  for (const section of describeConfig()) lines.push(...referenceSection(section));
  return lines.join("\n").trimEnd() + "\n";
}

function templateSection(section: SectionDescription): string[] {
  const lines: string[] = [];
  const comment = section.repeated ? "# " : "";
  if (section.name !== "") {
    lines.push(...wrapComment(section.doc), `${comment}${header(section)}`, "");
  }
  for (const key of section.keys) {
    lines.push(...wrapComment(`${key.doc} (${plain(key.accepts)})`));
    // The one key that has no default and must be given.
    if (key.path === "backends") lines.push('backends = ["127.0.0.1:3306"]', "");
    else lines.push(`# ${key.key} = ${key.defaultText}`, "");
  }
  return lines;
}

function referenceSection(section: SectionDescription): string[] {
  const lines = section.name === ""
    ? ["## Top of the file", ""]
    : [`## ${header(section)}`, "", section.doc, ""];
  for (const key of section.keys) {
    lines.push(`### \`${key.path}\``, "", key.doc, "", ...referenceRows(key), "");
  }
  return lines;
}

function referenceRows(key: KeyDescription): string[] {
  const rows = [`- Accepts: ${key.accepts}`, `- Default: \`${key.defaultText}\``];
  if (key.secret && key.repeated) rows[1] = "- Default: none";
  if (key.path === "backends") rows[1] = "- Default: none; must be given";
  if (key.flag !== undefined) rows.push(`- Flag: \`${key.flag.names} <${key.flag.value}>\``);
  if (key.variables.length > 0) {
    rows.push(`- Environment: ${key.variables.map((it) => `\`${it}\``).join(" or ")}`);
  }
  return rows;
}

function header({ name, repeated }: SectionDescription): string {
  return repeated ? `[[${name}]]` : `[${name}]`;
}

function plain(markdown: string): string {
  return markdown.replaceAll("`", "");
}

/** Comment lines of at most 100 columns. */
function wrapComment(doc: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of plain(doc).split(" ")) {
    if (line.length + 1 + word.length > 100) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
