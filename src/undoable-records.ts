import type { Session } from "./db/store";
import { recordPurged } from "./events/purged";
import type { Recorded } from "./events/record";
import { actionOf } from "./events/types";
import { changedByOthers } from "./events/changed-fields";
import { revived, type RebuiltTable } from "./db/rebuild";
import { removeManyFrom, type RowOf } from "./db/rows";
import type { Actor } from "./policy";
import { left, takenBy, type Left } from "./left-out";
import type { RecordRow } from "./record-kind";
import { RecordService } from "./records";

/** An event, as far as it takes to take back what it tells. */
export type Undone = Pick<RowOf<"events">, "type" | "entity_id" | "version" | "changes">;

/** Whose events do not count as somebody's change since: those of the job that is undone, and of the one that undoes it. */
export interface Undoing {
  jobs: readonly string[];
  /** Those of some records (a JSON array of ids) to which something else points, so that they cannot go. */
  inUse?: (session: Session, ids: string) => Promise<ReadonlySet<string>>;
}

/** Records of which what was done to many can be taken back, as their events tell it. */
export abstract class UndoableRecordService<
  Row extends RecordRow,
  View extends Recorded,
  Input,
  Patch,
> extends RecordService<Row, View, Input, Patch> {
  /**
   * Takes back what events tell, one after the other, within a transaction: what they added is removed for good, what they
   * deleted is there again, and each field that they changed has its value of before. What somebody changed since stays.
   * @returns for each of them what stays, and why
   */
  undoIn = async (
    session: Session,
    actor: Actor,
    events: readonly Undone[],
    undoing: Undoing,
  ): Promise<Left[][]> => {
    const lefts: Left[][] = [];
    while (lefts.length < events.length) {
      const others = events.slice(lefts.length);
      const end = others.findIndex(({ type }) => actionOf(type) !== "created");
      const creations = end < 0 ? others : others.slice(0, end);
      if (creations.length > 0)
        lefts.push(...(await this.#undoCreations(session, actor, creations, undoing)));
      else lefts.push(await this.#undoOne(session, actor, others[0]!));
    }
    return lefts;
  };

  async #undoOne(session: Session, actor: Actor, event: Undone): Promise<Left[]> {
    const row = await this.kind.find(session, event.entity_id);
    if (!row) return [];
    const action = actionOf(event.type);
    const may = action === "updated" ? this.policy.mayChange(actor, row) : this.policy.mayDelete(actor, row);
    if (!may) return [this.#mayNotUndo()];
    if (action === "deleted") return this.#undoDeletion(session, actor, row);
    return action === "updated" ? this.#undoChange(session, actor, event, row) : [];
  }

  /** What was added goes for good, all of it at once. */
  async #undoCreations(
    session: Session,
    actor: Actor,
    events: readonly Undone[],
    { jobs, inUse }: Undoing,
  ): Promise<Left[][]> {
    const { name, resource } = this.kind;
    const ids = JSON.stringify(events.map(({ entity_id }) => entity_id));
    const rows = new Map((await this.kind.findMany(session, ids)).map((row) => [row.id, row]));
    const changed = await changedByOthers(session, name, events, jobs);
    const used = await inUse?.(session, ids);
    const going: Row[] = [];
    const lefts = events.map(({ entity_id: id }) => {
      const row = rows.get(id);
      if (!row) return [];
      if (!this.policy.mayDelete(actor, row)) return [this.#mayNotUndo()];
      const since = changed.get(id);
      if (since) return [editedSince(since)];
      if (used?.has(id)) return [left("in_use", "Other records point to it by now.")];
      going.push(row);
      return [];
    });
    if (going.length === 0) return lefts;
    await recordPurged(session, actor, name, going);
    // What can be rebuilt from events can be removed: their tables have an id.
    const gone = JSON.stringify(going.map(({ id }) => id));
    await removeManyFrom(resource.fields.resource as RebuiltTable).all(session, { ids: gone });
    return lefts;
  }

  #mayNotUndo(): Left {
    return left("forbidden", `You may not take back what was done to this ${this.kind.name}.`);
  }

  async #undoDeletion(session: Session, actor: Actor, row: Row): Promise<Left[]> {
    if (row.deleted_at === null) return [];
    const change = { deleted_at: null } as Partial<Row>;
    const taken = await takenBy(session, this.kind, { ...row, ...change });
    if (taken) return [taken];
    await this.updateAlone(session, actor, "restored", row, change);
    return [];
  }

  async #undoChange(session: Session, actor: Actor, event: Undone, row: Row): Promise<Left[]> {
    const view = this.kind.present(row);
    const kept: Left[] = [];
    const before: Record<string, unknown> = {};
    for (const [field, [was, became]] of Object.entries(event.changes)) {
      if (Bun.deepEquals(view[field] ?? null, became)) before[field] = was;
      else kept.push(left("edited_since", "It was changed since.", field));
    }
    const fields = Object.keys(before);
    if (fields.length === 0) return kept;
    const then = revived(this.kind.resource.fields.resource as RebuiltTable, before);
    const change = Object.fromEntries(
      fields.map((field) => [field, (then as Record<string, unknown>)[field]]),
    ) as Partial<Row>;
    const taken =
      row.deleted_at === null && (await takenBy(session, this.kind, { ...row, ...change }, fields));
    if (taken) return [...kept, taken];
    await this.updateAlone(session, actor, "updated", row, change);
    return kept;
  }
}

const editedSince = (fields: readonly string[]): Left =>
  left(
    "edited_since",
    `It was changed since it was added${fields.length > 0 ? `: ${fields.join(", ")}` : ""}.`,
  );
