import { and, asc, eq } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertInto, insertManyInto } from "../../db/rows";

/** Adds a part of what a job works on. */
export const insertInput = insertInto("job_inputs");

/** Adds what a job left out. */
export const insertProblems = insertManyInto("job_problems");

/** One part of what a job works on. */
export const inputOf = hot(({ t: { job_inputs: inputs }, q }, p: Params<{ job_id: string; part: number }>) =>
  q
    .select({ bytes: inputs.bytes })
    .from(inputs)
    .where(and(eq(inputs.job_id, p.job_id), eq(inputs.part, p.part)))
    .orderBy(asc(inputs.part))
    .limit(1),
);
