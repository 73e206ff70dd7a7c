// Recordings: what is written is read again, whole or cut off, and nothing else is taken for one.

import { afterAll, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { modelAt } from "../../../tui/hooks/use_recording.ts";
import { placeIn, readRecording, Recorder } from "../../../tui/recording.ts";
import { scene } from "../../tui/scene.ts";

const folder = mkdtempSync(join(tmpdir(), "mp-recording-"));
afterAll(() => rmSync(folder, { recursive: true }));
const snapshots = scene(20, { sessions: 12 });

function recorded(name: string): string {
  const file = join(folder, name);
  const recorder = new Recorder(file);
  for (const snapshot of snapshots) recorder.write(snapshot);
  recorder.close();
  return file;
}

test("what was written is read again, gzipped too", () => {
  const file = recorded("whole");
  expect(readRecording(file)).toEqual([...snapshots]);
  writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
  expect(readRecording(`${file}.gz`)).toEqual([...snapshots]);
});

test("others may not read it: statements are in it", () => {
  expect(statSync(recorded("mode")).mode & 0o777).toBe(0o600);
});

test("a file that is there stays as it is, unless it is to be replaced, and until there is more", () => {
  const file = join(folder, "there");
  writeFileSync(file, "precious", { mode: 0o644 });
  expect(() => new Recorder(file)).toThrow("it exists; --overwrite replaces it");
  new Recorder(file, { overwrite: true }).close();
  expect(readFileSync(file, "utf8")).toBe("precious");
  const recorder = new Recorder(file, { overwrite: true });
  recorder.write(snapshots[0]!);
  recorder.close();
  expect(readRecording(file)).toHaveLength(1);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("nothing recorded leaves no file, and one that cannot be is refused at once", () => {
  const file = join(folder, "nothing");
  new Recorder(file).close();
  expect(existsSync(file)).toBe(false);
  expect(() => new Recorder(join(folder, "no", "folder"))).toThrow("ENOENT");
});

test("tables that have not changed are not written again", () => {
  const lines = readFileSync(recorded("same"), "utf8").split("\n");
  expect(lines[2]).toContain('"same":[');
  expect(lines[2]!.length).toBeLessThan(lines[1]!.length);
});

test("a line that is cut off is left out, one in the middle is an error", () => {
  const file = recorded("cut");
  appendFileSync(file, '{"at":17642520');
  expect(readRecording(file)).toHaveLength(snapshots.length);
  appendFileSync(file, "\n{}\n");
  expect(() => readRecording(file)).toThrow(`${file}: line 23 is not of a recording`);
});

test("a compressed one that is cut off is shown as far as it goes", () => {
  const file = recorded("zipped");
  const zipped = gzipSync(readFileSync(file));
  const lengths = [0.3, 0.6, 0.9, 1].map((part) => {
    writeFileSync(`${file}.gz`, zipped.subarray(0, Math.floor(part * zipped.length)));
    const found = readRecording(`${file}.gz`);
    expect(found).toEqual(snapshots.slice(0, found.length));
    return found.length;
  });
  expect(lengths[0]).toBeGreaterThan(0);
  expect(lengths).toEqual(lengths.toSorted((one, other) => one - other));
  expect(lengths[3]).toBe(snapshots.length);
});

test("other files are refused by name", () => {
  const file = join(folder, "other");
  for (const text of ["", "hello\n", "null\n", '{"recording":"else"}\n']) {
    writeFileSync(file, text);
    expect(() => readRecording(file)).toThrow(`${file}: is not a recording of mysqlproxy top`);
  }
  writeFileSync(file, '{"recording":"mysqlproxy top","version":2}\n');
  expect(() => readRecording(file)).toThrow("is a recording of version 2, this program reads 1");
  writeFileSync(file, '{"recording":"mysqlproxy top","version":1}\n');
  expect(() => readRecording(file)).toThrow("nothing was recorded");
});

test("a place is a number or a time of day", () => {
  const time = new Date(snapshots[7]!.atMs).toTimeString().slice(0, 8);
  expect(placeIn(snapshots, time)).toBe(7);
  expect(placeIn(snapshots, "3")).toBe(2);
  expect(placeIn(snapshots, "9999")).toBe(20);
  for (const no of ["tea time", "99:99:99", "25:99", "24:00", "12:60", "1:00", "-1"]) {
    expect([no, placeIn(snapshots, no)]).toEqual([no, undefined]);
  }
});

test("going back gives the same numbers as having been there", () => {
  const forward = modelAt(snapshots, 12);
  modelAt(snapshots, 20);
  expect(modelAt(snapshots, 12).samples).toEqual(forward.samples);
  expect(forward.samples).toHaveLength(13);
});
