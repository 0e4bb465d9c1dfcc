import type { Plan } from "../../../src/db/hot";
import type { Session, Store } from "../../../src/db/store";

/** A statement without placeholders. */
export const statement = (text: string): Plan => ({ text, bind: () => [] });

/** A session that has the engine explain every query before it runs: the plans, in the engine's own words. */
export function watched(store: Store): { session: Session; plans: string[] } {
  const plans: string[] = [];
  const { t, q, dialect } = store.read;
  const session: Session = {
    ...{ t, q, dialect },
    async run(plan, values) {
      const word = store.engine === "sqlite" ? "EXPLAIN QUERY PLAN" : "EXPLAIN";
      const explained = await store.read.run(statement(`${word} ${plan.text}`), values);
      plans.push(explained.map((row) => String(row.detail ?? row["QUERY PLAN"])).join("\n"));
      return store.read.run(plan, values);
    },
  };
  return { session, plans };
}
