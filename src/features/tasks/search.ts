import { searchWriter } from "../../db/search-write";
import type { Searched } from "../../search/document";
import type { TaskRow } from "./store";

/** Keeps what is searched of tasks. */
export const taskSearch = searchWriter("tasks");

/** What is searched of a task. */
export const searchedOfTask = (row: TaskRow): Searched => ({
  title: row.title,
  more: [],
  rest: [row.description, row.external_id],
});
