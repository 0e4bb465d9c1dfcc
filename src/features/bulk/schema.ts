import { Type, type Static, type TObject } from "@sinclair/typebox";
import { Body, Id } from "../../http/schema";

/** So many records are changed by one call. */
export const mostRecords = 100_000;
/** Room for as many items, each with its id and its version, and a blank behind every sign. */
export const mostBytes = 8 * 1024 * 1024;

/** Which records are meant: these, each at its version if one is given, or all that a filter lets through. */
const selection = {
  items: Type.Optional(
    Type.Array(
      Type.Composite([Body({ id: Id }), Type.Partial(Body({ version: Type.Integer({ minimum: 1 }) }))], {
        additionalProperties: false,
      }),
      {
        ...{ minItems: 1, maxItems: mostRecords },
        description: "The records, each at its version if one is given.",
      },
    ),
  ),
  filter: Type.Optional(
    Type.Object(
      {},
      {
        additionalProperties: true,
        description: 'The filters of the list, such as `{"status": "active", "name": {"contains": "ltd"}}`.',
      },
    ),
  ),
  expected_count: Type.Optional(
    Type.Integer({ minimum: 0, maximum: mostRecords, description: "How many the filter is to let through." }),
  ),
};

/** What is set on many records: the fields that a single change takes. */
export const BulkUpdate = <Patch extends TObject>(title: string, patch: Patch) =>
  Body({ ...selection, set: patch }, { title });

/** Which records are deleted. */
export const BulkDelete = Body(
  { type: Type.Union([Type.Literal("clients"), Type.Literal("tasks")]), ...selection },
  { title: "BulkDelete" },
);
export type BulkDelete = Static<typeof BulkDelete>;

/** Which records a call means. */
export interface Selection {
  items?: { id: string; version?: number }[];
  filter?: Record<string, unknown>;
  expected_count?: number;
}
