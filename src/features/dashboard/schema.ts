import { Type, type Static, type TProperties } from "@sinclair/typebox";
import { Instant } from "../../http/schema";

/** What there is, of what the caller may see. */
export const DashboardStats = Type.Object(
  {
    clients: Type.Object({
      total: Type.Integer(),
      active: Type.Integer(),
      new_this_week: Type.Integer({ description: "Since Monday, in your time zone." }),
    }),
    tasks: Type.Object({
      total: Type.Integer(),
      completed: Type.Integer(),
      pending: Type.Integer(),
      overdue: Type.Integer(),
      due_today: Type.Integer({ description: "Pending, and due today in your time zone." }),
    }),
    files: Type.Object({ total: Type.Integer(), bytes: Type.Integer() }),
    notifications: Type.Object({ unread: Type.Integer() }),
  },
  { title: "DashboardStats" },
);
export type DashboardStats = Static<typeof DashboardStats>;

/** Figures for each day or week of a range. */
const SeriesOf = <Figures extends TProperties>(title: string, figures: Figures) =>
  Type.Object(
    {
      from: Instant,
      to: Instant,
      by: Type.Union([Type.Literal("day"), Type.Literal("week")]),
      data: Type.Array(
        Type.Object({
          date: Type.String({ description: "The day, or the Monday of the week, in your time zone." }),
          ...figures,
        }),
      ),
    },
    { title },
  );

/** How many tasks were made and done. */
export const TaskCompletion = SeriesOf("TaskCompletion", {
  created: Type.Integer(),
  completed: Type.Integer(),
});
export type TaskCompletion = Static<typeof TaskCompletion>;

/** What happened with clients. */
export const ClientEngagement = SeriesOf("ClientEngagement", {
  added: Type.Integer(),
  changed: Type.Integer(),
  notes: Type.Integer(),
  calls: Type.Integer(),
  meetings: Type.Integer(),
});
export type ClientEngagement = Static<typeof ClientEngagement>;

/** How much people did. */
export const UserActivity = SeriesOf("UserActivity", {
  actions: Type.Integer(),
  users: Type.Integer({ description: "How many people did something." }),
  by_user: Type.Array(Type.Object({ id: Type.String(), actions: Type.Integer() })),
});
export type UserActivity = Static<typeof UserActivity>;

/** Which days or weeks are asked for. */
export const RangeQuery = Type.Object({
  from: Type.String({
    maxLength: 64,
    code: "invalid_instant",
    description: "An instant in the first day or week, such as `now-30d`: at first 29 days ago.",
  }),
  to: Type.String({
    maxLength: 64,
    code: "invalid_instant",
    description: "An instant in the last day or week: at first now.",
  }),
  by: Type.String({ pattern: "^(day|week)$", code: "invalid_choice", description: "must be day or week" }),
});
