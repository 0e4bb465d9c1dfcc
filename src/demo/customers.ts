import { parse } from "csv-parse/sync";
import type { ClientInput } from "../features/clients/schema";
import text from "./customers.csv" with { type: "text" };

/** A row of the Chinook database's customers. */
type Customer = Record<
  | "CustomerId"
  | "FirstName"
  | "LastName"
  | "Company"
  | "Address"
  | "City"
  | "State"
  | "Country"
  | "PostalCode"
  | "Phone"
  | "Email"
  | "SupportRepId",
  string
>;

/** A client of the demo company, and the number of who supports them. */
export interface DemoClient {
  firstName: string;
  supportedBy: string;
  input: ClientInput;
}

/** The 59 customers of the Chinook database, with their accents and phone formats. */
export const demoClients = (): DemoClient[] =>
  parse<Customer>(text, { columns: true }).map((row, i) => ({
    firstName: row.FirstName,
    supportedBy: row.SupportRepId,
    input: {
      external_id: `chinook-${row.CustomerId}`,
      name: `${row.FirstName} ${row.LastName}`,
      email: row.Email,
      phone: row.Phone || null,
      company: row.Company || null,
      position: row.Company ? (i % 2 === 0 ? "Buyer" : "Managing Director") : null,
      industry: row.Company ? industries[i % industries.length]! : null,
      address: [row.Address, `${row.PostalCode} ${row.City}`.trim(), row.State, row.Country]
        .filter((part) => part !== "")
        .join(", "),
      // Whole companies buy; of the others, some do by now.
      status: row.Company ? "customer" : (["prospect", "active", "customer", "inactive"] as const)[i % 4]!,
      tags: [row.Country, ...(i % 7 === 0 ? ["VIP"] : [])],
      notes: i % 5 === 0 ? `${row.FirstName} prefers to be called in the morning.` : null,
    },
  }));

const industries = ["Aerospace", "Software", "Telecommunications", "Retail", "Media"];
