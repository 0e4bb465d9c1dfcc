import { Type, type Static } from "@sinclair/typebox";

/** What can be searched. */
export const searchTypes = ["clients", "tasks", "files"] as const;
/** One of `searchTypes`. */
export type SearchType = (typeof searchTypes)[number];

const HitType = Type.Union(searchTypes.map((type) => Type.Literal(type)));

/** A record that was found. */
export const Hit = Type.Object(
  {
    type: HitType,
    id: Type.String(),
    title: Type.String(),
    /** The text in which it was found, or a part of it, as it was written: text, not HTML. */
    snippet: Type.String(),
    /** Where in the snippet: [from, to) in UTF-16 code units. */
    matches: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
    /** Above 0, at most 1: how well it matches. */
    score: Type.Number(),
  },
  { title: "SearchHit" },
);
export type Hit = Static<typeof Hit>;

/** How many of what was found have a value; `null` is none. */
const Facet = Type.Array(
  Type.Object({ value: Type.Union([Type.String(), Type.Null()]), count: Type.Integer() }),
);
export type Facet = Static<typeof Facet>;

/** What is counted. */
export const facetNames = [
  "type",
  "status",
  "priority",
  "industry",
  "assigned_to",
  "tags",
  "file_type",
] as const;
/** One of `facetNames`. */
export type FacetName = (typeof facetNames)[number];

/** What a search came to. */
export const SearchResult = Type.Object(
  {
    hits: Type.Array(Hit),
    facets: Type.Object({
      type: Facet,
      status: Facet,
      priority: Facet,
      industry: Facet,
      assigned_to: Facet,
      tags: Facet,
      file_type: Facet,
    }),
    /** The facets count the youngest 1,000 of a type that more was found of. */
    facets_capped: Type.Boolean(),
  },
  { title: "SearchResult" },
);
export type SearchResult = Static<typeof SearchResult>;

/** What `GET /api/search` takes. */
export const SearchQuery = Type.Object({
  q: Type.String({
    minLength: 1,
    code: "empty_value",
    description:
      'Words or parts of them, in any order; `"these in this order"`, `-without`; parts of mail addresses and telephone numbers.',
  }),
  type: Type.String({
    pattern: `^(${searchTypes.join("|")})(,(${searchTypes.join("|")}))*$`,
    code: "invalid_choice",
    description: `Some of ${searchTypes.join(", ")}, with commas; all without it.`,
  }),
  limit: Type.String({
    pattern: "^(?:[1-9]|[1-4][0-9]|50)$",
    code: "out_of_range",
    description: "How many hits, from 1 to 50; 20 without it.",
  }),
});
