// Parses argv, picks a command, runs it, ends with its status.

import { explain, pickCommand } from "./commands/mod.ts";

try {
  const { command, args } = await pickCommand(process.argv.slice(2));
  const { run } = await command.load();
  process.exit(await run(args));
} catch (error) {
  const { lines, status } = explain(error);
  for (const line of lines) console.error(`mysqlproxy: ${line}`);
  process.exit(status);
}
