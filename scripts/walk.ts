/** Every endpoint with an example, in an order in which each of them succeeds: for tests and for the Postman collection. */
import type { DeclaredRoute } from "../src/http/declared";

/** One request of the walk. */
export interface Step {
  route: DeclaredRoute;
  /** The path, with `{{name}}` where an id stands. */
  path: string;
  /** What is known afterwards: name → where it stands, such as `answer.id`. */
  keeps: Readonly<Record<string, string>>;
}

/** The order of the routes, those last that say so. */
export function walkOf(routes: readonly DeclaredRoute[]): Step[] {
  const ending = routes.filter(({ walk }) => !walk?.endless);
  const steps = ending.map((route) => ({ route, path: pathOf(route), keeps: keptBy(route) }));
  const isLast = ({ route }: Step) => route.walk?.last === true;
  return [...steps.filter((step) => !isLast(step)), ...steps.filter(isLast)];
}

/** `/api/clients/:id` → `/api/clients/{{clients_id}}`; another name stands for itself. */
function pathOf({ path, walk }: DeclaredRoute): string {
  const segments = path.split("/");
  const named = segments
    .map((segment, i) => {
      if (!segment.startsWith(":")) return segment;
      return segment === ":id" ? `{{${idOf(segments[i - 1]!)}}}` : `{{${segment.slice(1)}}}`;
    })
    .join("/");
  return walk?.query === undefined ? named : `${named}?${walk.query}`;
}

const idOf = (collection: string) => `${collection.replaceAll("-", "_")}_id`;

/** Whoever adds a record knows its id afterwards. */
function keptBy({ path, answer, returns, walk }: DeclaredRoute): Record<string, string> {
  const isRecord = answer?.locates && (returns?.properties as object | undefined)?.hasOwnProperty("id");
  const id = isRecord ? { [idOf(path.split("/").at(-1)!)]: "answer.id" } : {};
  return { ...id, ...walk?.keeps };
}

/** What stands at a place such as `answer.data.0.id`. */
export const valueAt = (place: string, within: Record<string, unknown>): unknown =>
  place
    .split(".")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], within);
