import { Type, type Static } from "@sinclair/typebox";
import type { ValueSchema } from "../../config/types";
import { Body, Instant, Nullable } from "../../http/schema";

/** What a setting may hold, for programs: a piece of JSON Schema. */
const ValueType = Type.Unsafe<ValueSchema>(
  Type.Object({
    type: Type.Union((["string", "integer", "boolean", "array"] as const).map((type) => Type.Literal(type))),
    enum: Type.Optional(Type.Array(Type.String())),
    minimum: Type.Optional(Type.Integer()),
    maximum: Type.Optional(Type.Integer()),
    pattern: Type.Optional(Type.String()),
    items: Type.Optional(Type.Object({}, { additionalProperties: true })),
  }),
);

/** A setting as the API shows it. */
export const SettingView = Type.Object(
  {
    key: Type.String(),
    /** The one in force. */
    value: Type.Unknown(),
    default: Type.Unknown(),
    source: Type.Union(
      (["default", "profile", "file", "stored", "environment", "flag"] as const).map((kind) =>
        Type.Literal(kind),
      ),
    ),
    /** The variable or flag that it comes from. */
    source_name: Nullable(Type.String()),
    /** A variable or flag says it: what is stored does not count. */
    locked: Type.Boolean(),
    schema: ValueType,
    /** The same in words. */
    expects: Type.String(),
    description: Type.String(),
    updated_at: Nullable(Instant),
    updated_by: Nullable(Type.String()),
    /** 1 until something is stored. */
    version: Type.Integer(),
  },
  { title: "Setting" },
);
export type SettingView = Static<typeof SettingView>;

/** The value to store; `null` takes back what is stored. */
export const SettingPatch = Body({ value: Type.Unknown() }, { title: "SettingPatch" });
