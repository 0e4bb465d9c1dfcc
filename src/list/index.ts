export { encodeCursor } from "./cursor";
export { filterQuery, listQuery } from "./describe";
export {
  fieldsFor,
  fieldsOf,
  isNullable,
  rankOf,
  recordFields,
  searchOf,
  type Declaration,
  type Field,
  type Fields,
} from "./fields";
export { readInstant } from "./instants";
export { readSearch } from "./search";
export { forgiving, isForgiving, queryOf, withCorrections, type Corrections } from "./search";
export { BadParameter, Problems, splitQuery } from "./query";
export { mostFilters } from "./parameters";
export { onePage, pageOf, type ListResult, type Page, type Pagination } from "./page";
export { parseFilters, parseList } from "./parse";
export type {
  Counting,
  DeletedMode,
  Filter,
  ListOptions,
  ListRequest,
  Operator,
  Position,
  SortKey,
  Value,
} from "./request";
export { readBoolean, readOneOf } from "./values";
