import { Elysia } from "elysia";
import type { HttpKit } from "../../http/kit";
import { BadParameter, Problems } from "../../list";
import { SearchQuery, SearchResult, searchTypes, type SearchType } from "./schema";
import type { SearchService } from "./service";

/** What is found when nobody says how much. */
const usualLimit = 20;

/** Search over HTTP. */
export const searchRoutes = (kit: HttpKit, search: SearchService) =>
  new Elysia({ prefix: "/api/search", tags: ["Search"] }).use(kit).get(
    "",
    ({ actor, parameters: { q, type, limit } }) =>
      search.search(actor, {
        q: given(q),
        types:
          type === undefined
            ? searchTypes
            : searchTypes.filter((each) => (type.split(",") as SearchType[]).includes(each)),
        limit: limit === undefined ? usualLimit : Number(limit),
      }),
    {
      permission: "signed-in",
      parameters: SearchQuery,
      returns: SearchResult,
      problems: ["missing_parameter"],
      walk: { query: "q=bjorn" },
      detail: {
        summary: "Search what you may see",
        description:
          "The best hits first: names and titles count more than companies and e-mail addresses, those more than the rest; whole words more than beginnings, those more than middles of words; then what changed last. A wrong letter in a word of five and more is forgiven when nothing else is found. The facets equal the totals of the lists with the same `q`, unless `facets_capped` says that they count the youngest 1,000 alone.",
      },
    },
  );

/** @throws Refusal when there is nothing to search for */
function given(q: string | undefined): string {
  const problems = new Problems();
  problems.try("q", () => {
    if (q === undefined)
      throw new BadParameter("missing_parameter", "says what to search for, and is missing");
  });
  problems.refuse();
  return q!;
}
