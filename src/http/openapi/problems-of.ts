import type { TObject, TString } from "@sinclair/typebox";
import { queryProblems, type CataloguedProblem, type ProblemCode, catalogue } from "../../problems";
import type { DeclaredRoute } from "../declared";
import { isFree, isHealth } from "../free";
import { codeOf } from "../parameters";
import { statusOf } from "../problem";

/** What has to be known of a route's neighbours. */
export interface Surroundings {
  /** Lists whose records are hidden before they are removed: their paths. */
  softDeleted: readonly string[];
}

/** Every problem that a route can answer with, by status, in the order of the catalogue. */
export function problemsOf(route: DeclaredRoute, around: Surroundings): Map<number, CataloguedProblem[]> {
  const codes = new Set<ProblemCode>(route.problems);
  for (const [applies, implied] of rules(route, around)) {
    if (applies) for (const code of implied) codes.add(code);
  }
  return Map.groupBy(
    catalogue.filter(({ code }) => codes.has(code)),
    ({ kind }) => statusOf(kind),
  );
}

/** What follows from the declarations: the checks that stand behind each of them. */
function rules(route: DeclaredRoute, around: Surroundings): [applies: boolean, codes: ProblemCode[]][] {
  const { method, path, permission = "public", list, exported, filters, parameters } = route;
  const { conditional, answer, params, ticket, form, feature } = route;
  const isWrite = method !== "GET";
  const isPost = method === "POST";
  const isRepeatable = isPost && permission !== "public" && !answer?.unrepeatable;
  const queryCodes = Object.keys(queryProblems) as (keyof typeof queryProblems)[];
  return [
    [true, ["internal_error", "invalid_host"]],
    [!path.startsWith("/swagger") && path !== "/health/live", ["busy"]],
    [!isHealth(path), ["https_required"]],
    [!isFree(path), ["rate_limited"]],
    [permission !== "public", ["unauthenticated", "invalid_token"]],
    [permission.includes("."), ["forbidden"]],
    [params !== undefined, ["not_found"]],
    [params !== undefined && isHiding(path, around), ["deleted"]],
    [true, list || exported || filters ? queryCodes : ["unknown_parameter"]],
    [
      parameters !== undefined,
      ["repeated_parameter", "malformed_encoding", "invalid_characters", ...parameterCodes(parameters)],
    ],
    [ticket !== undefined, ["invalid_ticket"]],
    [feature !== undefined, ["feature_disabled"]],
    [isWrite, [form ? "malformed_form" : "malformed_json"]],
    [isWrite, ["broken_off", "body_too_large", "unsupported_media_type"]],
    [isWrite, ["unsupported_encoding", "validation_failed", "no_space"]],
    [isWrite && permission !== "public", ["already_exists"]],
    [conditional === true, ["stale", "if_match_required", "invalid_etag"]],
    [!isWrite && answer?.versions === true, ["invalid_etag"]],
    [isRepeatable, ["invalid_idempotency_key", "idempotency_mismatch", "idempotency_in_progress"]],
    [isRepeatable, ["idempotency_unreadable"]],
    [isPost && answer?.unrepeatable === true, ["idempotency_unsupported"]],
  ];
}

/** What the values of these parameters are refused with. */
const parameterCodes = (parameters: TObject | undefined) =>
  Object.values<TString>((parameters?.properties ?? {}) as Record<string, TString>)
    .map(codeOf)
    .filter((code) => code !== undefined);

/** Whether a deleted record may stand under this path; to restore one is no problem. */
const isHiding = (path: string, { softDeleted }: Surroundings) =>
  softDeleted.some((list) => path.startsWith(`${list}/:`)) && !path.endsWith("/restore");
