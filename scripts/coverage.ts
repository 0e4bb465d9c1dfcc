/**
 * Says how much of `src` the tests run, and fails below what is wanted.
 *
 *   bun scripts/coverage.ts [coverage/lcov.info]
 *
 * Bun reports only files that a test loads; here a file that none loads counts with every line it has.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "..");

/** The least share of lines that tests have to run, in per cent. */
const wanted = 90;

interface FileCoverage {
  file: string;
  /** Lines with something to run. */
  lines: number;
  hit: number;
}

/** The coverage of every source file, from an lcov report; what the report lacks counts as never run. */
export function coverageOf(lcov: string): FileCoverage[] {
  const reported = new Map(recordsOf(lcov).map((record) => [record.file, record]));
  return sourceFiles().map((file) => reported.get(file) ?? { file, lines: linesToRun(file), hit: 0 });
}

function recordsOf(lcov: string): FileCoverage[] {
  return lcov.split("end_of_record").flatMap((record) => {
    const file = /^SF:(.+)$/m.exec(record)?.[1];
    const hits = [...record.matchAll(/^DA:\d+,(\d+)/gm)].map(([, count]) => Number(count));
    return file ? [{ file, lines: hits.length, hit: hits.filter((count) => count > 0).length }] : [];
  });
}

const sourceFiles = () =>
  [...new Bun.Glob("src/**/*.ts").scanSync(root)].filter((file) => !file.endsWith(".d.ts")).toSorted();

const transpiler = new Bun.Transpiler({ loader: "ts", target: "bun" });

/** About as many lines as Bun would count: what is left without types and comments. Of types alone, none. */
function linesToRun(file: string): number {
  const code = transpiler.transformSync(readFileSync(join(root, file), "utf8"));
  return code.split("\n").filter((line) => /\w/.test(line) && !/^export \{\s*\};?$/.test(line)).length;
}

/** The share of lines that were run, in per cent; of no lines, all. */
const percent = ({ lines, hit }: { lines: number; hit: number }) => (lines === 0 ? 100 : (hit / lines) * 100);

const missed = ({ lines, hit }: FileCoverage) => lines - hit;

function sum(files: FileCoverage[]) {
  const lines = files.reduce((total, file) => total + file.lines, 0);
  return { lines, hit: files.reduce((total, file) => total + file.hit, 0) };
}

function worst(files: FileCoverage[]): string[] {
  return files
    .filter((file) => missed(file) > 0)
    .toSorted((a, b) => percent(a) - percent(b) || missed(b) - missed(a))
    .slice(0, 10)
    .map((file) => `${percent(file).toFixed(1).padStart(6)} %  ${file.file} (${missed(file)} lines not run)`);
}

/** Prints the files that the tests run least and the total. Says whether that is enough. */
export function reportCoverage(lcovFile: string): boolean {
  const files = coverageOf(readFileSync(lcovFile, "utf8"));
  const total = sum(files);
  for (const line of worst(files)) console.log(line);
  const isEnough = percent(total) >= wanted;
  console.log(
    `${percent(total).toFixed(2).padStart(6)} %  of all: ${total.hit} of ${total.lines} lines in ${files.length} files`,
  );
  if (!isEnough) console.log(`Too little of src is tested: at least ${wanted} % of its lines are wanted.`);
  return isEnough;
}

if (import.meta.main) {
  process.exitCode = reportCoverage(process.argv[2] ?? join(root, "coverage/lcov.info")) ? 0 : 1;
}
