import { undefuse } from "../../csv/formula";
import { byteOrderMark, cellOf, lineOf } from "../../csv/write";
import type { RowOf } from "../../db/rows";

type Problem = RowOf<"job_problems">;

/** Problems that are read at once. */
const page = 500;
const noId = "00000000-0000-0000-0000-000000000000";
const columns = ["line", "record_id", "field", "code", "message"] as const;

/**
 * What a job did not do as CSV: a line for each problem, with where it was and why, and behind that the row as the file had it.
 * Cells are as defused as the file had them, so that it can be mended and imported as it is.
 * @param headers what stood above the rows; none where the job read no file
 * @param read the problems after an id, in their order
 */
export async function* problemsCsv(
  headers: readonly string[],
  read: (after: string, limit: number) => Promise<Problem[]>,
): AsyncGenerator<string> {
  yield byteOrderMark + lineOf([...columns, ...headers.map(cellOf)]);
  for (let after = noId; ;) {
    const problems = await read(after, page);
    yield problems.map(textOf).join("");
    if (problems.length < page) return;
    after = problems.at(-1)!.id;
  }
}

function textOf(problem: Problem): string {
  const cells = columns.map((column) => (problem[column] === null ? "" : cellOf(String(problem[column]))));
  return lineOf([...cells, ...(problem.row ?? []).map((cell) => cellOf(undefuse(cell)))]);
}
