import type { Session } from "../../src/db/store";

/** The same session, and how many statements hot queries ran on it. */
export function counting(session: Session): { counted: Session; statements(): number } {
  const { t, q, dialect } = session;
  let statements = 0;
  const run: Session["run"] = (plan, values) => (statements++, session.run(plan, values));
  return { counted: { t, q, dialect, run }, statements: () => statements };
}
