import type { ListScope, Resource } from "./db/list";
import type { Session } from "./db/store";
import type { Rebuilt } from "./events/replay";
import type { Recorded, RecordName } from "./events/record";
import type { DeletedMode } from "./list";
import type { Searched } from "./search/document";
import type { Actor } from "./policy";
import type { UniqueFieldName } from "./problems";

/** The columns that every record has; instants in milliseconds since 1970. */
export interface RecordRow {
  id: string;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  version: number;
}

/** What a new record is made from: `Records` adds the columns that every record has. */
export type NewRecord<Row extends RecordRow> = Omit<Row, keyof RecordRow>;

/** Who may do what with records of one kind. */
export interface RecordPolicy<Row> {
  /** For a live record. */
  mayRead(actor: Actor, row: Row): boolean;
  mayChange(actor: Actor, row: Row): boolean;
  /** Whoever may delete a record may restore it. */
  mayDelete(actor: Actor, row: Row): boolean;
  /** The same as conditions: live records that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope[];
  /** The live ones alone. */
  readable(actor: Actor): ListScope;
}

/** A field whose value no two live records share. */
export interface UniqueField<Row> {
  /** As the wire has it. */
  field: UniqueFieldName;
  /** The column with the unique index, as `table.column`. */
  column: string;
  /** The live record that has the value that `row` was to get. */
  holder(session: Session, row: Row): Promise<{ id: string } | undefined>;
  /** The same for many rows: by what they are compared with, and which live records have one of those. */
  many?: {
    key(row: Row): string | null;
    /** @param keys a JSON array of them */
    holders(session: Session, keys: string): Promise<{ id: string; value: string }[]>;
  };
}

/** A field by which records are found that are there already, be it unique or not. */
export interface Match {
  /** A text in the form in which it is compared. */
  key(text: string): string;
  /** The live records that have one of these keys, a JSON array. */
  holders(session: Session, keys: string): Promise<{ id: string; value: string }[]>;
}

/** What tells the records of one resource from others. */
export interface RecordKind<Row extends RecordRow, View extends Recorded> {
  /** What one of them is called, in events and in words. */
  name: RecordName;
  resource: Resource<Row>;
  unique: readonly UniqueField<Row>[];
  /** One by id, deleted or not. */
  find(session: Session, id: string): Promise<Row | undefined>;
  /** Those with these ids, a JSON array, deleted or not. */
  findMany(session: Session, ids: string): Promise<Row[]>;
  /** Both fail as `unique` when a unique value is taken. */
  insert(session: Session, row: Row): Promise<void>;
  /** Adds many, whose unique values are free; without it, one after the other. */
  insertMany?(session: Session, rows: readonly Row[]): Promise<void>;
  update(session: Session, before: Row, after: Row): Promise<void>;
  /** The record as the API shows it. */
  present(row: Row): View;
  /** What is searched of it, where its text is. */
  searched?(row: Row): Searched;
  /** Makes its rows what its events tell; gives what was wrong with them. */
  rebuild: Rebuilt["rebuild"];
}
