import { eq } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertInto, updateIn, type RowOf } from "../../db/rows";

/** What an admin stored for one setting; a `value` of `null` was taken back. */
export type SettingRow = RowOf<"settings">;

/** Everything that was ever stored. */
export const allSettings = hot(({ t, q }, _: Params<object>) => q.select().from(t.settings));

/** What was stored for one setting. */
export const settingByKey = hot(({ t: { settings }, q }, p: Params<{ key: string }>) =>
  q.select().from(settings).where(eq(settings.key, p.key)).limit(1),
);

/** Stores a value for the first time. Fails as `unique` when somebody else did at the same moment. */
export const insertSetting = insertInto("settings");

/** Stores another value, or takes it back. */
export const updateSetting = updateIn("settings", ["key", "created_at"]);
