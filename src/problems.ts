/**
 * Every code that a problem document can have, by the reason to refuse, with what it means in one line. A refusal
 * cannot be made with another one; the OpenAPI document and docs/api.md list these.
 */

/** What may be wrong with the query of a list, or with one parameter of any query. */
export const queryProblems = {
  unknown_parameter: "A query parameter is not known here.",
  missing_parameter: "A query parameter that is needed is missing.",
  repeated_parameter: "A query parameter, or a column in it, is given twice.",
  malformed_encoding: "A query parameter is not percent-encoded UTF-8.",
  invalid_characters: "A query parameter holds NUL or half a surrogate pair.",
  unknown_field: "There is no such field to filter by or to export.",
  unknown_operator: "The field cannot be compared that way.",
  too_many_filters: "A list takes at most 20 filters.",
  too_many_values: "A filter takes at most 200 values.",
  empty_value: "A filter needs a value.",
  too_long: "A value in a filter is too long.",
  invalid_range: "`between` takes two values.",
  invalid_choice: "The value is not one of those there are.",
  invalid_id: "The value is not an id.",
  invalid_instant: "The value is no instant.",
  invalid_integer: "The value is no whole number that fits.",
  invalid_boolean: "The value is neither true nor false.",
  out_of_range: "`page`, `limit` or a range of time is too small or too large.",
  unknown_sort_key: "Lists cannot be sorted by this key.",
  repeated_sort_key: "`sort` names a key twice.",
  too_many_sort_keys: "`sort` takes at most three keys.",
  invalid_cursor: "This is not a cursor that the server gave.",
  cursor_mismatch: "The cursor belongs to a list with other filters or another order.",
  page_with_cursor: "`page` and `cursor` exclude each other.",
  page_too_deep: "Pages by number end at the 10,000th record; go on with `cursor`.",
} as const;

/** Reason → code → meaning. */
export const problems = {
  malformed: {
    malformed_json: "The body is not JSON in UTF-8, or nests too deep.",
    malformed_form: "The body is not a whole `multipart/form-data` form.",
    broken_off: "The request ended before its body did.",
    invalid_host: "The `Host` header is missing or names no host.",
    websocket_expected: "This address takes WebSockets alone.",
    invalid_etag: "`If-Match` or `If-None-Match` is not a list of entity tags.",
    invalid_idempotency_key: "An `Idempotency-Key` has 1 to 255 visible ASCII characters.",
    ...queryProblems,
    unknown_user: "The query names nobody who is there to take it over.",
  },
  unauthenticated: {
    unauthenticated: "Nobody is signed in.",
    invalid_token: "The access token is wrong, expired or revoked.",
    invalid_ticket: "The ticket is unknown, used, expired, or good for something else.",
    wrong_credentials: "The e-mail address or the password is wrong.",
    invalid_refresh_token: "The refresh token is unknown, used, or its session is over.",
  },
  forbidden: {
    forbidden: "Your role or your part in the record does not allow it.",
    https_required: "The server answers over HTTPS only.",
    registration_closed: "Nobody can register by themselves.",
    feature_disabled: "An admin has switched this off; `feature` names it.",
    setup_disabled: "Setting up over HTTP is switched off.",
    wrong_setup_code: "This is not the code that the server printed.",
    account_inactive: "The account is closed.",
    share_password_required: "The link has a password: send it as `X-Share-Password`, or open its page.",
    wrong_share_password: "This is not the password of the link.",
    view_only: "The link shows the file, and does not give it away.",
    exceeds_own_role: "It is about a role that allows more than yours.",
  },
  not_found: {
    not_found: "There is no such thing, or you may not see it.",
    preview_unavailable: "There is no picture of this file.",
  },
  method_not_allowed: { method_not_allowed: "The path has other methods; `Allow` names them." },
  conflict: {
    email_taken: "Another record has this e-mail address; `conflicting_id` names it if you may see it.",
    external_id_taken: "Another record has this external id; `conflicting_id` names it if you may see it.",
    already_exists: "Another record has this value.",
    name_taken: "Another folder beside it has this name; `conflicting_id` names it if you may see it.",
    folder_deleted: "The folder that it is in is deleted; `folder_id` names it.",
    folder_in_itself: "A folder cannot be moved into itself, or into what is in it.",
    too_deep: "Folders lie in each other at most 100 deep.",
    too_many_in_folder: "The folder holds more than goes at once; `most` says how much does.",
    invalid_transition: "The record cannot go from its state to this one; `allowed` names those it can.",
    already_set_up: "There is an admin already.",
    not_empty: "There are records already: the demo is for an empty system.",
    last_admin: "The last active admin has to stay one.",
    own_account: "You cannot close your own account.",
    too_many_to_hand_over: "More is assigned to them than goes at once; `most` says how much does.",
    too_many_shares: "The file has as many links as one may have at a time; `most` says how many.",
    job_not_failed: "Only a job that failed is tried again; `state` says what became of this one.",
    job_ended: "The job has ended; `state` says how.",
    job_not_undoable: "What the job did cannot be taken back; `state` and `kind` say why.",
    backup_not_configured: "No `backup.dir` says where backups are made.",
    setting_locked: "A variable or a flag says what this is; `locked_by` names it.",
    idempotency_in_progress: "The first request with this `Idempotency-Key` still runs.",
    idempotency_unreadable: "The answer kept for this `Idempotency-Key` can no longer be read.",
  },
  gone: {
    deleted: "The record is deleted, and you may restore it; `version` is its version.",
    deleted_then: "The record was deleted at that instant; `version` is the version it had.",
    share_ended:
      "The link is over: expired, used up or revoked, or whoever made it may no longer share the file.",
    history_gone: "What the record was then is no longer kept.",
  },
  stale: { stale: "The record has changed; `changed` names the fields, `version` the present version." },
  too_large: {
    body_too_large: "The body is too large.",
    file_too_large: "The file is too large; `most` says how many bytes one may have.",
  },
  unsupported_media: {
    unsupported_media_type: "The body is not of a type that is taken here.",
    unsupported_encoding: "The body is compressed; send it as it is.",
    file_type_refused: "Files of this type are not taken; `file_type` says which it is.",
  },
  range_not_satisfiable: {
    range_not_satisfiable: "The file ends before this range begins; `Content-Range` says how long it is.",
  },
  invalid: {
    validation_failed: "The body does not fit; `errors` says where.",
    invalid_reset_token: "The link to choose a password is unknown, used, replaced or too old.",
    invalid_invitation:
      "The invitation is unknown, accepted, replaced or too old, or whoever sent it may no longer.",
    invalid_verification_token:
      "The link that proves an address is unknown, replaced or too old, or the address changed.",
    idempotency_mismatch: "This `Idempotency-Key` was used with another body.",
    idempotency_unsupported: "This endpoint takes no `Idempotency-Key`.",
  },
  precondition_required: { if_match_required: "Say with `If-Match` which version you change." },
  too_many: {
    rate_limited: "Too many requests; `Retry-After` says when to come back.",
    too_many_connections: "You have as many event streams and sockets open as one may have.",
    too_many_exports: "You have as many exports under way as one may have.",
    too_many_failures: "Too many wrong passwords; `Retry-After` says when to come back.",
    too_many_jobs: "As many jobs of yours wait or run as one may have.",
  },
  fault: { internal_error: "A fault of the server; its log has the details under `request_id`." },
  busy: { busy: "The server is busy or not ready; `Retry-After` says when to come back." },
  no_space: {
    no_space: "The server's disk is full; nothing was saved.",
    quota_exceeded: "Files take as much room as they may; `most` says how many bytes that is.",
  },
} as const;

/** The reasons, one for each status that the contract has for them. */
export type ProblemKind = keyof typeof problems;

/** The codes that a reason has. */
export type CodeOf<Kind extends ProblemKind> = { [K in Kind]: keyof (typeof problems)[K] & string }[Kind];

/** Any code of a problem document. */
export type ProblemCode = CodeOf<ProblemKind>;

/** What a query is refused with. */
export type QueryCode = keyof typeof queryProblems;

/** A field whose value no two records share has `<field>_taken`. */
export type UniqueFieldName = ProblemCode extends infer Code
  ? Code extends `${infer Field}_taken`
    ? Field
    : never
  : never;

/** A code as the catalogue has it. */
export interface CataloguedProblem {
  kind: ProblemKind;
  code: ProblemCode;
  meaning: string;
}

/** The catalogue, in the order of its statuses. */
export const catalogue: readonly CataloguedProblem[] = Object.entries(problems).flatMap(([kind, codes]) =>
  Object.entries<string>(codes).map(([code, meaning]) => ({
    kind: kind as ProblemKind,
    code: code as ProblemCode,
    meaning,
  })),
);
