/**
 * The schemas that every resource shares. One schema gives validation, types and the documents, where those with a
 * `title` stand once, under that name.
 */
import { Type, type ObjectOptions, type TProperties, type TSchema } from "@sinclair/typebox";

/** A body: what is not named is refused by name. */
export const Body = <Properties extends TProperties>(properties: Properties, options: ObjectOptions = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false });

/** A body without any field, which may be left out. */
export const NoBody = Type.Optional(Body({}));

/** A value that can be absent: absent is `null`, never left out. */
export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** Text of at most `maxLength` UTF-16 units with something in it besides white space. */
export const Text = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: "\\S", description: "must not be blank" });

/**
 * Control characters and what else cannot be seen (Unicode's Default_Ignorable_Code_Point; the planes that hold some of
 * them are left out as a whole): two addresses that look alike would be two accounts.
 */
const invisible =
  "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f" +
  "\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\ud82f\\ud834\\udb40-\\udb43";
const delimiters = `\\s@<>(),;:\\\\"\\[\\]${invisible}`;
/** One label of a host name. Without the dot in it, there is one way to match: no text takes long to refuse. */
const label = `[^.${delimiters}]`;

const longestEmail = 254;

/** An e-mail address: something before the @ (accents too, RFC 6531) and a host name after it. */
export const Email = Type.String({
  maxLength: longestEmail,
  // The length once more: the pattern is also tried on a text that is too long.
  pattern: `^(?=[^]{3,${longestEmail}}$)[^${delimiters}]{1,64}@(localhost|(${label}+\\.)+${label}{2,})$`,
  description: "must be an e-mail address",
});

/** An identifier of a record. */
export const Id = Type.String({
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  description: "must be an id (UUID)",
});

/** An http or https URL. */
export const Url = Type.String({
  maxLength: 2_048,
  pattern: "^https?://[^\\s/]+(/\\S*)?$",
  description: "must be an http or https URL",
});

/** An instant as it goes out. */
export const Instant = Type.String({ description: "ISO 8601, UTC, milliseconds" });

/** An instant as it comes in; what it has to be is checked where it is read. */
export const InstantInput = Type.String({
  maxLength: 64,
  description: "an instant in ISO 8601 with an offset, such as 2026-05-04T09:00:00Z",
});

/** `:id` in a path; anything else names nothing. */
export const IdParams = Type.Object({ id: Id });

/** What a list says about its pages. */
const PaginationView = Type.Object(
  {
    page: Nullable(Type.Integer()),
    limit: Type.Integer(),
    total: Nullable(Type.Integer()),
    total_pages: Nullable(Type.Integer()),
    total_capped: Type.Boolean({ description: "There are more than `total`." }),
    next_cursor: Nullable(Type.String({ description: "Continues after the last record; null at the end." })),
  },
  { title: "Pagination" },
);

/** One page of a list. */
export const PageOf = <Schema extends TSchema>(item: Schema) =>
  Type.Object({ data: Type.Array(item), pagination: PaginationView }, { title: `${item.title}Page` });
