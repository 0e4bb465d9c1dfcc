import type { TObject } from "@sinclair/typebox";
import { byteOrderMark, lineOf } from "../../csv/write";
import type { ExportRequest } from "../../http/exported";
import { columnsOf } from "./columns";

/** A record as the API shows it. */
export type View = Readonly<Record<string, unknown>>;

/** How records become the text of a file. */
export interface Writer {
  /** What it begins with. */
  head: string;
  /** Some records. @param isFirst whether none stand before them */
  text(views: readonly View[], isFirst: boolean): string;
  /** What it ends with. */
  tail: string;
}

/** How the records of an export are written. @param view their schema */
export function writerOf(
  { format, columns, bom }: Pick<ExportRequest, "format" | "columns" | "bom">,
  view: TObject,
): Writer {
  const isWhole = columns.join() === Object.keys(view.properties).join();
  const picked = (record: View) =>
    isWhole ? record : Object.fromEntries(columns.map((name) => [name, record[name]]));
  switch (format) {
    case "csv":
      return csvWriter(columns, view, bom);
    case "json":
      return {
        head: "[",
        text: (views, isFirst) =>
          views
            .map((record, i) => (isFirst && i === 0 ? "\n" : ",\n") + JSON.stringify(picked(record)))
            .join(""),
        tail: "\n]\n",
      };
    case "ndjson":
      return {
        head: "",
        text: (views) => views.map((record) => `${JSON.stringify(picked(record))}\n`).join(""),
        tail: "",
      };
  }
}

function csvWriter(names: readonly string[], view: TObject, bom: boolean): Writer {
  const columns = names.flatMap((name) => columnsOf(name, view.properties[name]!));
  return {
    head: (bom ? byteOrderMark : "") + lineOf(columns.map(({ name }) => name)),
    text(views) {
      let text = "";
      for (const record of views) text += lineOf(columns.map(({ cell }) => cell(record)));
      return text;
    },
    tail: "",
  };
}
