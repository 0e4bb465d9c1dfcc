import { now } from "../../clock";
import type { Key } from "../../config";
import { isKey, settingOf } from "../../config/table";
import { DbError } from "../../db/errors";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Invalid, NotFound } from "../../errors";
import { assertCurrent, type IfMatch } from "../../events/current";
import { record } from "../../events/record";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import { neverStored, type LiveSettings } from "./live";
import type { SettingView } from "./schema";
import { allSettings, insertSetting, settingByKey, updateSetting, type SettingRow } from "./store";

/** Changing settings while the server runs. */
export class SettingService {
  constructor(
    private readonly store: Store,
    private readonly live: LiveSettings,
    /** Called after the commit: what other instances know of the settings is no longer true. */
    private readonly announce: () => void,
  ) {}

  /** Reads what is stored, on the start and whenever it may have changed elsewhere. */
  load = async (): Promise<void> => {
    this.live.take(await allSettings.all(this.store.read, {}));
  };

  /** Every setting that may be changed. */
  async list(): Promise<SettingView[]> {
    await this.load();
    return this.live.list();
  }

  /**
   * Stores a value, or takes back what is stored (`null`). It counts at once; what changes nothing leaves no trace.
   * @throws NotFound when nobody may change such a setting
   * @throws Conflict when a variable or a flag says what it is
   * @throws Invalid with what is allowed, Stale when `ifMatch` names an older version
   */
  async change(actor: Actor, name: string, given: unknown, ifMatch: IfMatch): Promise<SettingView> {
    if (!isKey(name) || !settingOf(name).changeable) throw new NotFound("setting");
    const lock = this.live.lockOf(name);
    if (lock !== undefined) throw locked(lock);
    const value = given === null ? null : { value: acceptable(name, given) };
    const row = await this.#first(() =>
      write(this.store, actor, (session) => put(session, actor, name, value, ifMatch)),
    );
    if (row) {
      this.live.take([row]);
      this.announce();
    }
    return this.live.view(name);
  }

  /** Of two who store something for the first time at once, the second goes over the first one's. */
  async #first<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DbError && error.kind === "unique") return work();
      throw error;
    }
  }
}

/** `undefined` when there is nothing to do. */
async function put(
  session: Session,
  actor: Actor,
  key: Key,
  value: SettingRow["value"],
  ifMatch: IfMatch,
): Promise<SettingRow | undefined> {
  const found = await settingByKey.first(session, { key });
  const at = now();
  const before: SettingRow = found ?? {
    ...{ id: newId(), key, value: null, updated_by: null },
    ...{ created_at: at, updated_at: at, version: neverStored },
  };
  await assertCurrent(session, "setting", before, ifMatch);
  if (Bun.deepEquals(before.value, value)) return found;
  const after = { ...before, value, updated_by: actor.userId, updated_at: at, version: before.version + 1 };
  await (found ? updateSetting : insertSetting).all(session, after);
  await record(session, actor, "setting.updated", recorded(before), recorded(after), at);
  return after;
}

/** Under its key, so that an event says which setting it tells of. */
const recorded = ({ id, version, key, value }: SettingRow) => ({ id, version, [key]: value?.value ?? null });

function acceptable(key: Key, given: unknown): unknown {
  const { type } = settingOf(key);
  const value = type.fromToml(given);
  if (value !== undefined) return value;
  throw new Invalid([{ field: "value", code: "invalid_value", message: `must be ${type.expects}` }]);
}

function locked(by: string): Conflict {
  const what = by.startsWith("--") ? "The flag" : "The environment variable";
  return new Conflict("setting_locked", `${what} ${by} says what this is: change it there.`, {
    locked_by: by,
  });
}
