import { searchWriter } from "../../db/search-write";
import type { Searched } from "../../search/document";
import type { ClientRow } from "./store";

/** Keeps what is searched of clients. */
export const clientSearch = searchWriter("clients");

/** What is searched of a client. */
export const searchedOfClient = (row: ClientRow): Searched => ({
  title: row.name,
  more: [row.company, row.email],
  phone: row.phone,
  rest: [row.position, row.industry, row.address, ...row.tags, row.external_id, row.notes],
});
