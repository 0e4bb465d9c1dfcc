import { searchWriter } from "../../db/search-write";
import type { Session } from "../../db/store";
import type { Searched } from "../../search/document";
import { textOf } from "./contents-store";

/** Keeps what is searched of files. */
export const fileSearch = searchWriter("files");

/** What of a file is searched, besides the text in it. */
export interface FileText {
  name: string;
  original_name: string;
  description: string | null;
}

/** What is searched of a file. @param text what stands in it, as far as that is known */
export const searchedOfFile = (file: FileText, text: string | null): Searched => ({
  title: file.name,
  more: file.original_name === file.name ? [] : [file.original_name],
  rest: [file.description, text],
});

/** The same, with the text as it is known now. */
export async function searchedIn(session: Session, file: FileText & { checksum: string }): Promise<Searched> {
  const found = await textOf.first(session, { hash: file.checksum });
  return searchedOfFile(file, found?.text ?? null);
}
